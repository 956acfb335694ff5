"""Covariance of means over tasks of the same people, against a sum over all pairs of rows."""

import numpy as np
import pytest

from benchmark.scores.statistics.covariance import MeanCovariance, mean_covariance, resampled_covariance
from benchmark.scores.statistics.delong import components
from tests.benchmark.examples import make_scored


def test_all_pairs_of_rows_of_a_set_or_of_a_person_are_counted_once():
    parts = list(make_scored({"a": 1.0, "b": 0.5}, tasks=4, people=80, ill=0.3, controls=2).predictions.values())
    moved = [components(part.label, part.scores, None, part.weight)[1] for part in parts]
    expected = np.zeros((2, 2))
    for t, one in enumerate(parts):
        for u, other in enumerate(parts):
            same = one.subject_id[:, None] == other.subject_id
            sets = one.matched_set.max() + 1
            linked = sets / (sets - 1) * (one.matched_set[:, None] == other.matched_set) if t == u else same
            expected += moved[t] @ linked @ moved[u].T / len(parts) ** 2
    total = mean_covariance(parts)[1]
    assert total.total == pytest.approx(expected, rel=1e-10)
    assert total.tasks == 4
    assert total.cases == len({s for part in parts for s, y in zip(part.subject_id, part.label, strict=True) if y})


def test_tasks_of_other_people_add_nothing_to_each_other():
    parts = list(make_scored({"a": 1.0}, tasks=3).predictions.values())
    for t, part in enumerate(parts):
        part.subject_id = part.subject_id + 1000 * t
    total = mean_covariance(parts)[1]
    assert total.total == pytest.approx(total.alone)


def test_a_sum_that_is_negative_by_chance_falls_back_on_the_tasks_alone():
    odd = MeanCovariance(np.array([[4.0]]), np.array([[-1.0]]), 10, 20)
    assert odd.se(np.ones(1)) == 2.0


def test_other_tasks_are_counted_once():
    """What a task's own people add is in the spread of tasks already: shared by nobody, it is the spread alone."""
    alone, values = np.array([[0.01]]), np.array([0.5, 0.6, 0.7, 0.8, 0.9])
    se, quantile = MeanCovariance(alone, alone, 5, 100).se_of_tasks(np.ones(1), values)
    assert se == pytest.approx(values.std(ddof=1) / np.sqrt(5)) and quantile == pytest.approx(2.776, abs=1e-3)
    shared, _ = MeanCovariance(alone, alone + 0.02, 5, 100).se_of_tasks(np.ones(1), values)
    assert shared**2 == pytest.approx(se**2 + 0.02 * 5 / 4)


def test_replicates_give_the_covariance_where_there_are_no_predictions():
    replicates = np.random.default_rng(0).normal(0.7, 0.05, (3, 2, 5000))
    replicates[0, :, 7] = np.nan  # a draw that left the task no pair
    drawn = resampled_covariance(replicates, 40)
    assert drawn.total == pytest.approx(0.05**2 / 3 * np.eye(2), abs=3e-5) and drawn.quantile == pytest.approx(
        2.02, abs=0.01
    )
