"""The logistic solver against scikit-learn and its own optimum."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmark.scores.probing.choice import GRID, balance
from benchmark.scores.probing.logistic import fit_path, linear


def strengths(*shape):
    return np.broadcast_to(np.array(GRID).reshape(-1, 1, 1), (len(GRID), *shape))


def test_the_path_is_the_optimum_at_every_regularisation():
    rng = np.random.default_rng(2)
    z, y = rng.standard_normal((60, 50)), rng.random(60) < 0.4  # separable: the hard case for weak regularisation
    weights = balance(y, np.ones(60))
    for c, w in zip(GRID, fit_path(z[None], y[None], weights[None, None], strengths(1, 1), 1e-9), strict=True):
        w = w[0, 0]
        p = 1 / (1 + np.exp(-(z @ w[:-1] + w[-1])))
        gradient = c * (weights * (p - y)) @ z + w[:-1]
        assert np.abs(gradient).max() < 1e-3 * max(1, np.abs(w).max())


def test_many_problems_at_once_are_each_as_scikit_learn_solves_it():
    rng = np.random.default_rng(3)
    z, y = rng.standard_normal((3, 40, 10)), rng.random((3, 40)) < 0.5
    weights = rng.random((3, 2, 40)) * (rng.random((3, 2, 40)) < 0.8)  # rows held out weigh nothing
    for c, w in zip(GRID, fit_path(z, y, weights, strengths(3, 2), 1e-9), strict=True):
        scores = linear(w)(z)
        for s in range(3):
            for k in range(2):
                model = LogisticRegression(C=c, tol=1e-10, max_iter=10_000)
                model.fit(z[s], y[s], sample_weight=weights[s, k])
                assert np.allclose(scores[s, k], model.decision_function(z[s]), atol=2e-3, rtol=2e-3)
