"""The ridge probe against scikit-learn."""

import numpy as np
from sklearn.linear_model import Ridge

from benchmark.scores.probing.logistic import linear
from benchmark.scores.probing.ridge import fit_path, squared_loss


def test_ridge_equals_scikit_learn():
    rng = np.random.default_rng(0)
    z, y, weights = rng.standard_normal((2, 30, 45)), rng.random((2, 30)) < 0.5, rng.random((2, 3, 30))
    strengths = np.array([0.01, 1.0]).reshape(-1, 1, 1) * np.ones((2, 2, 3))
    for c, w in zip((0.01, 1.0), fit_path(z, y, weights, strengths), strict=True):
        for s in range(2):
            for k in range(3):
                model = Ridge(1 / c).fit(z[s], np.where(y[s], 1, -1), sample_weight=weights[s, k])
                assert np.allclose(linear(w)(z)[s, k], model.predict(z[s]), atol=1e-6)


def test_the_loss_is_the_squared_distance_from_the_label():
    assert squared_loss(np.array([1.0, -1.0, 3.0])).tolist() == [0.0, 4.0, 4.0]
