"""DeLong against formulas written out, the bootstrap by matched set, and p-values under no difference."""

import numpy as np
import pytest
from scipy.stats import kstest

from benchmark.scores.statistics.auroc import auroc, set_weights, subject_draws
from benchmark.scores.statistics.delong import components, delong
from tests import reference


def rows(sets, controls, effects=(1.0, 0.6), alike=0.4, seed=0):
    """One task of matched sets, a person in one row: labels, scores (embeddings, n), set and weight of each row."""
    rng, size = np.random.default_rng(seed), controls + 1
    label, of = np.tile([True] + [False] * controls, sets), np.repeat(np.arange(sets), size)
    shared, own = rng.standard_normal((1, sets)), rng.standard_normal((len(effects), sets * size))
    scores = np.array(effects)[:, None] * label + np.sqrt(alike) * shared[:, of] + np.sqrt(1 - alike) * own
    return label, scores, of, np.where(label, 1.0, 1 / controls)


@pytest.mark.parametrize("levels", [4, None])
def test_without_sets_it_is_the_test_as_it_was_printed(levels):
    rng = np.random.default_rng(3)
    y = rng.random(90) < 0.4
    scores = rng.standard_normal((2, 90)) + [[1.0], [0.5]] * y
    scores = np.round(scores * levels / 4) if levels else scores
    by, se, _ = delong(y, scores).difference(0, 1)
    assert (by, se) == pytest.approx(reference.delong(y, *scores), abs=1e-12)


def test_with_sets_it_is_the_cluster_form():
    y, scores, of, _ = rows(40, 3)
    kept = np.random.default_rng(1).random(len(y)) < 0.8  # sets of many sizes, some without a case
    y, scores, of = y[kept], scores[:, kept], of[kept]
    variance = delong(y, scores, matched_set=of).covariance
    for row in (0, 1):
        assert variance[row, row] == pytest.approx(reference.obuchowski(y, scores[row], of), rel=1e-12)


def test_the_auroc_is_that_of_the_table_with_folds_and_weights():
    y, scores, of, weight = rows(30, 4)
    fold = of % 3
    value = delong(y, scores, matched_set=of, fold=fold, weight=weight).auroc
    assert value == pytest.approx([auroc(y, row, fold, weight[None])[0] for row in scores], abs=1e-12)


@pytest.mark.parametrize(("controls", "folds"), [(1, 1), (4, 1), (2, 5)])
def test_standard_errors_agree_with_the_bootstrap_by_matched_set(controls, folds):
    y, scores, of, weight = rows(150, controls)
    pair = delong(y, scores, matched_set=of, fold=of % folds, weight=weight)
    drawn = set_weights(subject_draws(len(y), 1, 4000), np.arange(len(y)), of) * weight
    first, second = (auroc(y, row, of % folds, drawn) for row in scores)
    assert pair.difference(0, 1)[1] == pytest.approx((first - second).std(), rel=0.05)
    assert np.sqrt(np.diag(pair.covariance)) == pytest.approx([first.std(), second.std()], rel=0.05)
    assert pair.covariance[0, 1] == pytest.approx(np.cov(first, second)[0, 1], rel=0.2)


def test_matched_rows_need_their_sets():
    """Rows that are alike in their set say more about the difference within it: plain DeLong would not see that."""
    y, scores, of, _ = rows(200, 1, alike=0.8)
    assert delong(y, scores, matched_set=of).covariance[0, 0] < 0.5 * delong(y, scores).covariance[0, 0]


@pytest.mark.parametrize(("sets", "controls"), [(15, 1), (60, 4)])
def test_p_values_are_uniform_without_a_difference(sets, controls):
    p = []
    for seed in range(800):
        y, scores, of, weight = rows(sets, controls, (1.0, 1.0), seed=seed)
        p.append(delong(y, scores, matched_set=of, weight=weight).difference(0, 1)[2])
    assert kstest(p, "uniform").pvalue > 0.01
    assert 0.03 < np.mean(np.array(p) < 0.05) < 0.07


def test_components_sum_to_nothing():
    y, scores, of, weight = rows(30, 4)
    moved = components(y, scores, of % 4, weight)[1]
    assert moved[:, y].sum(1) == pytest.approx(0, abs=1e-12) and moved[:, ~y].sum(1) == pytest.approx(0, abs=1e-12)


def test_same_and_wholly_apart_scores():
    y = np.tile([True, False], 6)
    sure, blind = y.astype(float), np.zeros(12)
    three = delong(y, np.stack([sure, sure, blind]), matched_set=np.repeat(np.arange(6), 2))
    assert three.difference(0, 1) == (0.0, 0.0, 1.0)
    assert three.difference(0, 2) == (0.5, 0.0, 2 * 0.5**6)


def test_bad_input_is_one_line():
    with pytest.raises(ValueError, match="NaN or infinity"):
        delong(np.array([True, False]), np.array([[np.nan, 0.0]]))
    with pytest.raises(ValueError, match="no case meets a control"):
        delong(np.array([True, False]), np.array([[1.0, 0.0]]), fold=np.array([0, 1]))
