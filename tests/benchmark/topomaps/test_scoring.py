"""Scoring: what is the same finds itself, what is shuffled finds chance, within a person too; vectors by hand."""

import numpy as np
import pytest

from benchmark.topomaps.scoring import AT, Vectors, draw_pool, near, score, unit

PERSON = np.repeat(np.arange(20), 30)
MAPS = np.random.default_rng(0).standard_normal((600, 8))


def test_the_same_finds_itself():
    row = score(Vectors("same", unit(MAPS), unit(MAPS)), np.arange(600), PERSON, 0)
    assert row.to_map.recall(1) == row.to_eeg.recall(1) == row.within[0] == row.within[1] == 1
    assert row.interval == (1, 1) and row.auroc == pytest.approx(1, abs=1e-3) and row.within_chance == 1 / 30


def test_what_is_shuffled_finds_chance():
    shuffled = MAPS[np.random.default_rng(1).permutation(600)]
    row = score(Vectors("shuffled", unit(shuffled), unit(MAPS)), np.arange(600), PERSON, 0)
    for k in AT:
        assert row.to_map.recall(k) == pytest.approx(row.to_map.chance(k), abs=0.02)
    assert row.to_map.mean_rank == pytest.approx(300.5, rel=0.1)
    assert row.within[0] == pytest.approx(row.within_chance, abs=0.03) and row.auroc == pytest.approx(0.5, abs=0.05)


def test_who_it_is_alone_finds_no_segment():
    of_person = np.random.default_rng(2).standard_normal((20, 8))[PERSON]
    noisy = of_person + 0.1 * MAPS
    row = score(Vectors("person", unit(of_person), unit(noisy)), np.arange(600), PERSON, 0)
    assert row.to_map.recall(1) == pytest.approx(1 / 30, abs=0.03) and row.to_map.mean_rank < 40


def test_a_pool_is_drawn_once_and_for_all():
    rows = np.arange(100, 200)
    assert draw_pool(rows, 500, 0).tolist() == rows.tolist()
    assert len(draw_pool(rows, 30, 0)) == 30 and set(draw_pool(rows, 30, 0)) <= set(rows)
    assert draw_pool(rows, 30, 0).tolist() == draw_pool(rows, 30, 0).tolist() != draw_pool(rows, 30, 1).tolist()


def test_near_is_by_distance_and_unit_by_correlation():
    a, b = MAPS[:5], MAPS[5:9]
    vectors = near(a, b)
    assert np.allclose(vectors[0] @ vectors[1].T, [[-0.5 * ((x - y) ** 2).sum() for y in b] for x in a])
    assert np.allclose(unit(a) @ unit(b).T, [[np.corrcoef(x, y)[0, 1] for y in b] for x in a])
    assert not unit(np.ones((1, 8))).any()
