"""Platt scaling and a threshold, both from inner out-of-fold scores, so that no scored row has a say in them.

    p = 1 / (1 + exp(−(slope · score + offset))),   slope ≥ 0

Fitted by maximum likelihood with Platt's targets, (n₊ + 1)/(n₊ + 2) and 1/(n₋ + 2), which keep a few rows from giving
certainties (Platt 1999). Scores that order the held-out rows the wrong way round get slope 0: a probability
of one half. A logistic probe's own probabilities are scaled, too: learned from few people they are too certain.
"""

import numpy as np
from scipy.special import expit

STEPS = 25


def fit_platt(scores: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope and offset (B,) of B sets of scores (B, n) with labels (B, n) bool and weights (B, n), 0 for no row."""
    case, control = (weights * y).sum(1, keepdims=True), (weights * ~y).sum(1, keepdims=True)
    target = np.where(y, (case + 1) / (case + 2), 1 / (control + 2))
    total = np.maximum(weights.sum(1, keepdims=True), 1e-12)
    middle = (weights * scores).sum(1, keepdims=True) / total
    spread = np.sqrt((weights * (scores - middle) ** 2).sum(1, keepdims=True) / total)
    x = (scores - middle) / np.maximum(spread, 1e-12)
    slope, offset = _newton(x, target, weights)
    turned = slope <= 0
    slope = np.where(turned, 0.0, slope) / np.maximum(spread[:, 0], 1e-12)
    level = np.log(np.maximum(case, 1e-12) / np.maximum(control, 1e-12))[:, 0]
    return slope, np.where(turned, level, offset - slope * middle[:, 0])


def _newton(x: np.ndarray, target: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both coefficients (B,) on standardised scores; the targets keep the optimum finite."""
    slope, offset = np.zeros(len(x)), np.zeros(len(x))
    for _ in range(STEPS):
        p = expit(slope[:, None] * x + offset[:, None])
        rest, curved = weights * (p - target), weights * np.maximum(p * (1 - p), 1e-6)
        g, h = (rest * x).sum(1) + 1e-6 * slope, rest.sum(1)
        a, b, c = (curved * x * x).sum(1) + 1e-6, (curved * x).sum(1), curved.sum(1) + 1e-6
        determinant = np.maximum(a * c - b * b, 1e-12)
        one, other = (c * g - b * h) / determinant, (a * h - b * g) / determinant
        slope, offset = slope - np.clip(one, -2, 2), offset - np.clip(other, -2, 2)  # no step far from the start
        if max(np.abs(one).max(), np.abs(other).max()) < 1e-8:
            break
    return slope, offset


def best_threshold(scores: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    """The threshold of the highest balanced accuracy on scores (n,): a case lies above; of equals the middle one."""
    order = np.argsort(scores)
    ranked, y, weights = scores[order], y[order], weights[order]
    case, control = weights * y, weights * ~y
    # with the threshold before row i, rows i and later are called cases
    won = np.append(0, np.cumsum(control)) / control.sum() - np.append(0, np.cumsum(case)) / case.sum()
    won[1:-1][np.diff(ranked) == 0] = -np.inf  # ties cannot be cut
    edges = np.concatenate([[ranked[0] - 1], (ranked[1:] + ranked[:-1]) / 2, [ranked[-1] + 1]])
    best = np.flatnonzero(won > won.max() - 1e-12)
    return float(edges[best[(len(best) - 1) // 2]])
