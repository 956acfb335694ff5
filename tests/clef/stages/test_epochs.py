"""Orders of an epoch: each session once, drawn anew, and like lengths side by side where that is asked for."""

import numpy as np
import pytest

from clef.stages.epochs import length_order, session_order


def test_each_session_comes_once_per_epoch_in_an_order_drawn_anew():
    orders = [[session_order(3, epoch * 7 + i, 7) for i in range(7)] for epoch in range(6)]
    assert all(sorted(order) == list(range(7)) for order in orders) and len({tuple(o) for o in orders}) > 3


@pytest.mark.parametrize("n", [1, 50, 64, 1000, 9001])
def test_each_session_comes_once_per_epoch_also_in_an_order_of_lengths(n):
    lengths = np.random.default_rng(0).integers(1, 129, n)
    orders = [length_order(3, epoch, lengths) for epoch in range(4)]
    assert all(np.array_equal(np.sort(order), np.arange(n)) for order in orders)
    assert n == 1 or len({order.tobytes() for order in orders}) == 4
    assert np.array_equal(orders[2], length_order(3, 2, lengths))


def test_sessions_of_equal_length_are_merely_shuffled():
    """No trace of their order in the store; places of pairs of neighbours are as far apart as chance has it."""
    order = length_order(0, 0, np.full(9000, 128))
    place = np.argsort(order)
    assert np.abs(np.diff(place)).mean() == pytest.approx(9000 / 3, rel=0.05)


def test_neighbours_in_number_have_like_lengths_in_every_epoch():
    """Wherever 64 divides a sample number a run of like sessions begins, although 64 does not divide the sessions."""
    lengths = np.random.default_rng(0).integers(3, 129, 9001)
    numbered = np.concatenate([lengths[length_order(1, epoch, lengths)] for epoch in range(3)])
    runs = numbered[: len(numbered) // 64 * 64].reshape(-1, 64)
    spread = runs.max(1) - runs.min(1)
    assert np.median(spread) <= 4 and (spread > 16).sum() <= 2  # where two epochs meet
    far = np.abs(np.diff(runs.mean(1)))
    assert far.mean() > 25  # but run follows run in no order of length: two lengths of 3…128 drawn apart are 42 apart
