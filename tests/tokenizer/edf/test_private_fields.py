"""Header fields as the de-identifier sees them: refused without numbers, and replaced unless they are technical."""

from pathlib import Path

import pytest

from tests.leaks import found_in
from tests.planted import CORE, Person, make_one
from tests.tokenizer.edf.damage import change, field
from tokenizer.edf.annotations import Allowed
from tokenizer.edf.copy import plan_copy, write_copy
from tokenizer.edf.private_fields import Keep, read_fields, without_person
from tokenizer.edf.writer import LABELS, eeg, write_edf
from tokenizer.reading.read import read
from tokenizer.recording import RecordingError


def copied(path: Path, out: Path, keep: Keep | None = None) -> Path:
    write_copy(plan_copy(path, keep or Keep(), Allowed()), out)
    return out


@pytest.mark.parametrize("bits", [16, 24])
def test_fields_are_read_and_written_as_they_stand(tmp_path, bits):
    path = write_edf(tmp_path / "a.edf", eeg(3, 64), 64, bits=bits, onsets=[0, 1, 2], patient="X F X X")
    header = read_fields(path)
    assert header.general["patient"] == "X F X X" and [s["label"] for s in header.signals[:19]] == LABELS
    assert path.read_bytes().startswith(header.to_bytes()) and header.size == len(header.to_bytes()) == 256 * 21
    assert header.annotations == [19] and header.record_bytes == bits // 8 * 19 * 64 + 60
    assert header.sample_bytes.sum() == bits // 8 * 19 * 64 and not header.sample_bytes[-60:].any()


def test_annotations_are_those_that_call_themselves_so_in_any_spelling(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(3, 64), 64, onsets=[0, 1, 2])
    assert read_fields(change(path, field("label", 19, 20), "my ANNOTATION", 16)).annotations == [19]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("pmin", "Jane Doe", "its header holds no number as physical minimum"),
        ("dmax", "1e12345", "its header holds no number as digital maximum"),
        ("seconds", "Doe", "its header holds no number as seconds"),
        ("records", "Doe", "its header holds no whole number as records"),
        ("samples", "1.5", "its header holds no whole number as samples"),
        ("samples", "-64", "its header contradicts itself"),
    ],
)
def test_number_fields_without_a_number_are_refused_and_not_repeated(tmp_path, name, text, message):
    path = change(write_edf(tmp_path / "a.edf", eeg(3, 64), 64), field(name), text)
    with pytest.raises(RecordingError, match=message) as caught:
        read_fields(path)
    assert "Doe" not in str(caught.value)


def test_files_that_do_not_begin_as_edf_or_end_within_the_header_are_refused(tmp_path):
    data = write_edf(tmp_path / "a.edf", eeg(3, 64), 64).read_bytes()
    for content, message in (
        (data[:255], "does not begin as an EDF or BDF file"),
        (b"Jane Doe" + data[8:], "does not begin as an EDF or BDF file"),
        (data[: 256 * 20 - 1], "cut short or names no signal"),
        (data[:252] + b"0   " + data[256:], "cut short or names no signal"),
        (data[:184] + b"5376    " + data[192:], "its header contradicts itself"),
    ):
        (tmp_path / "b.edf").write_bytes(content)
        with pytest.raises(RecordingError, match=message):
            read_fields(tmp_path / "b.edf")


def test_what_is_replaced_is_counted_by_field(tmp_path):
    header = read_fields(make_one(tmp_path, Person(9), "EDF"))
    new, replaced = without_person(header, Keep())
    assert replaced["patient"] == replaced["recording"] == 1 and replaced["transducer"] == replaced["prefilter"] == 19
    assert not found_in(new.to_bytes()) and without_person(new, Keep()) == (new, {})


def test_what_is_useful_and_technical_stays(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(12), unit="mV", kind="EDF+C some vendor 12", recording="from room 4")
    new = read_fields(copied(path, tmp_path / "b.edf"))
    assert new.signals[0] | {"samples": ""} == read_fields(path).signals[0] | {"samples": ""}
    assert new.signals[0]["transducer"] == "AgCl" and new.signals[0]["unit"] == "mV"
    assert (
        new.general["reserved"] == "EDF+C" and new.general["date"] == "01.01.85" and new.general["time"] == "00.00.00"
    )
    assert read_fields(copied(tmp_path / "b.edf", tmp_path / "c.edf")) == new


def test_what_is_asked_for_is_kept(tmp_path):
    path = make_one(tmp_path, Person(9), "EDF+C")
    kept = read_fields(copied(path, tmp_path / "b.edf", Keep(sex=True, date=True, time=True))).general
    assert kept["patient"] == "X F X X" and kept["recording"] == "Startdate 03-FEB-2021 X X X"
    assert (kept["date"], kept["time"]) == ("03.02.21", "12.30.00")
    assert str(read(tmp_path / "b.edf").start) == "2021-02-03 12:30:00" and not found_in(
        (tmp_path / "b.edf").read_bytes()
    )
    odd = write_edf(
        tmp_path / "c.edf", eeg(12), patient="Mr F Doe", start=f"{CORE}  12.30.00", recording="Startdate 1-May X"
    )
    kept = read_fields(copied(odd, tmp_path / "d.edf", Keep(sex=True, date=True))).general
    assert kept["patient"] == "X X X X" and kept["date"] == "01.01.85" and kept["recording"] == "Startdate X X X X"
