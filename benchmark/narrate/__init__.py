"""Narratives of people that no model has seen, scored by their facts, beside three baselines."""
