"""Stretches of sessions: inside their valid span, and padded side by side without changing what is valid."""

import dataclasses

import numpy as np

from tests.helpers import random_tokens
from tokenizer.stretches import MINUTE, cut, shuffled_minutes, stretch, valid_spans


def test_a_long_session_gives_random_stretches_inside_its_valid_span():
    valid = np.zeros(50, bool)
    valid[10:40] = True
    stretches = [stretch(valid, 8, np.random.default_rng(i)) for i in range(300)]
    assert all(s.stop - s.start == 8 for s in stretches)
    assert min(s.start for s in stretches) == 10 and max(s.stop for s in stretches) == 40
    assert stretch(valid, 99, np.random.default_rng(0)) == slice(10, 40)
    assert valid_spans(np.stack([valid, ~valid, valid & False])).tolist() == [30, 50, 1]


def test_stretches_stand_side_by_side_padded_to_the_longest():
    source = random_tokens()
    batch = cut(source, [4, 7], [slice(1, 4), slice(0, 7)])
    assert batch["tokens"].shape == (2, 4, 7) and batch["valid"].shape == (2, 7)
    np.testing.assert_array_equal(batch["tokens"][0, :, :3], source.tokens[4][:, 1:4])
    np.testing.assert_array_equal(batch["valid"][1], source.valid[7][:7])
    assert not batch["valid"][0, 3:].any() and not batch["tokens"][0, :, 3:].any()


def test_shuffled_minutes_are_the_same_minutes_in_an_order_that_follows_from_seed_and_name():
    source = random_tokens()
    columns = np.arange(40)
    valid = (columns >= 2) & (columns < 33) & (columns != 9)
    grid = np.broadcast_to(columns, (len(source), 4, 40)).copy()
    source = dataclasses.replace(source, tokens=grid, valid=np.tile(valid, (len(source), 1)))
    moved = shuffled_minutes(source)
    for row in range(len(source)):
        order = moved.tokens[row, 0]
        assert (moved.tokens[row] == order).all() and sorted(order) == columns.tolist()
        assert (order[:2] == [0, 1]).all() and (order[33:] == columns[33:]).all(), "padding stays"
        assert (moved.valid[row] == valid[order]).all(), "a gap moves with its minute"
        starts = [i for i in range(2, 33) if order[i] % MINUTE == 2]
        assert all((np.diff(order[i : i + 5]) == 1).all() for i in starts if order[i] != 32), "minutes stay whole"
    assert any((moved.tokens[0] != moved.tokens[row]).any() for row in range(1, len(source)))
    again, other = shuffled_minutes(source), shuffled_minutes(source, seed=1)
    assert (again.tokens == moved.tokens).all() and (other.tokens != moved.tokens).any()
