"""Logistic regression for many small problems at once: L2-regularised, in float64, by Newton's method.

    minimise over (w, b):  |w|²/2 + Σ_i a_i · log(1 + exp(−y_i (w·z_i + b))),   y = ±1,  a_i = C s_i

as scikit-learn's LogisticRegression with sample weights s. Problems come as S sets of rows with K weightings each (the
inner folds of several draws: a weight of 0 holds a row out), so that one product of arrays serves them all. Each
regularisation starts from the solution of the stronger one before; Newton's equations are solved by conjugate
gradients.

Shapes: S sets · K weightings · n rows · r columns; the intercept is column r and is not penalised.
"""

from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import expit

STEPS = 60
TINY = 1e-300
Decide = Callable[[np.ndarray], np.ndarray]
"""A fitted set of models: rows (S, m, r) -> scores (S, K, m)."""


def fit_path(
    z: np.ndarray, y: np.ndarray, weights: np.ndarray, strengths: np.ndarray, tolerance: float
) -> Iterator[np.ndarray]:
    """Solutions (S, K, r + 1) at each of G regularisations, from strong to weak.

    z: (S, n, r) · y: (S, n) bool · weights: (S, K, n), 0 for a row held out · strengths: (G, S, K), scikit-learn's C.
    A solution is done when the next Newton step would lower the objective by less than `tolerance` of it; that step
    is still taken.
    """
    ones = np.concatenate([z, np.ones((*z.shape[:2], 1))], axis=2)
    sign = np.where(y, 1.0, -1.0)[:, None, :]
    w = np.zeros((*weights.shape[:2], ones.shape[2]))
    for c in strengths:
        w = _newton(ones, sign, c[..., None] * weights, w, tolerance)
        yield w


def linear(w: np.ndarray) -> Decide:
    """The scores of weights w (S, K, r + 1), the intercept last."""
    return lambda rows: w[..., :-1] @ rows.transpose(0, 2, 1) + w[..., -1:]


def log_loss(margin: np.ndarray) -> np.ndarray:
    """log(1 + exp(−m)) of each margin."""
    return np.maximum(-margin, 0) + np.log1p(np.exp(-np.abs(margin)))  # half the time of np.logaddexp


def _newton(ones: np.ndarray, sign: np.ndarray, weights: np.ndarray, w: np.ndarray, tolerance: float) -> np.ndarray:
    """Damped Newton steps for all problems at once, from `w`."""
    penalty = np.append(np.ones(ones.shape[2] - 1), 0.0)
    across = ones.transpose(0, 2, 1)
    size = np.einsum("sij,sij->sj", ones, ones)[:, None] / ones.shape[1]
    margin = sign * (w @ across)
    right, value = _evaluate(margin, weights, penalty, w)
    for _ in range(STEPS):
        gradient = penalty * w - (weights * (1 - right) * sign) @ ones
        curved = weights * right * (1 - right)
        # with curvature unrelated to the columns, this is the Hessian's diagonal: near enough to precondition with
        diagonal = curved.sum(2, keepdims=True) * size + penalty + 1e-12
        step = _conjugate_gradients(ones, across, curved, penalty, gradient, diagonal)
        decrement = np.einsum("skr,skr->sk", step, gradient)
        if (decrement <= tolerance * np.maximum(value, 1e-12)).all():
            return w - step
        # the objective along a step needs no product with the rows: margins are linear in the length of the step
        way = sign * (step @ across)
        length = np.ones((*w.shape[:2], 1))
        for _ in range(30):
            tried, moved = w - length * step, margin - length * way
            right, reached = _evaluate(moved, weights, penalty, tried)
            short = reached > value - 1e-4 * length[..., 0] * decrement + 1e-12 * np.abs(value)  # Armijo
            if not short.any():
                break
            length[short] /= 2
        w, margin, value = tried, moved, np.minimum(reached, value)
    return w


def _evaluate(margin: np.ndarray, weights: np.ndarray, penalty: np.ndarray, w: np.ndarray):
    """Probability (S, K, n) of each row's own class, and the objective (S, K)."""
    right = expit(margin)
    loss = -np.log(np.maximum(right, TINY))
    return right, 0.5 * (penalty * w * w).sum(2) + np.einsum("skn,skn->sk", weights, loss)


def _conjugate_gradients(
    ones: np.ndarray, across: np.ndarray, curved: np.ndarray, penalty: np.ndarray, target: np.ndarray, diagonal
) -> np.ndarray:
    """Solve Hessian · step = target (S, K, r + 1), to 1 % (inexact Newton), preconditioned by `diagonal`.

    On principal axes the Hessian is nearly diagonal, so a few products with the rows do instead of r³ operations.
    """
    step, rest = np.zeros_like(target), target.copy()
    scaled = rest / diagonal
    way, size = scaled, np.einsum("skr,skr->sk", rest, scaled)[..., None]
    enough, ridge = 1e-4 * size, penalty + 1e-12
    for _ in range(target.shape[2] + 10):
        product = (curved * (way @ across)) @ ones + ridge * way
        length = size / np.maximum(np.einsum("skr,skr->sk", way, product)[..., None], TINY)
        step, rest = step + length * way, rest - length * product
        scaled = rest / diagonal
        before, size = size, np.einsum("skr,skr->sk", rest, scaled)[..., None]
        if (size <= enough).all():
            break
        way = scaled + size / np.maximum(before, TINY) * way
    return step
