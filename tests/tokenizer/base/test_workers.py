"""Worker processes: results in order, state kept, errors passed on, and none left when their parent is killed."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers import ROOT
from tokenizer.base.workers import WorkerDiedError, work_ahead


class Counter:
    """Counts what it was asked for, in whichever process it is."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, job: int) -> tuple[int, int, int]:
        self.calls += 1
        return job, self.calls, os.getpid()


def fail(job: int) -> int:
    if job == 1:
        raise KeyError("job 1")
    return job


def die(job: int) -> int:
    if job == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def test_a_function_travels_once_and_keeps_its_state():
    results = list(work_ahead(Counter(), range(6), workers=1))
    assert [job for job, *_ in results] == list(range(6))
    assert [calls for _, calls, _ in results] == [1, 2, 3, 4, 5, 6]
    assert len({pid for *_, pid in results}) == 1 and results[0][2] != os.getpid()


@pytest.mark.parametrize("workers", [0, 1])
def test_what_a_job_raises_is_raised_at_its_place(workers):
    results = work_ahead(fail, range(3), workers)
    assert next(results) == 0
    with pytest.raises(KeyError, match="job 1"):
        next(results)


def test_a_job_that_kills_its_process_is_told_apart():
    first, second, *rest = work_ahead(die, range(5), workers=2)
    assert first == 0 and isinstance(second, WorkerDiedError) and rest == [2, 3, 4]


def test_no_worker_outlives_a_killed_parent():
    code = (
        "import time; from tests.tokenizer.base.test_workers import Counter, work_ahead;"
        "results = work_ahead(Counter(), range(10**6), 2); print(*{next(results)[2] for _ in range(40)}, flush=True);"
        "time.sleep(60)"
    )
    program = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    workers = [int(pid) for pid in program.stdout.readline().split()]
    program.kill()
    program.wait()
    end = time.monotonic() + 30
    while alive := [pid for pid in workers if _alive(pid)]:
        assert time.monotonic() < end, f"{len(alive)} of {len(workers)} workers live on"
        time.sleep(0.05)
    assert workers and not multiprocessing.active_children()


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False
