"""Stores that are damaged on purpose, and the damage."""
