"""AUROC and other metrics of scores, and their uncertainty."""
