"""The ways to ask, on segments with a known answer: identity, shuffled, noise, and codes that know more than maps."""

import dataclasses

import numpy as np
import pytest

from benchmark.topomaps.centring import centre
from benchmark.topomaps.scoring import score
from benchmark.topomaps.towers import TowersConfig
from benchmark.topomaps.ways import before, fitted_ways, plain_ways, session_mean
from tests.benchmark.topomaps.made import CODES, make

SHORT = TowersConfig(steps=50, width=16)


def rows(segments, head=False, config=SHORT):
    centred = centre(segments)
    fitted, about = fitted_ways(segments, centred, CODES, config, head, 0)
    pool = np.flatnonzero(segments.split == "test")
    return {way.name: score(way, pool, segments.person, 0) for way in (*plain_ways(segments, centred), *fitted)}, about


def test_tokens_that_keep_everything_find_everything():
    made, _ = rows(make(noise=1e-3))
    for name in ("rebuilt, correlation", "rebuilt, distance", "rebuilt, matched", "bandpower"):
        assert made[name].to_map.recall(1) == made[name].to_eeg.recall(1) == 1, name
    assert made["the person"].to_map.recall(1) < 0.3


def test_tokens_of_somebody_else_find_chance():
    made, _ = rows(make(people=24, shuffled=True))
    for name in ("rebuilt, correlation", "rebuilt, distance", "rebuilt, matched"):
        row = made[name]
        assert row.to_map.recall(10) == pytest.approx(row.to_map.chance(10), abs=0.05), name


def test_the_head_learns_what_only_codes_tell():
    segments = make(people=40, noise=3.0)
    told = np.sign(segments.maps[:, :16]) > 0
    segments = dataclasses.replace(segments, tokens=told.astype(np.int64))
    made, about = rows(segments, head=True, config=TowersConfig(steps=150, width=64, dropout=0.0, lr=3e-3))
    matched, head = made["rebuilt, matched"], made["head"]
    assert about["best_step"] > 0
    assert head.to_map.mean_average_precision > matched.to_map.mean_average_precision + 0.05


def test_nothing_of_test_enters_a_fit():
    segments = make(noise=0.5)
    is_test = segments.split == "test"
    other = segments.maps.copy()
    other[is_test] += 100.0
    one, two = (centre(each).rebuilt for each in (segments, dataclasses.replace(segments, maps=other)))
    assert np.array_equal(one, two)
    maps = [centre(each).maps[~is_test] for each in (segments, dataclasses.replace(segments, maps=other))]
    assert np.array_equal(*maps)


def test_sites_are_measured_against_their_own_people():
    segments = make()
    shift = np.where(segments.site == "A", 5.0, 0.0)[:, None] * np.arange(76)
    shifted = dataclasses.replace(segments, maps=(segments.maps + shift).astype(np.float32))
    assert np.allclose(centre(segments).maps, centre(shifted).maps, atol=1e-3)
    with pytest.raises(ValueError, match="no segment is of split train"):
        centre(dataclasses.replace(segments, split=np.full(len(segments.split), "test")))


def test_means_of_sessions_and_segments_before_by_hand():
    maps, session = np.array([[1.0], [2.0], [6.0], [5.0], [9.0], [7.0]]), np.array([0, 0, 0, 1, 2, 2])
    assert session_mean(maps, session)[:, 0].tolist() == [3, 3, 3, 5, 8, 8]
    assert before(maps, session)[:, 0].tolist() == [2, 1, 2, 0, 7, 9]
