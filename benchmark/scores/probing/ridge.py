"""Ridge regression onto ±1 with balanced weights, in closed form.

    minimise over (w, b):  |w|²/2 + C/2 · Σ_i s_i (y_i − w·z_i − b)²

Shapes as in benchmark.scores.probing.logistic.
"""

from collections.abc import Iterator

import numpy as np


def fit_path(z: np.ndarray, y: np.ndarray, weights: np.ndarray, strengths: np.ndarray) -> Iterator[np.ndarray]:
    """Solutions (S, K, r + 1) at each of G regularisations; shapes and weights as those of the logistic probe."""
    ones = np.concatenate([z, np.ones((*z.shape[:2], 1))], axis=2)
    weighted = weights[:, :, None, :] * ones.transpose(0, 2, 1)[:, None]  # (S, K, r + 1, n)
    moments, target = weighted @ ones[:, None], weighted @ np.where(y, 1.0, -1.0)[:, None, :, None]
    # the intercept is not penalised; a trace of a penalty keeps a problem without any weight solvable
    penalty = np.diag(np.append(np.ones(z.shape[2]), 1e-9))
    for c in strengths:
        yield np.linalg.solve(moments + penalty / c[..., None, None], target)[..., 0]


def squared_loss(margin: np.ndarray) -> np.ndarray:
    """(1 − m)² of each margin: the squared distance from the label ±1."""
    return (1 - margin) ** 2
