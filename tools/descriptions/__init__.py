"""Statements of clef.describe against what was planted in a synthetic cohort."""
