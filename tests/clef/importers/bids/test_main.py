"""The program: its exit codes and its one line about a mistake."""

import subprocess
import sys

import polars as pl

from clef.cohort import read_events
from tests.clef.importers.bids.tree import SITE


def test_the_command(tree, tmp_path):
    run = lambda *args: subprocess.run(
        [sys.executable, "-m", "clef.importers.bids", *args], capture_output=True, text=True
    )
    done = run(f"root={tree}", f"out={tmp_path / 'c'}", "targets=[group,phenotype/moca.total]", "tasks=[rest]")
    assert done.returncode == 0 and f"8 sessions of 6 subjects from site {SITE}" in done.stderr
    assert len(read_events(tmp_path / "c").filter(pl.col("code").str.starts_with("LABEL"))) == 16, (
        "a label for each of 8 recordings and 2 columns"
    )
    wrong = run(f"root={tree}", f"out={tmp_path / 'd'}", "target=[group]")
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1
