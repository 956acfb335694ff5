"""Cross-fitted models: for each fold of a small archive all stages, trained without the fold's people."""
