"""Probes: small readouts of frozen embeddings, chosen on inner folds and fitted on a few labelled people."""
