"""The perceptron of two layers."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmark.scores.probing.mlp import fit


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    y = rng.random((1, 1600)) < 0.5
    return rng.standard_normal((1, 1600, 6)) + 1.5 * y[..., None], y


def test_it_learns_from_the_rows_that_have_weight_and_is_one_for_one_seed(rows):
    z, y = rows
    weights = np.stack([np.ones(1600), np.zeros(1600)])[None]
    first, again = (fit(z, y, weights, np.array([[3, 3]]))(z) for _ in range(2))
    assert (first == again).all() and first.shape == (1, 2, 1600)
    assert roc_auc_score(y[0], first[0, 0]) > 0.95
    trained, start = np.abs(first[0]).mean(1)
    assert trained > 2 * start  # without weights nothing moves


def test_models_side_by_side_do_not_touch_each_other(rows):
    z, y = rows[0][:, :100], rows[1][:, :100]
    both = fit(z, y, np.ones((1, 2, 100)), np.array([[3, 4]]))(z)
    alone = fit(z, y, np.ones((1, 1, 100)), np.array([[4]]))(z)
    assert np.allclose(both[0, 1], alone[0, 0], atol=1e-6) and not np.allclose(both[0, 0], both[0, 1])
