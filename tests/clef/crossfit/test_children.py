"""Programs as child processes: their exit code, and that they end with a worker at work."""

import time

import pytest

from clef.crossfit.children import run_program

LEAVING = """
import sys, time
from tokenizer.base.workers import work_ahead
at_work = work_ahead(time.sleep, [0, 300], 1)
next(at_work)
sys.exit(3)
"""


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["modle=x"], 2)])
def test_exit_codes_are_those_of_the_program(arguments, code):
    assert run_program("clef.embed", arguments) == code


def test_a_program_ends_though_a_worker_of_its_is_at_work(tmp_path, monkeypatch):
    (tmp_path / "leaving.py").write_text(LEAVING)
    monkeypatch.syspath_prepend(tmp_path)
    began = time.monotonic()
    assert run_program("leaving", []) == 3
    assert time.monotonic() - began < 240
