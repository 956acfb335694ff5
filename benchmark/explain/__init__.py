"""Explanations over a cohort: how faithful they are, and which electrodes and bands tell cases from controls."""
