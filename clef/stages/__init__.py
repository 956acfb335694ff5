"""The training stages: what each is fed with and what it optimises."""
