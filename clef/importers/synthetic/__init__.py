"""The synthetic cohort: people, records, reports and recordings with the truth planted in them."""
