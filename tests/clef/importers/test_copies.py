"""Equal recordings: told by their bytes, and the people who share one get one split, also across imports."""

import shutil

import pytest

from clef.importers.copies import find_copies, tied
from clef.importers.folder import FolderImport, main
from tests.clef.importers.bids.tree import write_brainvision
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.sessions import read_sessions, split_of, subject_number

SITE = "here"


def people(split: str, number: int) -> list[str]:
    """Names whose hash puts them into a split."""
    names = (f"p{i}" for i in range(1000))
    return [name for name in names if split_of(subject_number(SITE, name)) == split][:number]


LEARNED, SCORED = people("train", 2), people("test", 2)


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    for seed, name in enumerate(("a.edf", "b.edf", "c.edf")):
        write_edf(folder / name, eeg(12, seed=seed))
    shutil.copy(folder / "a.edf", folder / "copy.edf")
    return folder


def imported(root, out, lines, **settings):
    (root / "labels.csv").write_text("\n".join(["file,subject,split", *lines]) + "\n")
    main(FolderImport(root=root, labels=root / "labels.csv", **{"site": SITE, "out": out, "key": "none"} | settings))
    return dict(read_sessions(out).select("session_id", "split").iter_rows())


def test_equal_files_are_found_and_nothing_else(root):
    data = (root / "b.edf").read_bytes()
    (root / "late.edf").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))  # differs in the last byte
    (root / "middle.edf").write_bytes(data[:30000] + bytes([data[30000] ^ 1]) + data[30001:])  # between the blocks
    paths = [root / f"{name}.edf" for name in ("a", "b", "c", "copy", "late", "middle", "gone")]
    assert find_copies(paths, range(7), [True] * 7, 2) == [[0, 3]]
    assert find_copies(paths, range(7), [False] * 7, 2) == []
    assert find_copies(paths, range(7), [i == 3 for i in range(7)], 2) == [[0, 3]]


def test_a_header_alone_is_no_recording(tmp_path):
    for name, seed in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        write_brainvision(tmp_path / name / "x.vhdr", eeg(12, seed=seed))
    paths = [tmp_path / "one" / "x.vhdr", tmp_path / "two" / "x.vhdr"]
    assert paths[0].read_bytes() == paths[1].read_bytes() and find_copies(paths, [1, 2], [True] * 2, 1) == []
    shutil.copy(tmp_path / "one" / "x.eeg", tmp_path / "two" / "x.eeg")
    assert find_copies(paths, [1, 2], [True] * 2, 1) == [[0, 1]]


def test_ties_run_through_others():
    ties = tied([["a", "b"], ["c", "d"], ["b", "c"], ["e", "f"]])
    assert ties["a"] == ties["d"] == {"a", "b", "c", "d"} and ties["e"] == {"e", "f"}


def test_people_who_share_a_recording_get_one_split(root, tmp_path, caplog):
    lines = [f"a.edf,{LEARNED[0]},", f"copy.edf,{SCORED[0]},", f"b.edf,{SCORED[0]},", f"c.edf,{SCORED[1]},"]
    splits = imported(root, tmp_path / "out", lines)
    assert splits["here_a"] == splits["here_copy"] == splits["here_b"] and splits["here_c"] == "test"
    assert "1 recordings stand under more than one person, byte for byte the same (a.edf = copy.edf)" in caplog.text


def test_one_file_under_two_people_ties_them(root, tmp_path, caplog):
    lines = [f"a.edf,{LEARNED[0]},", f"a.edf,{SCORED[0]},", f"b.edf,{SCORED[0]},"]
    splits = imported(root, tmp_path / "out", lines)
    assert splits["here_a"] == splits["here_b"] and len(splits) == 2
    assert "(a.edf = a.edf)" in caplog.text


def test_copies_across_imports_follow_the_cohort(root, tmp_path, caplog):
    imported(root, tmp_path / "out", ["a.edf,somebody,train"], site="first")
    splits = imported(root, tmp_path / "out", [f"copy.edf,{SCORED[0]},", f"b.edf,{SCORED[0]},"])
    assert set(splits.values()) == {"train"} and "copy.edf = first_a" in caplog.text


def test_official_splits_that_part_copies_stop_the_import(root, tmp_path):
    with pytest.raises(ValueError, match=r"byte for byte, stand in test and in train \(a.edf, copy.edf\)"):
        imported(root, tmp_path / "out", ["a.edf,p1,train", "copy.edf,p2,test"])
    assert not (tmp_path / "out").exists()


def test_copies_of_one_person_are_said(root, tmp_path, caplog):
    caplog.set_level("INFO")
    imported(root, tmp_path / "out", ["a.edf,p1,", "copy.edf,p1,"])
    assert "1 recordings are in the cohort more than once under the same person" in caplog.text
