"""Metrics against scikit-learn."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, balanced_accuracy_score, brier_score_loss, roc_auc_score

from benchmark.scores.statistics.auroc import auroc
from benchmark.scores.statistics.metrics import (
    average_precision,
    average_precision_in_folds,
    balanced_accuracy,
    brier_score,
    calibration_error,
)


@pytest.fixture(params=[0, 1])
def rows(request):
    rng = np.random.default_rng(request.param)
    y = rng.random(300) < 0.3
    scores = np.round(y + rng.standard_normal(300), 1 if request.param else 9)  # with and without ties
    return y, scores, rng.random(300)


def test_metrics_equal_scikit_learn(rows):
    y, scores, weight = rows
    p = 1 / (1 + np.exp(-scores))
    assert auroc(y, scores, None, weight[None])[0] == pytest.approx(
        roc_auc_score(y, scores, sample_weight=weight), abs=1e-12
    )
    assert average_precision(y, scores, weight) == pytest.approx(
        average_precision_score(y, scores, sample_weight=weight), abs=1e-12
    )
    assert balanced_accuracy(y, p > 0.6, weight) == pytest.approx(
        balanced_accuracy_score(y, p > 0.6, sample_weight=weight), abs=1e-12
    )
    assert brier_score(y, p, weight) == pytest.approx(brier_score_loss(y, p, sample_weight=weight), abs=1e-12)


def test_calibration_error_is_the_distance_from_the_calibration_curve():
    rng = np.random.default_rng(2)
    y, p = rng.random(300) < 0.3, rng.random(300)
    share, mean = calibration_curve(y, p, n_bins=10)
    count = np.histogram(p, np.linspace(0, 1, 11))[0]
    theirs = np.average(np.abs(share - mean), weights=count[count > 0])
    assert calibration_error(y, p, np.ones(300)) == pytest.approx(theirs, abs=1e-9)
    assert calibration_error(np.array([True, False]), np.array([1.0, 0.0]), np.ones(2)) == 0


def test_scores_of_different_folds_are_not_ranked_against_each_other():
    y, scores, fold = np.tile([True, False], 4), np.array([5.0, 4, 5, 4, 1, 0, 1, 0]), np.repeat([0, 1], 4)
    assert average_precision_in_folds(y, scores, np.ones(8), fold) == 1
    assert average_precision(y, scores, np.ones(8)) < 1
