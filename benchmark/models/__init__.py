"""Models that are asked side by side: ours and other people's, whom they saw, and recordings as vectors by each."""
