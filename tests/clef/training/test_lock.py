"""Two trainings never share a run folder, and a dead one holds nothing."""

import json
import signal

import pytest

from clef.training.lock import lock_folder
from tests.helpers import TINY, must, pretrain, pretrain_on_two, start, wait_until


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
    must(third.wait())
    steps = [json.loads(line)["step"] for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))


def test_a_lock_ends_with_its_file(tmp_path):
    held = lock_folder(tmp_path / "run")
    with pytest.raises(ValueError, match="another process trains into this folder"):
        lock_folder(tmp_path / "run")
    held.close()
    assert lock_folder(tmp_path / "run")
