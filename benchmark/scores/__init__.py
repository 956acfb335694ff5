"""Scores of embeddings on tasks: probes, intervals, comparisons."""
