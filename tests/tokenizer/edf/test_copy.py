"""De-identified copies: the same samples at the same times, and nothing of the person, whatever the file looks like."""

import os
import warnings
from pathlib import Path

import mne
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.leaks import found_in
from tests.planted import CORE, RATE, SECONDS, Person, make_one
from tokenizer.edf.annotations import Allowed, annotation_lists
from tokenizer.edf.copy import content_name, plan_copy, problem, write_copy
from tokenizer.edf.private_fields import Keep
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.reading.read import read
from tokenizer.recording import RecordingError

KINDS = ("EDF", "labels beside", "EDF+C", "EDF+D", "BDF")
RECORD = 2 * (19 * RATE + 30)


def copied(path: Path, out: Path, keep: Keep | None = None, more: tuple[str, ...] = ()) -> Path:
    plan = plan_copy(path, keep or Keep(), Allowed(more))
    write_copy(plan, out)
    return out


def lists(path: Path) -> list[tuple[bytes, list[bytes]]]:
    """The annotation lists of a file of `planted`, read without the program's own header."""
    data = path.read_bytes()[256 * 21 :]
    records = [data[i : i + RECORD][-60:] for i in range(0, len(data), RECORD)]
    return [tuple(annotations) for record in records for _, annotations in annotation_lists(record) if annotations]


@pytest.mark.parametrize("kind", KINDS)
def test_samples_and_times_stay_and_the_person_goes(kind, tmp_path):
    old = make_one(tmp_path, Person(9), kind)
    new = copied(old, tmp_path / f"new{old.suffix}")
    assert found_in(old.read_bytes()) and not found_in(new.read_bytes())
    before, after = read(old), read(new)
    np.testing.assert_array_equal(before.signal, after.signal)
    assert before.notes == after.notes and before.valid.tolist() == after.valid.tolist()
    assert before.start and after.start is None


@pytest.mark.parametrize("kind", KINDS)
def test_no_byte_of_a_sample_changes(kind, tmp_path):
    old = make_one(tmp_path, Person(9), kind)
    new = copied(old, tmp_path / "new").read_bytes()
    count = int(old.read_bytes()[252:256])
    data, header = old.read_bytes()[256 * (count + 1) :], new[: 256 * (count + 1)]
    assert len(new) == len(header) + len(data)
    before, after = (np.frombuffer(x, np.uint8) for x in (data, new[len(header) :]))
    if kind.startswith("EDF+"):
        before, after = (x.reshape(SECONDS, RECORD)[:, :-60] for x in (before, after))
    np.testing.assert_array_equal(before, after)


def test_long_files_are_copied_in_pieces(tmp_path, monkeypatch):
    old = make_one(tmp_path, Person(9), "EDF+D")
    whole = copied(old, tmp_path / "whole.edf").read_bytes()
    for block in (1, 5 * RECORD):
        monkeypatch.setattr("tokenizer.edf.copy.AT_ONCE", block)
        assert copied(old, tmp_path / f"{block}.edf").read_bytes() == whole


@pytest.mark.parametrize("kind", ["EDF+C", "EDF+D"])
def test_annotations_keep_their_times_and_standard_words(kind, tmp_path):
    old = make_one(tmp_path, Person(9), kind)
    new = copied(old, tmp_path / "new.edf")
    before, after = lists(old), lists(new)
    assert [timing for timing, _ in before] == [timing for timing, _ in after] and len(after) == 2 * SECONDS
    words = [text for _, texts in after for text in texts if text]
    assert words == [b"X", b"X", b"X", b"X", b"X", b"HV"] * 2
    annotations = mne.read_annotations(new)
    assert set(annotations.description) == {"X", "HV"} and annotations.duration.tolist() == [1] * SECONDS
    np.testing.assert_allclose(annotations.onset, mne.read_annotations(old).onset)


def test_other_readers_read_the_copies(tmp_path):
    import edfio

    new = copied(make_one(tmp_path, Person(9), "EDF+C"), tmp_path / "new.edf")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        file = edfio.read_edf(new)
        raw = mne.io.read_raw_edf(new, preload=True, verbose="error")
    assert (file.patient.code, file.patient.sex, file.patient.name) == ("X", "X", "X")
    assert file.local_recording_identification == "Startdate X X X X"
    assert raw.info["subject_info"].get("birthday") is None and raw.n_times == RATE * SECONDS
    assert file.signals[0].prefiltering == file.signals[0].transducer_type == "" and len(file.annotations) == SECONDS


@pytest.mark.parametrize("place", ["records", "seconds", "count", "version", "physical minimum", "samples", "untimed"])
def test_damaged_headers_are_refused_and_nothing_is_written(place, tmp_path):
    path = make_one(tmp_path, Person(3), place)
    (tmp_path / "out").mkdir()
    with pytest.raises(RecordingError) as caught:
        copied(path, tmp_path / "out" / "new.edf")
    assert not found_in(str(caught.value).encode()) and "\n" not in str(caught.value)
    assert not list((tmp_path / "out").iterdir())


