"""Programs that are ended from outside leave no process behind: no worker, no fork server, no resource tracker."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from tests.helpers import PATIENCE, ROOT, TINY
from tokenizer.sessions import read_sessions, write_sessions

SETTINGS = {
    "clef.quality": {"cohort": "{cohort}", "out": "{out}"},
    "tokenizer.encode": {"cohort": "{cohort}", "tokenizer": "{tokenizer}", "out": "{out}"},
    "clef.embed": {"model": "{recon}", "recordings": "{files}", "out": "{out}"},
    "clef.pretrain": {"stage": "tokenizer", "cohort": "{cohort}", "out": "{out}"} | TINY | {"steps": 10**6},
    "benchmark.encode": {"encoder": "bandpower", "cohort": "{cohort}", "out": "{out}/e.parquet"},
}
SLOW = [pytest.param(program, number, marks=pytest.mark.slow) for program in SETTINGS for number in (15, 9)][2:]


@pytest.fixture
def inputs(tiny_cohort, request, tmp_path):
    """A cohort that keeps two workers busy for minutes, of the tiny one's recordings again and again; more as asked."""

    def make(program):
        table = read_sessions(tiny_cohort).with_columns(path=pl.lit(f"{tiny_cohort}/") + pl.col("path"))
        parts = [table.with_columns(session_id=pl.col("session_id") + f"-{i}") for i in range(80)]
        write_sessions(tmp_path / "cohort", pl.concat(parts))
        wanted = " ".join(map(str, SETTINGS[program].values()))
        (tmp_path / "files").mkdir()
        if "{files}" in wanted:
            for i, path in enumerate(parts[0]["path"].to_list() * 40):
                (tmp_path / "files" / f"{i:05d}.edf").symlink_to(path)
        places = {"cohort": tmp_path / "cohort", "out": tmp_path / "out", "files": tmp_path / "files"}
        for name in ("tokenizer", "recon"):
            if f"{{{name}}}" in wanted:
                places[name] = request.getfixturevalue(f"tiny_{name}")
        return [f"{k}={str(v).format(**places)}" for k, v in SETTINGS[program].items() if k != "workers"]

    return make


def processes_of(session: int) -> dict[int, str]:
    """The living processes of a session, each with its command line."""
    alive = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, owner = (folder / "stat").read_text().rpartition(") ")[2].split()[:4]
            if int(owner) == session and state != "Z":
                alive[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
    return alive


def until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


@pytest.mark.parametrize(("program", "number"), [("clef.quality", 15), ("clef.quality", 9), *SLOW])
def test_nothing_is_left_of_a_program_that_is_ended(program, number, inputs, tmp_path):
    command = [sys.executable, "-m", program, *inputs(program), "workers=2"]
    with (tmp_path / "err").open("w") as err:
        running = subprocess.Popen(command, cwd=ROOT, stderr=err, start_new_session=True)
    # the program, the resource tracker, the fork server, and the two workers it has forked
    assert until(lambda: len(processes_of(running.pid)) >= 5 or running.poll() is not None, PATIENCE)
    assert running.poll() is None, (tmp_path / "err").read_text()
    before = (tmp_path / "err").read_text()
    time.sleep(0.5)
    os.kill(running.pid, number)
    code = running.wait(PATIENCE)
    try:
        assert until(lambda: not processes_of(running.pid), 15), processes_of(running.pid)
    finally:
        for left in processes_of(running.pid):
            os.kill(left, signal.SIGKILL)
    said = (tmp_path / "err").read_text().removeprefix(before)
    assert code == (143 if number == signal.SIGTERM else -9)
    if number == signal.SIGTERM:
        assert "stopped by SIGTERM" in said.splitlines()[-1] and "Traceback" not in said and "leaked" not in said
