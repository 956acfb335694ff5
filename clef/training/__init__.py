"""The one training loop and what it stands on: batches, checkpoints, guards, costs."""
