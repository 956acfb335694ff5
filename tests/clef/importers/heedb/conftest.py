"""A small HEEDB, its cohort, and recordings without tables."""

from pathlib import Path

import pytest

from clef.importers.heedb.importer import HEEDBImport, main
from tests.clef.importers.heedb.tree import make_tree
from tokenizer.edf.writer import eeg, write_edf


@pytest.fixture(scope="session")
def tree(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("heedb (part)")
    make_tree(root, 12, seconds=12)
    return root


@pytest.fixture(scope="session")
def cohort(tree, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("cohort")
    assert main(HEEDBImport(root=tree, out=out, reports=tree / "reports")) == 0
    return out


@pytest.fixture(scope="session")
def files(tmp_path_factory) -> Path:
    """Two people without tables: 7 with sessions 1, 2 and 3 at S0001, and session 1 at S0002; 8 with session 1."""
    root = tmp_path_factory.mktemp("files")
    for name in ("S00017/ses-1", "S00017/ses-02", "S00017/ses-3", "S00027/ses-1", "S00018/ses-1"):
        person, session = name.split("/")
        path = root / person[:5] / f"sub-{person}" / session / "eeg" / f"sub-{person}_{session}_task-cEEG_eeg.edf"
        path.parent.mkdir(parents=True)
        write_edf(path, eeg(12, seed=len(name)))
    return root
