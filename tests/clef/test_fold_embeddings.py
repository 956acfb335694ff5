"""Cross-fitted embeddings: a file per fold, read together, each fold with its own."""

import numpy as np
import pytest

from clef.embeddings import Embeddings, write_embeddings
from clef.fold_embeddings import FoldEmbeddings, fold_folders, of_fold, read_fold_embeddings


def store(number, sessions=3, width=2, trained_on=None):
    names = [f"s{i}" for i in range(sessions)]
    seen = {"train": [f"h{number}"], "val": []} if trained_on is None else trained_on
    return Embeddings(names, np.full((sessions, width), number), "mine", f"model{number}", {"kind": "trained"}, seen)


def write(folder, *stores):
    for number, one in enumerate(stores):
        write_embeddings(folder / f"fold{number}.parquet", one)
    return folder


def test_folds_are_read_together(tmp_path):
    both = read_fold_embeddings(write(tmp_path / "mine", store(0), store(1, sessions=2)))
    assert both.name == "mine" and both.session_id == ["s0", "s1"] and both.config == {"kind": "trained", "crossfit": 2}
    assert both.trained_on == {"train": ["h0", "h1"], "val": []}
    assert of_fold(both, "fold1").vectors[0, 0] == 1 and of_fold(store(5), "fold1").vectors[0, 0] == 5
    assert fold_folders(tmp_path) == fold_folders(tmp_path / "mine") == [tmp_path / "mine"]


def test_one_silent_fold_makes_all_of_them_unknown():
    assert FoldEmbeddings({"fold0": store(0), "fold1": store(1, trained_on={})}).trained_on == {}


def test_what_does_not_belong_together_is_refused(tmp_path):
    write(tmp_path / "wide", store(0), store(1, width=3))
    with pytest.raises(ValueError, match="embeddings of different widths"):
        read_fold_embeddings(tmp_path / "wide")
    (write(tmp_path / "gap", store(0), store(1), store(2)) / "fold1.parquet").unlink()
    with pytest.raises(ValueError, match=r"it has fold2\.parquet, but not each before it"):
        read_fold_embeddings(tmp_path / "gap")
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match=r"no fold0\.parquet"):
        fold_folders(tmp_path / "none")
