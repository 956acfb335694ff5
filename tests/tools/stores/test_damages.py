"""Each damage changes files and says what it did."""

import shutil

import numpy as np
import pytest

from tests.helpers import snapshot
from tools.stores.damages import DAMAGES, files_of
from tools.stores.kinds import KINDS


@pytest.mark.parametrize("name", DAMAGES)
def test_each_damage_changes_files(tmp_path, name):
    KINDS["cohort"].make(tmp_path / "a", 0)
    KINDS["cohort"].make(tmp_path / "b", 1)
    changed = []
    for number in range(4):
        shutil.copytree(tmp_path / "a", tmp_path / "copy", dirs_exist_ok=True)
        before = {k: v for k, (_, v) in snapshot(tmp_path / "copy").items()}
        what = DAMAGES[name](np.random.default_rng(number), tmp_path / "copy", tmp_path / "b")
        changed.append({k: v for k, (_, v) in snapshot(tmp_path / "copy").items()} != before)
        assert what and str(tmp_path) not in what
    assert sum(changed) >= 2  # zeros may be zeros already, and some files are alike in every store


def test_what_needs_two_files_or_two_folders_says_so(tmp_path):
    (tmp_path / "one").write_bytes(b"x")
    (tmp_path / ".writers").write_bytes(b"")
    random = np.random.default_rng(0)
    assert [p.name for p in files_of(tmp_path)] == ["one"]
    assert DAMAGES["swap within"](random, tmp_path, None) is None
    assert DAMAGES["swap between"](random, tmp_path, None) is None
