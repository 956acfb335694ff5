"""The guards of a run: the first bad step is named, a request to stop is heard, two trainings never share a folder."""

import json
import os
import signal

import pytest
import torch

from clef.training.guards import FirstBadStep, StopSignal, lock_folder
from tests.helpers import TINY, on_two, pretrain, pretrain_on_two, start, wait_until
from tokenizer.base import ranks
from tokenizer.base.cli import Terminated

NAN, INF = float("nan"), float("inf")


def after(losses, norms, look_at, logged=()):
    bad = FirstBadStep(torch.device("cpu"))
    for done, (loss, norm) in enumerate(zip(losses, norms, strict=True), 1):
        bad.note(done, torch.tensor(loss), torch.tensor(norm))
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
        bad.note(done, torch.tensor(NAN if done == 2 and ranks.RANK == 1 else 1.0), torch.tensor(1.0))
    with pytest.raises(ValueError, match="since step 2;"):
        bad.check(3, True)


def test_every_process_stops_at_the_bad_step_of_one():
    on_two(one_of_two_is_bad)


# ---- being asked to stop
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_remembered_and_handlers_are_given_back(number):
    before = signal.getsignal(number)
    stop = StopSignal()
    assert not stop.now()
    os.kill(os.getpid(), number)
    assert stop.now()
    with pytest.raises(KeyboardInterrupt if number == signal.SIGINT else Terminated):
        stop.leave_if_asked(3)
    signal.signal(number, before)


def test_without_a_signal_training_ends_with_the_handlers_it_began_with():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    stop = StopSignal()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] != before
    stop.leave_if_asked(3)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


# ---- one training per folder
def lines(folder):
    file = folder / "metrics.jsonl"
    return file.read_text().count("\n") if file.is_file() else 0


def test_a_second_training_is_refused_in_one_line_until_the_first_is_dead(tiny_store, tmp_path):
    out = tmp_path / "run"
    settings = {"tokens": tiny_store, "steps": 100_000, "checkpoint_minutes": 0, "validate_every": 1_000_000}
    first = start(tmp_path / "a", "clef.pretrain", **({"stage": "recon"} | TINY | settings), out=out)
    assert wait_until(lambda: lines(out) >= 3, first)
    before = (out / "config.yaml").stat().st_mtime_ns
    second = pretrain(tmp_path / "b", "recon", **settings, out=out)
    assert second.code == 1 and "another process trains into this folder" in second.err.splitlines()[-1]
    both = pretrain_on_two(tmp_path / "c", "recon", **settings, out=out)
    assert [done.code for done in both] == [1, 1] and all("another process trains" in done.err for done in both)
    assert (out / "config.yaml").stat().st_mtime_ns == before and first.process.is_alive()
    first.kill(signal.SIGKILL)
    first.process.join()
    third = start(tmp_path / "d", "clef.pretrain", **({"stage": "recon"} | TINY | settings), out=out)
    here = lines(out)
    assert wait_until(lambda: lines(out) > here + 2 or third.process.exitcode is not None, third)
    third.kill(signal.SIGTERM)
    assert third.wait().code == 143
    steps = [json.loads(line)["step"] for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))


def test_a_lock_ends_with_its_file(tmp_path):
    held = lock_folder(tmp_path / "run")
    with pytest.raises(ValueError, match="another process trains into this folder"):
        lock_folder(tmp_path / "run")
    held.close()
    assert lock_folder(tmp_path / "run")
