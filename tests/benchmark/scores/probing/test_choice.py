"""The choice of width and regularisation, and the probe that is fitted with it."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmark.scores.probing.budgets import make_draw
from benchmark.scores.probing.choice import GRID, PROBES, balance, fit_probes
from benchmark.scores.probing.stacks import Draw
from benchmark.scores.probing.whitening import Space, fit_whitening
from benchmark.tasksets.weights import member_weights


def probe(spaces, y, fit, seed=0, kind="logistic", group=None):
    group = np.arange(len(y)) // 2 if group is None else group
    made = make_draw(y, fit, np.zeros(len(y), bool), group, "all", seed)
    return fit_probes([spaces], y, member_weights(y, group), [made], kind)[0][0]


def pairs(n):
    return np.arange(n) % 2 == 0


@pytest.mark.parametrize(("n", "width"), [(120, 2000), (400, 30), (700, 300)])
def test_a_probe_equals_scikit_learn(n, width):
    rng = np.random.default_rng(1)
    common = rng.standard_normal((n, 6)) @ rng.standard_normal((6, width))  # correlated, as embeddings are
    y, fit = pairs(n), np.arange(n) < 0.7 * n
    x = common + 0.3 * rng.standard_normal((n, width)) + 0.3 * y[:, None] * rng.standard_normal(width) + 5
    z = (x - x[fit].mean(0)) / x[fit].std(0)
    fitted = probe([Space(z, 0)], y, fit)
    theirs = LogisticRegression(C=fitted.c, tol=1e-10, max_iter=50_000).fit(z[fit], y[fit]).decision_function(z)
    assert np.abs(theirs - fitted.scores).max() < 1e-2 * np.abs(theirs).max()
    assert abs(roc_auc_score(y[~fit], theirs[~fit]) - roc_auc_score(y[~fit], fitted.scores[~fit])) < 0.002


def test_the_width_is_chosen_that_predicts_best():
    """Ten directions of a thousand tell cases: the whole space regularises them away with its noise."""
    rng = np.random.default_rng(2)
    y, fit = pairs(300), np.arange(300) < 100
    factors = rng.standard_normal((300, 10)) + y[:, None]
    x = factors @ rng.standard_normal((10, 1000)) + 4 * rng.standard_normal((300, 1000))
    spaces = fit_whitening(x[fit]).spaces(x)
    fitted, forced = probe(spaces, y, fit), probe(spaces[:1], y, fit)
    assert forced.components == 0 and fitted.components in (0, 32)
    assert roc_auc_score(y[~fit], fitted.scores[~fit]) > 0.95
    lone = np.zeros((300, 200))
    lone[:, 150] = factors.sum(1)  # the only column that says anything is not among the components
    lone[:, :32] = 100 * rng.standard_normal((300, 32))
    assert probe([Space(lone[:, 140:160], 0), Space(lone[:, :32], 32)], y, fit).components == 0


@pytest.mark.parametrize("kind", [k for k in PROBES if k != "mlp"] + [pytest.param("mlp", marks=pytest.mark.slow)])
def test_every_probe_learns_and_its_probabilities_are_calibrated(kind):
    rng, n = np.random.default_rng(3), 1600
    y, fit = pairs(n), np.arange(n) < 1000
    z = rng.standard_normal((n, 6)) + 0.5 * y[:, None]
    fitted = probe([Space(z, 0)], y, fit, kind=kind)
    assert (fitted.c is None) == (kind == "mlp")
    assert roc_auc_score(y[~fit], fitted.scores[~fit]) > 0.75
    assert abs(fitted.probability[~fit].mean() - 0.5) < 0.04
    sure = fitted.probability[~fit] > 0.75
    assert sure.sum() > 50 and y[~fit][sure].mean() == pytest.approx(fitted.probability[~fit][sure].mean(), abs=0.07)
    assert (fitted.called[~fit] == y[~fit]).mean() > 0.68


def test_sets_of_any_size_weigh_the_same():
    """Three controls that are copies of one are one: nothing changes, neither the choice nor the scores."""
    rng = np.random.default_rng(4)
    y, group = pairs(60), np.arange(60) // 2
    z = rng.standard_normal((60, 5)) + 0.7 * y[:, None]
    rows = np.sort(np.concatenate([np.arange(60), np.repeat(np.flatnonzero(~y & (group % 3 == 0)), 2)]))
    first, fit = np.unique(rows, return_index=True)[1], np.ones(len(rows), bool)
    one = probe([Space(z, 0)], y, np.ones(60, bool))
    other = probe([Space(z[rows], 0)], y[rows], fit, group=group[rows])
    assert one.c == other.c and np.allclose(one.scores, other.scores[first], atol=1e-5)
    assert np.allclose(one.probability, other.probability[first], atol=1e-4)


def test_balance_gives_each_class_half():
    y, share = np.array([True, False, False, True]), np.array([[1, 0.5, 0.5, 1], [1, 1, 0, 0]])
    weights = balance(y, share)
    assert np.allclose((weights * y).sum(1), share.sum(1) / 2) and weights[1, 2] == 0


def test_one_matched_set_alone_takes_the_middle_of_the_grid():
    fitted = probe(
        [Space(np.array([[1.0], [-1.0], [0.5]]), 0)], np.array([True, False, True]), np.array([1, 1, 0], bool)
    )
    assert fitted.c == GRID[len(GRID) // 2] and fitted.scores[2] > 0 and fitted.called.tolist() == [True, False, True]


def test_a_draw_of_one_class_is_refused():
    with pytest.raises(ValueError, match="both cases and controls"):
        fit_probes([[Space(np.ones((2, 1)), 0)]], np.ones(2, bool), np.ones(2), [Draw(np.arange(2), [], "")])
