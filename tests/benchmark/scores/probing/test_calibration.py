"""Platt scaling and thresholds."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.metrics import balanced_accuracy_score

from benchmark.scores.probing.calibration import best_threshold, fit_platt


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    y = rng.random((2, 80)) < 0.5
    return 5 * (y + rng.standard_normal((2, 80))) + 3, y, rng.random((2, 80))


def test_platt_scaling_is_the_maximum_of_its_likelihood(scores):
    x, y, weights = scores
    for one, label, weight, *coefficients in zip(x, y, weights, *fit_platt(x, y, weights), strict=True):
        case, control = weight[label].sum(), weight[~label].sum()
        target = np.where(label, (case + 1) / (case + 2), 1 / (control + 2))

        def loss(at, x=one, target=target, weight=weight):
            p = expit(at[0] * x + at[1])
            return -(weight * (target * np.log(p) + (1 - target) * np.log(1 - p))).sum()

        assert coefficients == pytest.approx(minimize(loss, [0.1, 0.0], method="BFGS").x, abs=1e-3)


def test_scores_of_the_wrong_order_say_nothing(scores):
    slope, offset = fit_platt(-scores[0], scores[1], np.where(scores[1], 1 / scores[1].sum(1, keepdims=True), 0.02))
    assert (slope == 0).all() and (np.abs(expit(offset) - 0.5) < 0.2).all()
    flat = fit_platt(np.ones((1, 4)), np.array([[True, False, True, False]]), np.ones((1, 4)))
    assert np.allclose(flat, 0)


def test_the_threshold_has_the_best_balanced_accuracy(scores):
    x, y = np.round(scores[0][0]), scores[1][0]  # with ties
    reached = balanced_accuracy_score(y, x > best_threshold(x, y, np.ones(80)))
    tried = np.concatenate([np.unique(x) - 0.5, [x.max() + 1]])
    assert reached == pytest.approx(max(balanced_accuracy_score(y, x > at) for at in tried))
