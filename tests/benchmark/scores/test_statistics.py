"""AUROC against scikit-learn, the bootstrap by matched set, and intervals that cover."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from benchmark.scores.statistics import auroc, auroc_interval, set_weights, subject_draws


@pytest.mark.parametrize("levels", [3, 10_000])
def test_auroc_equals_sklearn_with_ties_weights_and_folds(levels):
    rng = np.random.default_rng(0)
    y, s = rng.random(200) < 0.3, rng.integers(0, levels, 200) / 7
    weights, fold = rng.integers(0, 4, (5, 200)).astype(float), rng.integers(0, 3, 200)
    assert auroc(y, s)[0] == pytest.approx(roc_auc_score(y, s))
    for row, value in zip(weights, auroc(y, s, None, weights), strict=True):
        assert value == pytest.approx(roc_auc_score(y, s, sample_weight=row))
    pairs = [(fold == f) & y for f in range(3)], [(fold == f) & ~y for f in range(3)]
    size = np.array([a.sum() * b.sum() for a, b in zip(*pairs, strict=True)])
    each = [roc_auc_score(y[fold == f], s[fold == f]) for f in range(3)]
    assert auroc(y, s, fold)[0] == pytest.approx((size * each).sum() / size.sum())
    with pytest.raises(ValueError, match="NaN"):
        auroc(y, np.full(200, np.nan))


def test_bootstrap_resamples_sets():
    """Weights are equal within a set and Poisson, and sets of different people are independent."""
    weights = set_weights(subject_draws(80, 1, 5000), np.arange(80), np.repeat(np.arange(40), 2))
    assert (weights[:, ::2] == weights[:, 1::2]).all()
    assert weights.mean() == pytest.approx(1, abs=0.02) and weights.var() == pytest.approx(1, abs=0.03)
    assert np.abs(np.corrcoef(weights[:, ::2].T) - np.eye(40)).max() < 0.08


@pytest.mark.parametrize(("sets", "effect"), [(10, 0.0), (10, 2.0), (40, 1.0)])
def test_intervals_cover(sets, effect):
    """1,000 simulated tasks: 95 % intervals hold the true AUROC in 93 to 99 % of them."""
    rng, truth = np.random.default_rng(5), norm.cdf(effect / np.sqrt(2))
    weights = set_weights(subject_draws(2 * sets, 1), np.arange(2 * sets), np.repeat(np.arange(sets), 2))
    y, hits = np.tile([True, False], sets), 0
    for _ in range(1000):
        s = rng.standard_normal(2 * sets) + effect * y
        low, high = auroc_interval(auroc(y, s)[0], auroc(y, s, None, weights), sets)
        hits += low <= truth <= high
    assert 930 < hits < 990
