"""Predictions of one task: what every embedding's probe said of every scored session."""

import dataclasses

import numpy as np


@dataclasses.dataclass
class Predictions:
    """Scored rows (n,) of one task and the scores of E embeddings; of seed 0 and the largest label budget.

    weight: set weights (a case 1, its k controls 1/k) · matched_set, fold: numbers from 0 on
    scores: (E, n), comparable within a fold · probability: (E, n), calibrated on inner folds, classes in balance
    """

    session_id: np.ndarray
    subject_id: np.ndarray
    label: np.ndarray
    weight: np.ndarray
    matched_set: np.ndarray
    fold: np.ndarray
    scores: np.ndarray
    probability: np.ndarray
