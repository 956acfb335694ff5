"""The suite's environment: threads, time zone and locale are what tests/environment.py defines, in every process."""

import json
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
import scipy.linalg
import torch
from threadpoolctl import threadpool_info

from tests.environment import DEFINED, ROOT, threads

FOREIGN_PLUGIN = "import numpy, scipy.linalg\nnumpy.ones((9, 9)) @ numpy.ones((9, 9))"
OUTSIDE = {"OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3", "TZ": "Asia/Kolkata"}
OUTSIDE |= {"WANDB_MODE": "online", "RANK": "1"}
INSIDE = """
import json, os, time
def test_say():
    import numpy, scipy.linalg, torch
    from threadpoolctl import threadpool_info
    names = ("OMP_NUM_THREADS", "TZ", "LC_ALL", "WANDB_MODE", "RANK")
    found = {name: os.environ.get(name) for name in names} | {"torch": torch.get_num_threads(), "east": -time.timezone}
    print("FOUND", json.dumps(found | {"pools": sorted({p["num_threads"] for p in threadpool_info()})}))
"""


def test_every_pool_of_threads_has_the_number_that_is_defined():
    assert np.ones((9, 9)) @ np.ones(9) @ scipy.linalg.inv(np.eye(9)) @ np.ones(9) == 81
    most = {threads(), min(threads(), os.cpu_count())}  # OpenBLAS opens no more than there are cores
    assert {pool["num_threads"] for pool in threadpool_info()} <= most and torch.get_num_threads() == threads()
    assert pl.thread_pool_size() == int(os.environ["POLARS_MAX_THREADS"])


def suite_in(folder, **outside):
    """What a test of a suite with our conftest.py sees, started with a plugin that imports numpy before it."""
    (folder / "early.py").write_text(FOREIGN_PLUGIN)
    (folder / "test_say.py").write_text(INSIDE)
    (folder / "conftest.py").write_text("from tests.conftest import *")
    paths = os.pathsep.join([str(folder), str(ROOT)])
    given = {k: v for k, v in os.environ.items() if k != "CLEF_TEST_ENVIRONMENT"} | OUTSIDE | outside
    command = [sys.executable, "-m", "pytest", "-s", "-p", "early", "-p", "no:cacheprovider", "test_say.py"]
    done = subprocess.run(command, cwd=folder, env=given | {"PYTHONPATH": paths}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(next(line for line in done.stdout.splitlines() if "FOUND" in line).split("FOUND", 1)[1])


def test_what_was_exported_outside_changes_nothing_whatever_was_imported_before(tmp_path):
    expected = {"OMP_NUM_THREADS": "1", "TZ": "UTC", "LC_ALL": DEFINED["LC_ALL"], "WANDB_MODE": None, "RANK": None}
    assert suite_in(tmp_path) == expected | {"torch": 1, "east": 0, "pools": [1]}


@pytest.mark.slow
def test_it_is_changed_on_purpose_by_one_variable(tmp_path):
    found = suite_in(tmp_path, CLEF_TEST_ENVIRONMENT="OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2 TZ=Asia/Kolkata")
    assert (found["torch"], found["pools"], found["TZ"], found["east"]) == (2, [2], "Asia/Kolkata", 19_800)
