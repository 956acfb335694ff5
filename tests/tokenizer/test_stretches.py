"""Stretches of sessions: inside their valid span, and padded side by side without changing what is valid."""

import numpy as np

from tests.helpers import random_tokens
from tokenizer.stretches import cut, stretch, valid_spans


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
