"""Pairs on a line: as good as an exact solver's, fair among ties, and quick."""

import time

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from benchmark.tasksets.assignment import pair_on_line


def solved(cases, pool, caliper):
    """Number of pairs and summed distance by the Hungarian method, a forbidden pair dearer than all others."""
    apart = np.abs(cases[:, None] - pool[None])
    rows, columns = linear_sum_assignment(np.where(apart > caliper, 1000 * caliper, apart))
    kept = apart[rows, columns] <= caliper
    return int(kept.sum()), float(apart[rows, columns][kept].sum())


def drawn(rng, count, span, step):
    values = rng.uniform(0, span, count)
    return np.round(values / step) * step if step else values


@pytest.mark.parametrize("step", [0, 0.5, 1, 3])
def test_equals_an_exact_solver_with_and_without_ties(step):
    rng = np.random.default_rng(int(10 * step))
    for _ in range(150):
        span, caliper = rng.choice([4.0, 15.0, 70.0]), rng.choice([1.0, 2.0, 5.0])
        cases, pool = (drawn(rng, rng.integers(1, most), span, step) for most in (13, 20))
        rows, columns = pair_on_line(cases, pool, caliper, rng)
        assert len(set(rows.tolist())) == len(set(columns.tolist())) == len(rows)
        apart = np.abs(cases[rows] - pool[columns])
        assert (apart <= caliper).all()
        pairs, cost = solved(cases, pool, caliper)
        assert len(rows) == pairs
        assert apart.sum() == pytest.approx(cost, abs=1e-3 * caliper)


def test_nobody_is_lost_among_thousands():
    """2,000 cases of 86 to 90 have 2,000 controls of 81 to 90 between them, and each pair has to be the right one."""
    rng = np.random.default_rng(0)
    cases = rng.uniform(86, 90, 2000)
    pool = np.concatenate([rng.uniform(20, 81, 18000), cases - rng.uniform(0, 4.9, 2000)])
    began = time.perf_counter()
    rows, columns = pair_on_line(cases, pool, 5.0, rng)
    assert time.perf_counter() - began < 1
    assert len(rows) == 2000
    assert np.abs(cases[rows] - pool[columns]).max() <= 5
    assert np.abs(cases[rows] - pool[columns]).sum() <= 2000 * 4.9


def test_empty_sides_and_a_gap_that_nobody_can_cross():
    rng, none = np.random.default_rng(0), np.empty(0)
    for cases, pool in ((none, np.ones(3)), (np.ones(3), none), (np.zeros(2), np.full(2, 9.0)), (none, none)):
        assert [len(side) for side in pair_on_line(cases, pool, 5.0, rng)] == [0, 0]
    rows, columns = pair_on_line(np.array([80.0, 20.0]), np.array([50.0, 22.0, 79.0]), 5.0, rng)
    assert dict(zip(rows.tolist(), columns.tolist(), strict=True)) == {0: 2, 1: 1}


def test_ties_are_drawn_and_lean_neither_way():
    """A case of 50 between candidates of 48 and 52, and each of twenty candidates of one age: all as often."""
    rng = np.random.default_rng(0)
    older = [pair_on_line(np.array([50.0]), np.array([48.0, 52.0]), 5.0, rng)[1][0] for _ in range(400)]
    assert 160 < sum(older) < 240  # four standard errors
    taken = np.bincount([pair_on_line(np.ones(1), np.ones(20), 5.0, rng)[1][0] for _ in range(2000)], minlength=20)
    assert taken.min() > 60 and taken.max() < 140
