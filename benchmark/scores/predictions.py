"""Predictions of one task's probes: what comparisons between embeddings are computed from."""

import dataclasses

import numpy as np


@dataclasses.dataclass
class Predictions:
    """What the probes of one task said of its scored rows, under seed 0 and at the largest label budget.

    session_id, subject_id: (n,) str · label: (n,) bool, case or control · weight: (n,) f64, 1 for a case and 1/k for
    each of its k controls · matched_set: (n,) int · fold: (n,) int, pairs are compared within their fold only ·
    scores: (embeddings, n) f64 · probability: (embeddings, n) f64, calibrated on inner folds
    """

    session_id: np.ndarray
    subject_id: np.ndarray
    label: np.ndarray
    weight: np.ndarray
    matched_set: np.ndarray
    fold: np.ndarray
    scores: np.ndarray
    probability: np.ndarray
