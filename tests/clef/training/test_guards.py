"""The first bad step is named, on whichever process and however late it is looked for."""

import pytest
import torch

from clef.training.finite import FirstBadStep
from tests.helpers import on_two
from tokenizer.base import ranks

NAN, INF = float("nan"), float("inf")


def after(losses, norms, look_at, logged=()):
    bad = FirstBadStep(torch.device("cpu"))
    for done, (loss, norm) in enumerate(zip(losses, norms, strict=True), 1):
        bad.watch(done, torch.tensor(loss), torch.tensor(norm))
        if done in (look_at, *logged):
            bad.check(done, done in logged)


def test_finite_steps_pass():
    after([3.0, 1e30, -2.0], [1.0, 0.0, 1e30], look_at=3)


@pytest.mark.parametrize(
    ("losses", "norms", "first"),
    [
        ([1, 1, NAN, NAN, 1], [1, 1, 1, 1, 1], 3),
        ([1, 1, 1, NAN, NAN], [1, INF, NAN, NAN, NAN], 2),  # a finite loss whose gradient has spoilt the weights
        ([-INF, 1, 1, 1, 1], [1, 1, 1, 1, 1], 1),
    ],
)
def test_the_first_bad_step_is_named_however_late_it_is_looked_for(losses, norms, first):
    with pytest.raises(ValueError, match=f"not a number since step {first};"):
        after([float(x) for x in losses], [float(x) for x in norms], look_at=5)


def test_the_last_finite_line_is_named():
    losses = [1.0] * 5 + [NAN] * 3
    with pytest.raises(ValueError, match=r"since step 6; the last finite line of metrics\.jsonl is of step 4;"):
        after(losses, [1.0] * 8, look_at=8, logged=(2, 4))


def one_of_two_is_bad():
    bad = FirstBadStep(torch.device("cpu"))
    for done in range(1, 4):
        bad.watch(done, torch.tensor(NAN if done == 2 and ranks.RANK == 1 else 1.0), torch.tensor(1.0))
    with pytest.raises(ValueError, match="since step 2;"):
        bad.check(3, True)


def test_every_process_stops_at_the_bad_step_of_one():
    on_two(one_of_two_is_bad)
