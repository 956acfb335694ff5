"""The towers: they begin as what they stand on, the same twice, and say what is missing."""

import numpy as np
import pytest

from benchmark.topomaps.towers import Towers, TowersConfig, make_side, train_towers, vectors_of


@pytest.fixture
def side():
    rng = np.random.default_rng(0)
    return make_side(*(rng.standard_normal((40, width)) for width in (9, 5, 7, 7)))


def test_before_training_they_are_the_match(side):
    eeg, maps = vectors_of(Towers(9, 5, TowersConfig()), side)
    assert np.allclose(eeg, side.eeg_base) and np.allclose(maps, side.map_base)


def test_training_is_a_function_of_the_seed(side):
    half = np.arange(40) < 20
    config = TowersConfig(steps=3, width=4)
    one, two, other = (train_towers(side, half, ~half, config, seed)[0] for seed in (0, 0, 1))
    weights = [network.eeg[1].weight.detach().numpy() for network in (one, two, other)]
    assert np.array_equal(weights[0], weights[1]) and not np.array_equal(weights[0], weights[2])


def test_people_to_choose_on_are_needed(side):
    nobody = np.zeros(40, bool)
    with pytest.raises(ValueError, match="0 segments of split val"):
        train_towers(side, ~nobody, nobody, TowersConfig(steps=1), 0)
