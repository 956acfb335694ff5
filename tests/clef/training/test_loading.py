"""Batches made ahead of time: the same ones in the same order, errors at their step, and no thread left behind."""

import threading
import time

import pytest
import torch

from clef.training import loading
from clef.training.loading import Plan, StepClock, load
from tests.helpers import PATIENCE, slow_loop
from tokenizer.base import ranks


class Numbers:
    """Samples that are their own numbers."""

    def __init__(self, seconds=0.0, bad=None):
        self.seconds, self.bad, self.made = seconds, bad, []

    def batch(self, numbers):
        time.sleep(self.seconds)
        self.made.append((numbers[0], threading.current_thread().name))
        if self.bad in numbers:
            raise ValueError(f"sample {self.bad} is damaged")
        return {"number": torch.tensor(numbers), "counts": {"samples": float(len(numbers))}}


def threads():
    return [t for t in threading.enumerate() if t.name.startswith("batches")]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_batches_come_in_order_and_whole(accumulate):
    found = list(load(Numbers(), range(3, 40), 4, accumulate, 0))
    assert [step for step, _ in found] == list(range(3, 40))
    seen = [torch.cat([b["number"] for b in batches]).tolist() for _, batches in found]
    assert seen == [list(range(4 * step, 4 * step + 4)) for step in range(3, 40)]
    assert all(len(batches) == accumulate for _, batches in found) and not threads()


def test_nothing_to_do_gives_nothing():
    assert list(load(Numbers(), range(5, 5), 4, 1, 0)) == [] and not threads()


@pytest.mark.parametrize(("world", "accumulate"), [(1, 4), (2, 2), (4, 1), (2, 1)])
def test_processes_and_micro_batches_share_the_samples_of_a_step_in_order(monkeypatch, world, accumulate):
    """Gathered micro-batch by micro-batch over processes they stand as in one process."""
    monkeypatch.setattr(ranks, "WORLD", world)
    dealt = []
    for rank in range(world):
        monkeypatch.setattr(ranks, "RANK", rank)
        dealt.append(list(Plan(range(2, 4), 8, accumulate)))
    gathered = [n for micro in zip(*dealt, strict=True) for part in micro for n in part]
    assert gathered == list(range(16, 32))


def test_batches_are_made_while_the_step_before_is_computed():
    samples = Numbers()
    coming = load(samples, range(20), 2, 1, 0)
    next(coming)
    deadline = time.monotonic() + PATIENCE
    while len(samples.made) < loading.AHEAD and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    assert len(samples.made) == loading.AHEAD  # and no more: memory is limited
    assert all(name.startswith("batches") for _, name in samples.made)
    coming.close()


def test_what_making_a_batch_raises_comes_at_its_step():
    coming, steps = load(Numbers(bad=6), range(10), 2, 1, 0), []
    with pytest.raises(ValueError, match="sample 6 is damaged"):
        for step, _ in coming:
            steps.append(step)
    assert steps == [0, 1, 2] and not threads()


def test_stopping_early_leaves_no_thread():
    coming = load(Numbers(0.01), range(1000), 2, 1, 0)
    next(coming)
    assert threads()
    coming.close()
    assert not threads()


def test_the_clock_counts_waiting_and_forgets_when_told():
    clock = StepClock()
    least, most = slow_loop(clock.timed)
    lap = clock.lap()
    assert least - 1e-6 <= 4 * lap["seconds"] * lap["wait_share"] <= most + 1e-6 and lap["seconds"] >= 0.04
    assert clock.lap()["wait_share"] == 0
