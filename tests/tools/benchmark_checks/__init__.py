"""Tests of what tools.check_benchmark is made of."""
