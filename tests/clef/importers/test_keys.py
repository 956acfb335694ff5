"""Keys of people's numbers: made once, kept beside the cohort, the same afterwards; a wrong or lost one is said."""

import itertools
import stat
import time

import polars as pl
import pytest

from clef.importers.folder import FolderImport, main
from clef.importers.keys import open_key, read_fingerprints
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.sessions import read_sessions, subject_number


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    for seed, name in enumerate(("Mueller_Anna.edf", "Schmidt.edf")):
        write_edf(folder / name, eeg(12, seed=seed))
    (folder / "labels.csv").write_text("file,subject\nMueller_Anna.edf,1234567\nSchmidt.edf,7654321\n")
    return folder


def imported(root, out, **settings) -> pl.DataFrame:
    main(FolderImport(**{"root": root, "labels": root / "labels.csv", "site": "here", "out": out} | settings))
    return read_sessions(out)


def test_a_record_number_cannot_be_found_by_trying_all(root, tmp_path):
    """Ten million numbers were tried in half a minute; here the two that are in the cohort are among them."""
    ids = set(imported(root, tmp_path / "cohort")["subject_id"])
    tried = itertools.chain(range(1_234_000, 1_235_000), range(7_654_000, 7_655_000))
    assert not ids & {subject_number("here", str(number)) for number in tried}
    assert set(imported(root, tmp_path / "open", key="none")["subject_id"]) & {subject_number("here", "1234567")}


def test_nothing_in_the_cohort_tells_the_key_or_the_files_of_people(root, tmp_path):
    table = imported(root, tmp_path / "cohort")
    key = (tmp_path / "cohort.keys" / "here.key").read_text().strip()
    assert all(session.startswith("here_") and len(session) == 21 for session in table["session_id"])
    for path in (tmp_path / "cohort").rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        assert key.encode() not in data and bytes.fromhex(key) not in data, path
        if path.name != "sessions.parquet":  # where the paths of recordings stand
            assert b"Mueller" not in data, path


def test_the_key_is_the_owners_alone_and_serves_the_next_import(root, tmp_path):
    first = imported(root, tmp_path / "cohort")
    key = tmp_path / "cohort.keys" / "here.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and len(key.read_text().strip()) == 64
    assert imported(root, tmp_path / "cohort").equals(first)
    assert imported(root, tmp_path / "second", key=str(key)).drop("path").equals(first.drop("path"))
    assert set(imported(root, tmp_path / "third")["subject_id"]).isdisjoint(first["subject_id"])


def test_splits_do_not_depend_on_the_key(root, tmp_path):
    (root / "many.csv").write_text("file,subject\nMueller_Anna.edf,1\nSchmidt.edf,3\n")
    tables = [imported(root, tmp_path / str(i), labels=root / "many.csv") for i in range(3)]
    tables.append(imported(root, tmp_path / "open", labels=root / "many.csv", key="none"))
    assert len({tuple(table["split"]) for table in tables}) == 1
    assert len({tuple(table["subject_id"]) for table in tables}) == 4


def test_a_lost_or_another_key_is_said_before_anything_changes(root, tmp_path):
    first = imported(root, tmp_path / "cohort")
    kept = (tmp_path / "cohort.keys" / "here.key").rename(tmp_path / "kept.key")
    with pytest.raises(ValueError, match=r"here.key: the key of here is not there, .* give key=FILE where you keep it"):
        imported(root, tmp_path / "cohort")
    other = tmp_path / "other.key"
    other.write_text("ab" * 32 + "\n")
    with pytest.raises(ValueError, match="made with another key for here"):
        imported(root, tmp_path / "cohort", key=str(other))
    with pytest.raises(ValueError, match="made with another key for here"):
        imported(root, tmp_path / "cohort", key="none")
    assert imported(root, tmp_path / "cohort", key=str(kept)).equals(first)


def test_a_cohort_from_before_there_were_keys_says_so(root, tmp_path):
    old = imported(root, tmp_path / "cohort", key="none")
    (tmp_path / "cohort" / "metadata" / "keys.json").unlink()
    with pytest.raises(ValueError, match="numbers of people of here that were made without a key; give key=none"):
        imported(root, tmp_path / "cohort")
    assert imported(root, tmp_path / "cohort", key="none").equals(old)
    imported(root, tmp_path / "cohort", site="there")  # another site may have a key
    assert read_fingerprints(tmp_path / "cohort").keys() == {"here", "there"}
    assert read_fingerprints(tmp_path / "cohort")["here"] == "none"


@pytest.mark.parametrize("text", ["", "hello", "ab" * 31, "zz" * 32, "\u00e4" * 64])
def test_what_is_no_key_is_refused(tmp_path, text):
    (tmp_path / "k").write_text(text)
    with pytest.raises(ValueError, match="not a key; expected 64 hexadecimal digits"):
        open_key(str(tmp_path / "k"), tmp_path / "cohort", "here")


def test_a_key_in_the_cohort_is_refused(tmp_path):
    with pytest.raises(ValueError, match="lies in the cohort, which may be handed on"):
        open_key(str(tmp_path / "cohort" / "metadata" / "my.key"), tmp_path / "cohort", "here")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1, "owners": []}', '{"format": 9, "owners": {}}'])
def test_a_damaged_list_of_fingerprints_is_one_line(tmp_path, text):
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "keys.json").write_text(text)
    with pytest.raises(ValueError, match=r"keys\.json: damaged"):
        read_fingerprints(tmp_path)


def test_a_failed_import_leaves_no_key(root, tmp_path):
    (root / "none.csv").write_text("file,subject\nnowhere.edf,1\n")
    with pytest.raises(ValueError, match="none of 1 recordings"):
        imported(root, tmp_path / "cohort", labels=root / "none.csv")
    assert list(tmp_path.iterdir()) == []


def test_keyed_numbers_are_quick_enough_for_an_archive():
    began = time.process_time()
    numbers = {subject_number("here", str(i), b"k" * 32) for i in range(20_000)}
    assert len(numbers) == 20_000 and time.process_time() - began < 2
