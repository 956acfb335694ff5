"""Ctrl-C in the second in which a program loads its modules: one line, exit code 130."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT

LOADED = ("numpy", "yaml", "polars", "torch")
"""Modules of which every program loads one before anything else that takes time."""


def started(folder: Path, program: str, instead: str) -> subprocess.CompletedProcess:
    """`python -m program`, for which those modules are the source text `instead`."""
    for name in LOADED:
        (folder / f"{name}.py").write_text(instead)
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (folder, ROOT)))}
    return subprocess.run(
        [sys.executable, "-m", program], env=environ, cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("program", ["clef.importers.folder", "benchmark.build", "tokenizer.encode"])
def test_a_program_that_is_still_loading_ends_in_one_line(tmp_path, program):
    done = started(tmp_path, program, "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n")
    assert (done.returncode, done.stderr.strip()) == (130, "stopped; the same command goes on from here")


def test_other_errors_keep_their_traceback(tmp_path):
    done = started(tmp_path, "clef.embed", "raise RuntimeError('no')\n")
    assert done.returncode == 1 and "RuntimeError: no" in done.stderr and "Traceback" in done.stderr


def test_a_library_leaves_the_hook_alone():
    code = "import sys, clef, tokenizer, benchmark; print(sys.excepthook is sys.__excepthook__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
