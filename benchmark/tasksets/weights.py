"""Set weights: within a matched set the case counts 1 and its k controls 1/k each, however many they are."""

import numpy as np


def member_weights(label: np.ndarray, match_id: np.ndarray) -> np.ndarray:
    """Weights (n,) float64 of the rows of one task from label (n,) bool and match_id (n,), any values."""
    place = np.unique(match_id, return_inverse=True)[1]
    controls = np.bincount(place, weights=~label)
    return np.where(label, 1.0, 1.0 / np.maximum(controls[place], 1))
