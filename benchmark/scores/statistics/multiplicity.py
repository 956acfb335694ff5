"""Correction for many tests: Benjamini and Hochberg's false discovery rate."""

import numpy as np


def q_values(p: np.ndarray) -> np.ndarray:
    """The smallest false discovery rate at which each test (n,) of p-values would be called: (n,).

    Benjamini & Hochberg 1995; it holds for independent tests and for those that depend positively on each other
    (Benjamini & Yekutieli 2001), as tasks of the same people do. Raises ValueError where a p-value is none.
    """
    if np.isnan(p).any() or (p < 0).any() or (p > 1).any():
        raise ValueError(f"p-values lie between 0 and 1; got {np.nanmin(p)} to {np.nanmax(p)}, {np.isnan(p).sum()} NaN")
    order = np.argsort(p)[::-1]
    ranked = p[order] * len(p) / np.arange(len(p), 0, -1)
    q = np.empty(len(p))
    q[order] = np.minimum.accumulate(ranked)  # a test is called wherever one with a larger p is
    return np.minimum(q, 1)
