"""The probe against scikit-learn, its path, and its rotation."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmark.scores.probes import GRID, balance, fit_path, probe_rows, reduce_rows


@pytest.mark.parametrize(("n", "width"), [(120, 2000), (400, 30)])
def test_probe_equals_sklearn(n, width):
    rng = np.random.default_rng(1)
    common = rng.standard_normal((n, 6)) @ rng.standard_normal((6, width))  # correlated, as embeddings are
    x = common + 0.3 * rng.standard_normal((n, width)) + 5
    x[:, 3] = 2.0  # a dead unit
    y = common[:, 0] + rng.standard_normal(n) > 0.7
    fit = np.arange(n) < 0.7 * n
    probe = probe_rows(x, y, fit, np.zeros(n, bool), np.arange(n), 0)
    live = np.delete(x, 3, axis=1)
    standard = (live - live[fit].mean(0)) / live[fit].std(0)
    model = LogisticRegression(C=probe.c, class_weight="balanced", tol=1e-10, max_iter=50_000)
    theirs = model.fit(standard[fit], y[fit]).decision_function(standard)
    assert np.abs(theirs - probe.scores).max() < 1e-2 * np.abs(theirs).max()
    assert abs(roc_auc_score(y[~fit], theirs[~fit]) - roc_auc_score(y[~fit], probe.scores[~fit])) < 0.002


def test_probe_path_is_the_optimum_at_every_regularisation():
    rng = np.random.default_rng(2)
    z, y = rng.standard_normal((60, 50)), rng.random(60) < 0.4  # separable: the hard case for weak regularisation
    for c, (w,) in zip(GRID, fit_path(z, y, balance(y)[None], list(GRID), 1e-9), strict=True):
        p = 1 / (1 + np.exp(-(z @ w[:-1] + w[-1])))
        gradient = c * (balance(y) * (p - y)) @ z + w[:-1]
        assert np.abs(gradient).max() < 1e-3 * max(1, np.abs(w).max())


def test_reduction_keeps_inner_products_and_ignores_scored_rows():
    rng = np.random.default_rng(3)
    x, fit = rng.standard_normal((50, 300)), np.arange(50) < 30
    z, _ = reduce_rows(x, fit)
    standard = (x - x[fit].mean(0)) / x[fit].std(0)
    assert np.allclose(z @ z[fit].T, standard @ standard[fit].T)
    x[40] = 1e6
    assert np.allclose(reduce_rows(x, fit)[0][:40], z[:40])
