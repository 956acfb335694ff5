"""The probe: a frozen, L2-regularised, class-balanced logistic regression in float64.

    minimise over (w, b):  |w|²/2 + C · Σ_i s_i · log(1 + exp(−y_i (w·x_i + b))),   y = ±1,  s_i = n / (2 n_class)

as scikit-learn's LogisticRegression(class_weight="balanced"), solved for few rows and many columns: features are
standardised on the training rows, rotated onto the training rows' own principal axes (exact: the optimum lies in
their span), and the optimum is found by Newton's method (iteratively reweighted least squares) along a path of C, each
solution starting the next. C = c / D, so that the same grid of c means the same regularisation at any width D.

Many-task probing with such a probe follows Open EEG Bench: float64, balanced classes, regularisation chosen on
validation, an error on NaN.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np
from scipy.special import expit

GRID = tuple(10.0**k for k in range(-3, 3))
INNER_FOLDS = 5
PATIENCE = 2  # C's in a row that may be worse than the best before weaker regularisation is given up
MIN_VAL_CASES = 15  # with fewer, one lucky validation case chooses the regularisation; then inner folds choose
STEPS = 60


@dataclasses.dataclass
class Probe:
    """What a fitted probe gives: a score (log odds) for each row, and how its regularisation was chosen."""

    scores: np.ndarray
    c: float  # in scikit-learn's terms: on standardised features, summed loss
    chosen_on: str


def probe_rows(x: np.ndarray, y: np.ndarray, train: np.ndarray, val: np.ndarray, group: np.ndarray, seed: int) -> Probe:
    """Choose C, fit on the `train` and `val` rows, score all rows.

    x: (n, D) · y: (n,) bool · train, val: (n,) bool, the other rows are only scored · group: (n,) int, matched sets.
    C is chosen by balanced log loss on the val rows where they hold `MIN_VAL_CASES` cases, else by 5-fold
    cross-validation over the matched sets of train and val together. Raises ValueError on NaN or on one class only.
    """
    if not np.isfinite(x).all():
        raise ValueError("embeddings hold NaN or infinity; a probe on them would be meaningless")
    fit = train | val
    if y[fit].all() or not y[fit].any():
        raise ValueError("a probe needs both cases and controls to be trained on")
    z, width = reduce_rows(x, fit)
    if (y & val).sum() >= MIN_VAL_CASES and (y & train).any() and (~y & train).any():
        held_out, chosen_on = [val], "val"
    else:
        held_out, chosen_on = inner_folds(group, fit, seed), f"{INNER_FOLDS} inner folds"
    c = _choose(z, y, fit, held_out, np.array(GRID) / width)
    weights = next(fit_path(z[fit], y[fit], balance(y[fit])[None], [c], 1e-9))[0]
    return Probe(z @ weights[:-1] + weights[-1], c, chosen_on)


def reduce_rows(x: np.ndarray, fit: np.ndarray) -> tuple[np.ndarray, int]:
    """Standardise on the `fit` rows and rotate onto their span: (n, min(fit rows, D)) float64, and D without constants.

    Inner products of any row with a `fit` row are kept, so a ridge-penalised linear model is the same in both.
    """
    x = np.array(x, np.float64)  # a copy, worked on in place: at 20,000 x 768 the passes over memory are what costs
    mean = x[fit].mean(0)
    x -= mean
    sd = np.sqrt(fit.astype(np.float64) @ (x * x) / fit.sum())
    live = sd > 1e-9 * np.maximum(np.abs(mean), 1e-9)  # a constant column says nothing and would divide by zero
    x /= np.where(live, sd, 1.0)
    x = x if live.all() else x[:, live]
    width = max(int(live.sum()), 1)
    if not live.any():
        return np.zeros((len(x), 1)), width
    if fit.sum() > x.shape[1]:
        return x, width
    size, axes = np.linalg.eigh(x[fit] @ x[fit].T)
    keep = size > size[-1] * 1e-12
    return (x @ x[fit].T) @ (axes[:, keep] / np.sqrt(size[keep])), width


def balance(y: np.ndarray) -> np.ndarray:
    """Weights (n,) that give cases and controls the same total, n / 2 each."""
    return np.where(y, len(y) / (2 * max(y.sum(), 1)), len(y) / (2 * max((~y).sum(), 1)))


def inner_folds(group: np.ndarray, fit: np.ndarray, seed: int) -> list[np.ndarray]:
    """Up to `INNER_FOLDS` masks (n,) of held-out `fit` rows; a matched set is never cut."""
    groups = np.random.default_rng(seed).permutation(np.unique(group[fit]))
    parts = [np.isin(group, part) & fit for part in np.array_split(groups, min(INNER_FOLDS, len(groups)))]
    return parts if len(parts) > 1 else []


def _choose(z: np.ndarray, y: np.ndarray, fit: np.ndarray, held_out: list[np.ndarray], grid: np.ndarray) -> float:
    """The C with the smallest balanced log loss on held-out rows; the strongest regularisation among equals."""
    weights = np.zeros((len(held_out), len(z)))
    kept = [i for i, out in enumerate(held_out) if y[fit & ~out].any() and not y[fit & ~out].all()]
    for i in kept:
        weights[i, fit & ~held_out[i]] = balance(y[fit & ~held_out[i]])
    if not kept:
        return float(grid[len(grid) // 2])
    losses: list[float] = []
    for solutions in fit_path(z[fit], y[fit], weights[kept][:, fit], list(grid), 1e-4):
        losses.append(sum(_loss(z[held_out[i]], y[held_out[i]], w) for i, w in zip(kept, solutions, strict=True)))
        if len(losses) - np.argmin(losses) > PATIENCE:
            break
    return float(grid[np.argmin(np.round(losses, 9))])


def _loss(z: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    margin = np.where(y, 1, -1) * (z @ w[:-1] + w[-1])
    return float((np.logaddexp(0, -margin) * balance(y)).sum())


def fit_path(
    z: np.ndarray, y: np.ndarray, weights: np.ndarray, cs: list[float], tolerance: float
) -> Iterator[np.ndarray]:
    """Solve K weighted problems on the same rows for each C, each from the one before.

    z: (n, r) · y: (n,) bool · weights: (K, n), 0 for a row held out · cs: from strong to weak regularisation.
    Yields (K, r + 1) for each C, the intercept last. A solution is done when the next Newton step would lower the
    objective by less than `tolerance` of it; that step is still taken.
    """
    ones = np.concatenate([z, np.ones((len(z), 1))], axis=1)
    w = np.zeros((len(weights), ones.shape[1]))
    for c in cs:
        w = _newton(ones, y, c * weights, w, tolerance)
        yield w


def _newton(ones: np.ndarray, y: np.ndarray, weights: np.ndarray, w: np.ndarray, tolerance: float) -> np.ndarray:
    """Damped Newton steps for K problems at once, from `w` (K, r + 1); the last coordinate is not penalised."""
    penalty = np.append(np.ones(ones.shape[1] - 1), 0.0)
    sign = np.where(y, 1.0, -1.0)

    def objective(w: np.ndarray) -> np.ndarray:
        return 0.5 * (penalty * w * w).sum(1) + (weights * np.logaddexp(0, -sign * (w @ ones.T))).sum(1)

    value, size = objective(w), np.einsum("ij,ij->j", ones, ones) / len(ones)
    for _ in range(STEPS):
        p = expit(w @ ones.T)
        gradient = (weights * (p - y)) @ ones + penalty * w
        curved = weights * p * (1 - p)
        # with curvature unrelated to the columns, this is the Hessian's diagonal: near enough to precondition with
        diagonal = curved.sum(1, keepdims=True) * size + penalty + 1e-12
        step = _conjugate_gradients(ones, curved, penalty, gradient, diagonal)
        decrement = (step * gradient).sum(1)
        if (decrement <= tolerance * np.maximum(value, 1e-12)).all():
            return w - step
        w, value = _walk(w, step, decrement, value, objective)
    return w


def _conjugate_gradients(
    ones: np.ndarray, weights: np.ndarray, penalty: np.ndarray, target: np.ndarray, diagonal: np.ndarray
) -> np.ndarray:
    """Solve Hessian · step = target (K, r + 1), to 1 % (inexact Newton), preconditioned by `diagonal`.

    On principal axes the Hessian is nearly diagonal, so a few products with the rows do instead of r³ operations.
    """
    step, rest = np.zeros_like(target), target.copy()
    scaled = rest / diagonal
    way, size = scaled, (rest * scaled).sum(1, keepdims=True)
    enough = 1e-4 * size
    for _ in range(target.shape[1] + 10):
        product = (weights * (way @ ones.T)) @ ones + (penalty + 1e-12) * way
        length = size / np.maximum((way * product).sum(1, keepdims=True), 1e-300)
        step, rest = step + length * way, rest - length * product
        scaled = rest / diagonal
        before, size = size, (rest * scaled).sum(1, keepdims=True)
        if (size <= enough).all():
            break
        way = scaled + size / np.maximum(before, 1e-300) * way
    return step


def _walk(w: np.ndarray, step: np.ndarray, decrement: np.ndarray, value: np.ndarray, objective):
    """Take the step where it lowers the objective enough, else half of it, and so on (Armijo)."""
    length = np.ones(len(w))
    for _ in range(30):
        tried = w - length[:, None] * step
        reached = objective(tried)
        short = reached > value - 1e-4 * length * decrement + 1e-12 * np.abs(value)
        if not short.any():
            break
        length[short] /= 2
    return tried, np.minimum(reached, value)