def test_what_follows_the_last_record_is_dropped(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(12))
    whole = path.read_bytes()
    path.write_bytes(whole + b"Dear " + CORE.encode() * 4000)
    plan = plan_copy(path, Keep(), Allowed())
    assert write_copy(plan, tmp_path / "b.edf") and plan.counts["bytes after the last record"] == 5 + 6 * 4000
    assert (tmp_path / "b.edf").read_bytes()[256 * 20 :] == whole[256 * 20 :]
    path.write_bytes(whole[:236] + b"-1      " + whole[244:] + b"Dear")
    assert copied(path, tmp_path / "c.edf").read_bytes()[256 * 20 :] == whole[256 * 20 :]
    path.write_bytes(whole[:-100])
    assert copied(path, tmp_path / "d.edf").read_bytes()[256 * 20 :] == whole[256 * 20 : -19 * 400]


def test_a_copy_that_is_not_what_it_should_be_is_noticed(tmp_path):
    path = make_one(tmp_path, Person(9), "EDF+C")
    plan, new = plan_copy(path, Keep(), Allowed()), tmp_path / "new.edf"
    write_copy(plan, new)
    whole = new.read_bytes()
    assert problem(plan, new) is None
    text = 256 * 21 + 2 * 19 * RATE + whole[256 * 21 + 2 * 19 * RATE :].index(b"X")
    for at, byte, message in (
        (9, b"Y", "not what was written"),
        (256 * 21, b"\x99", "other samples"),
        (text, b"Z", "not allowed"),
    ):
        new.write_bytes(whole[:at] + byte + whole[at + 1 :])
        assert message in problem(plan, new), message
    new.write_bytes(whole + b"more")
    assert problem(plan, new) and write_copy(plan, new) and new.read_bytes() == whole and not write_copy(plan, new)


def test_a_name_among_the_allowed_annotations_is_noticed(tmp_path):
    path = make_one(tmp_path, Person(9), "EDF+C")
    new = copied(path, tmp_path / "a.edf", more=(f"  {Person(9).word(3).upper()} ",))
    assert Person(9).word(3).encode() in new.read_bytes()
    with pytest.raises(RecordingError, match="look through keep_annotations"):
        copied(path, tmp_path / "b.edf", more=(Person(9).surname,))
    assert not (tmp_path / "b.edf").exists()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    at=st.integers(0, 256 * 21 - 8), garbage=st.sampled_from([CORE.encode() + b"xy", b"\xff" * 8, b"99999999", b"-1"])
)
def test_damage_anywhere_in_a_header(tmp_path, at, garbage):
    path = tmp_path / "a.edf"
    if not path.exists():
        write_edf(path, eeg(3, 64), 64, onsets=[0, 1, 2])
    data = path.read_bytes()
    (tmp_path / "b.edf").write_bytes(data[:at] + garbage + data[at + len(garbage) :])
    try:
        new = copied(tmp_path / "b.edf", tmp_path / "c.edf").read_bytes()
    except RecordingError as error:
        assert not found_in(str(error).encode())
    else:
        assert not found_in(new) and b"\xff" not in new[: 256 * 21]


def test_a_name_from_the_content_tells_files_apart_by_samples_and_not_by_people(tmp_path):
    names = []
    for signal, patient in ((0, "Mr F Doe"), (0, "Ms Roe"), (1, "Mr F Doe")):
        path = write_edf(tmp_path / "a.edf", eeg(3, 64, seed=signal), 64, patient=patient)
        names.append(content_name(plan_copy(path, Keep(), Allowed())))
    assert names[0] == names[1] != names[2] and all(len(name) == 20 and name.endswith(".edf") for name in names)
    path = write_edf(tmp_path / "a.bdf", eeg(3, 64), 64, bits=24)
    assert content_name(plan_copy(path, Keep(), Allowed())).endswith(".bdf")


DATA = Path(os.environ.get("CLEF_TEST_DATA", "/nowhere"))


@pytest.mark.skipif(
    not (DATA / "edge").is_dir(), reason="real recordings: set CLEF_TEST_DATA to where data/unpack.py put them"
)
def test_real_recordings_read_the_same(tmp_path):
    for path in sorted((DATA / "edge").glob("*.[eb]df")):
        try:
            new = copied(path, tmp_path / f"new{path.suffix}")
        except RecordingError:
            continue
        try:
            before = read(path)
        except RecordingError:
            continue
        after = read(new)
        np.testing.assert_array_equal(before.signal, after.signal)
        assert before.notes == after.notes and after.start is None, path.name
        new.unlink()
