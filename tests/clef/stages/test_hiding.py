"""Strategies: each orders every valid token once, the draws are what they always were, and a new one is one line."""

import hashlib

import numpy as np
import pytest

from clef.stages import hiding, masks
from clef.stages.hiding import places_in_blocks
from clef.stages.masks import STRATEGIES, MaskConfig, draw_masks


def grid():
    """A grid with a gap."""
    ok = np.ones((16, 48), bool)
    ok[:, 20:25] = False
    return ok


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_valid_token_stands_in_the_order_once(name):
    for seed in range(20):
        order = STRATEGIES[name](grid(), MaskConfig(), np.random.default_rng(seed))
        assert np.array_equal(np.sort(order), np.flatnonzero(grid()))


DIGESTS = {
    "random": "18b7449ba1ca5e71",
    "time": "5dccb600cb4451a9",
    "frequency": "5da5aaa7906a9d7e",
    "mixed": "eca777b2e5a16cbd",
}
"""Of fifty masks by each strategy; a run that goes on must draw what it drew before."""


@pytest.mark.parametrize("name", DIGESTS)
def test_the_draws_of_a_seed_stay_the_same(name):
    digest = hashlib.sha256()
    for seed in range(50):
        for mask in draw_masks(grid(), MaskConfig(masking=name), np.random.default_rng(seed)):
            digest.update(np.packbits(mask).tobytes())
    assert digest.hexdigest()[:16] == DIGESTS[name]


def test_blocks_have_the_lengths_asked_for():
    """A block is a stretch in which places go up, or go down, by one."""
    for least, most in ((2, 16), (3, 3), (1, 4)):
        lengths = []
        for seed in range(300):
            places = places_in_blocks(200, least, most, np.random.default_rng(seed)).astype(int)
            assert sorted(places) == list(range(200))
            step = np.diff(places)
            step = step * np.sign(step[abs(step) == 1].sum())  # up or down
            breaks = np.flatnonzero(step != 1) + 1
            lengths += np.diff(breaks).tolist()
        joined = np.mean(np.array(lengths) > most)  # neighbours that stayed neighbours in the shuffle
        assert min(lengths) == least and set(range(least, most + 1)) <= set(lengths) and joined < 0.2


def test_a_new_strategy_is_a_function_and_a_line(monkeypatch):
    def from_the_start(ok, settings, rng):
        column, row = np.nonzero(ok.T)
        return row * ok.shape[1] + column

    monkeypatch.setitem(masks.STRATEGIES, "start", from_the_start)
    hidden, kept = draw_masks(grid(), MaskConfig(masking="start"), np.random.default_rng(0), 0.0)
    assert hidden[:, :20].all() and not hidden[:, 30:].any() and not (kept & ~grid()).any()


def test_mixed_is_one_of_the_three_from_the_first_draw():
    for seed in range(9):
        rng = np.random.default_rng(seed)
        one = (hiding.at_random, hiding.in_blocks_of_time, hiding.in_bands_of_frequency)[rng.integers(3)]
        expected = one(grid(), MaskConfig(), rng)
        assert np.array_equal(hiding.mixed(grid(), MaskConfig(), np.random.default_rng(seed)), expected)
