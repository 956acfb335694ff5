"""Predictions: what each embedding's probe said of each scored session of one task."""

import dataclasses

import numpy as np


@dataclasses.dataclass
class Predictions:
    """The scored rows of one task, at seed 0 and the largest label budget.

    session_id (n,) str, subject_id (n,), label (n,) bool · weight (n,) float64: a case 1, each of its k controls 1/k
    matched_set (n,) int · fold (n,) int: only scores of one fold are comparable
    scores (embeddings, n) float64 · probability (embeddings, n) float64, calibrated on inner folds
    """

    session_id: np.ndarray
    subject_id: np.ndarray
    label: np.ndarray
    weight: np.ndarray
    matched_set: np.ndarray
    fold: np.ndarray
    scores: np.ndarray
    probability: np.ndarray
