"""Metrics of one task beside AUROC, with weights: AUPRC, balanced accuracy, Brier score, calibration error.

The rows' weights are set weights (a case 1, each of its k controls 1/k), so cases and controls count the same in all:
chance is 0.5 for AUPRC and balanced accuracy, and 0.25 for the Brier score of a probability of one half.

Shapes: n scored rows · label (n,) bool · weight (n,) float64 · fold (n,) int.
"""

import numpy as np

BINS = 10


def average_precision(label: np.ndarray, scores: np.ndarray, weight: np.ndarray) -> float:
    """Area under precision and recall as a step function: Σ (R_i − R_{i−1}) P_i over distinct scores."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)  # tied rows pass a threshold together
    case, every = np.cumsum((weight * label)[order])[last], np.cumsum(weight[order])[last]
    return float(np.sum(np.diff(case, prepend=0.0) * case / every) / case[-1])


def average_precision_in_folds(label: np.ndarray, scores: np.ndarray, weight: np.ndarray, fold: np.ndarray) -> float:
    """The mean over folds, by their cases' weight; scores of different probes are not ranked against each other."""
    folds = [fold == f for f in np.unique(fold[label])]
    each = [average_precision(label[f], scores[f], weight[f]) for f in folds]
    return float(np.average(each, weights=[weight[f & label].sum() for f in folds]))


def balanced_accuracy(label: np.ndarray, called: np.ndarray, weight: np.ndarray) -> float:
    """Mean of sensitivity and specificity of called (n,) bool."""
    right = weight * (called == label)
    return float(right[label].sum() / weight[label].sum() + right[~label].sum() / weight[~label].sum()) / 2


def brier_score(label: np.ndarray, probability: np.ndarray, weight: np.ndarray) -> float:
    """Mean squared distance of probability (n,) from the label."""
    return float(np.average((probability - label) ** 2, weights=weight))


def calibration_error(label: np.ndarray, probability: np.ndarray, weight: np.ndarray) -> float:
    """Expected calibration error: |mean probability − share of cases| over `BINS` bins of equal width, by weight."""
    place = np.minimum((probability * BINS).astype(int), BINS - 1)
    apart = np.bincount(place, weights=weight * (probability - label), minlength=BINS)
    return float(np.abs(apart).sum() / weight.sum())
