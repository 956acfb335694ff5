"""AUROC and its uncertainty, resampled by matched set.

AUROC is the share of (case, control) pairs in which the case scores higher, ties counting half (Mann & Whitney
1947; Hanley & McNeil 1982). With folds, only pairs of the same fold are compared, since each fold has a probe of
its own, and the pairs of all folds are pooled.

The interval of one AUROC comes from a bootstrap over matched sets: in replicate b every set s gets a weight w[b, s] and
the AUROC is taken over weighted pairs. The weights are Poisson(1) (the multinomial bootstrap's limit). Within a task
sets share nobody and are resampled independently, exactly by set. Tasks share people, so a subject has one normal draw
per replicate, wherever it occurs, and a set's weight is the Poisson quantile of the standardised sum of its members'
draws (a Gaussian copula). That ties tasks as far as their sets are the same people, which is too little for means over
tasks where a person's sets hold different others: benchmark.scores.statistics.covariance counts those.
"""

import numpy as np
from scipy.special import expit, logit, ndtr, pdtr, stdtrit

RESAMPLES = 1000
FEW_PAIRS = 10_000


def auroc(
    labels: np.ndarray, scores: np.ndarray, fold: np.ndarray | None = None, weights: np.ndarray | None = None
) -> np.ndarray:
    """AUROC of `scores` (n,) against boolean `labels` (n,); within `fold` (n,) and weighted (R, n) if given.

    Returns (R,) values, R = 1 without weights; NaN where no pair has weight. Raises ValueError on NaN scores.
    """
    if not np.isfinite(scores).all():
        raise ValueError("scores hold NaN or infinity; an AUROC of them would be meaningless")
    weights = np.ones((1, len(labels))) if weights is None else weights
    fold = np.zeros(len(labels), np.int64) if fold is None else fold
    if labels.sum() * (~labels).sum() <= FEW_PAIRS:
        return _auroc_of_pairs(labels, scores, fold, weights)
    order = np.lexsort((scores, fold))
    new_fold = np.diff(fold[order], prepend=fold[order[0]] - 1) != 0
    starts = np.flatnonzero(new_fold | (np.diff(scores[order], prepend=np.nan) != 0))  # groups of tied scores
    case = np.add.reduceat(weights[:, order] * labels[order], starts, axis=1)
    control = np.add.reduceat(weights[:, order] * ~labels[order], starts, axis=1)
    wins = np.cumsum(control, axis=1) - 0.5 * control
    firsts = np.flatnonzero(new_fold[starts])
    fold_case = np.add.reduceat(case, firsts, axis=1)
    fold_control = np.add.reduceat(control, firsts, axis=1)
    before = np.cumsum(fold_control, axis=1) - fold_control  # controls of earlier folds are nobody's opponents
    won = (case * wins).sum(1) - (fold_case * before).sum(1)
    pairs = (fold_case * fold_control).sum(1)
    return np.divide(won, pairs, out=np.full(len(won), np.nan), where=pairs > 0)


def _auroc_of_pairs(labels: np.ndarray, scores: np.ndarray, fold: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The same from a table of all pairs (cases, controls): for a few hundred rows faster than sorting them."""
    case, control = weights[:, labels], weights[:, ~labels]
    apart = scores[labels][:, None] - scores[~labels]
    together = (fold[labels][:, None] == fold[~labels]).astype(np.float64)
    won = ((case @ (together * (np.sign(apart) + 1) / 2)) * control).sum(1)
    pairs = ((case @ together) * control).sum(1)
    return np.divide(won, pairs, out=np.full(len(won), np.nan), where=pairs > 0)


def subject_draws(subjects: int, seed: int, resamples: int = RESAMPLES) -> np.ndarray:
    """One standard normal draw per subject and replicate: (resamples, subjects) float32."""
    return np.random.default_rng(seed).standard_normal((resamples, subjects), np.float32)


def set_weights(draws: np.ndarray, subject: np.ndarray, matched_set: np.ndarray) -> np.ndarray:
    """Bootstrap weights (R, n) of the rows of one task; rows of a set have the same weight.

    draws: (R, subjects) · subject: (n,) column of `draws` of each row · matched_set: (n,) integers 0 … S−1
    """
    order = np.argsort(matched_set, kind="stable")
    sizes = np.bincount(matched_set)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    sums = np.add.reduceat(draws[:, subject[order]].astype(np.float64), starts, axis=1) / np.sqrt(sizes)
    steps = pdtr(np.arange(12), 1.0)  # of Poisson's law; scipy.stats takes a second to import
    return np.searchsorted(steps, ndtr(sums)).astype(np.float64)[:, matched_set]


def interval(replicates: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of bootstrap replicates; replicates without a pair (NaN) are left out."""
    tail = 50 * (1 - level)
    low, high = np.nanpercentile(replicates, [tail, 100 - tail])
    return float(low), float(high)


def auroc_interval(value: float, replicates: np.ndarray, sets: int) -> tuple[float, float]:
    """95 % interval of one AUROC on `sets` matched sets: the bootstrap's standard error on the logit scale.

    A standard error from few sets is itself uncertain, hence Student's quantile, with sets − 1 degrees of freedom for
    cases and as many for controls. Simulated with 30 sets and more of one case and 1 or 4 controls, alike or not, and
    AUROC 0.5 to 0.95 it covers 93 to 97 %, with 10 sets 93 to 99 %; percentiles cover 41 to 95 % with 8 to 40 sets.
    """
    quantile = float(stdtrit(2 * max(sets - 1, 1), 0.975))
    return logit_interval(value, float(np.nanstd(replicates)), sets, quantile)


def logit_interval(value: float, se: float, sets: float, quantile: float) -> tuple[float, float]:
    """Interval of an AUROC, or of a mean of them, of so many standard errors: symmetric on the logit scale, in 0 to 1.

    Where nothing varies (cases and controls wholly apart) the standard error is the largest that an AUROC on `sets`
    matched sets can have (Birnbaum and Klose 1957), at half a set short of perfect, instead of 0.
    """
    most = np.sqrt(value * (1 - value) / sets)
    centre = (value * sets**2 + 0.5) / (sets**2 + 1)
    if se < 1e-9 or most < 1e-9:
        centre = (value * sets + 0.5) / (sets + 1)
        se = np.sqrt(centre * (1 - centre) / sets)
    half = quantile * se / (centre * (1 - centre))
    low, high = expit(logit(centre) + np.array([-half, half]))
    return float(min(low, value)), float(max(high, value))
