"""EDF and BDF: the numbers, the times of records, and which headers are not believed."""

import time
import warnings
from datetime import datetime
from pathlib import Path

import edfio
import numpy as np
import pytest

from tokenizer.edf.reader import open_edf
from tokenizer.edf.writer import LABELS, eeg, write_edf
from tokenizer.reading.read import check_file, read, read_all
from tokenizer.recording import RecordingError

GAP = [*map(float, range(20)), *map(float, range(50, 70))]
"""Starts of 40 records with a gap of 30 s in the middle."""


def change(path: Path, at: int, text: str | bytes, width: int = 8) -> Path:
    """Overwrite a field of a file."""
    data = path.read_bytes()
    text = text.encode() if isinstance(text, str) else text
    path.write_bytes(data[:at] + text.ljust(width) + data[at + width :])
    return path


def field(name: str, signal: int = 0, signals: int = 19) -> int:
    """First byte of a field of the header."""
    general = {"reserved": 192, "records": 236, "seconds": 244}
    before = {"label": 0, "unit": 96, "pmin": 104, "pmax": 112, "dmin": 120, "dmax": 128, "samples": 216}
    width = 16 if name == "label" else 8
    return general[name] if name in general else 256 + signals * before[name] + width * signal


def onset(path: Path, record: int, text: bytes, signals: int = 19, rate: int = 200) -> Path:
    """Overwrite the start of a data record."""
    size = 2 * signals * rate + 60
    return change(path, 256 * (signals + 2) + record * size + size - 60, text.ljust(60, b"\0"), 60)


@pytest.mark.parametrize("bits", [16, 24])
def test_the_numbers_are_those_that_edfio_reads(tmp_path, bits):
    path = write_edf(tmp_path / "a.edf", eeg(20, 256) + 1000.0, 256, bits=bits, limit=9000.0, seconds=0.5)
    source = open_edf(path, None, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = (edfio.read_edf if bits == 16 else edfio.read_bdf)(path).signals
    for channel in (0, 7, 18):
        ours = source.load(channel, 100, 2000)
        np.testing.assert_allclose(ours, theirs[channel].data[100:2100], atol=1e-3)
        assert ours.dtype == np.float32
    assert source.segments(256)[0].samples == 20 * 256 and source.rates == [256.0] * 19


def test_a_bdf_costs_what_is_read_of_it_and_not_what_it_holds(tmp_path):
    import tracemalloc

    path = write_edf(tmp_path / "a.bdf", eeg(300, 500), 500, bits=24)
    source = open_edf(path, None, None)
    source.load(0, 0, 10)
    tracemalloc.start()
    source.load(0, 0, 150_000)
    assert tracemalloc.get_traced_memory()[1] < 20 * 150_000 < path.stat().st_size / 2
    tracemalloc.stop()


def test_gaps_are_seen_whatever_the_header_calls_the_file(tmp_path):
    signal = eeg(40)
    marked = read(write_edf(tmp_path / "a.edf", signal, onsets=GAP, kind="EDF+D"))
    for kind in ("EDF+C", "EDF+", "rubbish"):
        session = read(write_edf(tmp_path / "b.edf", signal, onsets=GAP, kind=kind))
        np.testing.assert_array_equal(session.signal, marked.signal)
        assert "not marked discontinuous, but its records start apart: the gaps are kept" in session.notes
    path = write_edf(tmp_path / "c.edf", signal, onsets=GAP, kind="EDF+C")
    np.testing.assert_array_equal(read(change(path, field("label", 19, 20), "EDF Anmotations", 16)).valid, marked.valid)


def test_without_starts_a_discontinuous_file_is_refused(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(20), kind="EDF+D")
    with pytest.raises(RecordingError, match=r"is marked discontinuous \(EDF\+D\), but does not say"):
        read(path)


@pytest.mark.parametrize("text", [b"", b"+", b"Doe\x14\x14", b"+3\x14\x14", b"+999\x14\x14", b"-4\x14\x14"])
@pytest.mark.parametrize("record", [0, 7, 19])
def test_a_damaged_start_in_a_continuous_file_moves_at_most_its_own_record(tmp_path, text, record):
    signal = eeg(40)
    whole = read(write_edf(tmp_path / "a.edf", signal, onsets=list(range(40))))
    session = read(onset(write_edf(tmp_path / "b.edf", signal, onsets=list(range(40))), record, text))
    np.testing.assert_array_equal(session.signal, whole.signal)


@pytest.mark.parametrize("text", [b"+3\x14\x14", b"+999\x14\x14", b"+"])
@pytest.mark.parametrize("record", [4, 9, 14, 29])  # where the halving looks
def test_a_damaged_start_hides_no_gap_of_a_file_called_continuous(tmp_path, text, record):
    whole = read(write_edf(tmp_path / "a.edf", eeg(40), onsets=GAP))
    session = read(onset(write_edf(tmp_path / "b.edf", eeg(40), onsets=GAP), record, text))
    np.testing.assert_array_equal(session.signal, whole.signal)


def test_an_unknown_start_in_a_file_with_gaps_leaves_that_record_out(tmp_path):
    path = onset(write_edf(tmp_path / "a.edf", eeg(40), onsets=GAP, kind="EDF+D"), 20, b"Doe")
    session = read(path)
    assert np.flatnonzero(session.valid).tolist() == [*range(20), *range(51, 70)]
    assert "1 data records do not say when they start: left out" in session.notes
    inside = onset(write_edf(tmp_path / "b.edf", eeg(40), onsets=GAP, kind="EDF+D"), 5, b"Doe")
    assert read(inside).seconds == 40, "the records around it say where it belongs"


def test_records_without_a_start_at_the_end_are_left_out(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(40), onsets=list(range(40)))
    data = path.read_bytes()
    path.write_bytes(data[: 256 * 21 + 25 * 7660 + 31] + data[256 * 21 + 25 * 7660 + 33 :])  # two bytes are missing
    session = read(path)
    assert session.seconds == 25 and "14 data records do not say when they start: left out" in session.notes


def test_far_away_starts_are_no_gaps(tmp_path):
    for kind, seconds in (("EDF+C", 40), ("EDF+D", 39)):
        path = write_edf(tmp_path / "a.edf", eeg(40), onsets=list(range(40)), kind=kind)
        assert read(onset(path, 39, b"+1000000000000\x14\x14"), crop="middle").seconds == seconds


def test_a_gap_of_months_costs_nothing(tmp_path):
    onsets = [*map(float, range(20)), *(3e7 + t for t in range(20))]
    sessions = read_all(write_edf(tmp_path / "a.edf", eeg(40), onsets=onsets, kind="EDF+D"))
    assert [s.seconds for s in sessions] == [20, 20]
    assert 0 <= 3e7 - (sessions[1].start - sessions[0].start).total_seconds() < 1280
    onsets = [*(1.5 * t for t in range(400)), 3e7]
    path, began = write_edf(tmp_path / "b.edf", eeg(401, 100, 8), 100, onsets=onsets, kind="EDF+D"), time.process_time()
    assert len(read_all(path)) == 1 and time.process_time() - began < 4


def test_what_follows_a_gap_is_exact_within_a_sample(tmp_path):
    second = lambda k: k + 10.0031 * (k >= 30)
    t = np.concatenate([second(k) + np.arange(128) / 128 for k in range(60)])
    wave = lambda t: sum(20 * np.sin(2 * np.pi * hz * t + np.arange(19)[:, None]) for hz in (4.3, 11.7, 22.9))
    path = write_edf(tmp_path / "a.edf", wave(t), 128, onsets=[second(k) for k in range(60)], kind="EDF+D")
    signal = read(path, mains="none").signal
    for start, stop in ((10, 25), (45, 65)):
        expected = wave(np.arange(start * 200, stop * 200) / 200)
        np.testing.assert_allclose(signal[:, start * 200 : stop * 200], expected, atol=0.3)


def test_the_fraction_of_a_second_belongs_to_the_start(tmp_path):
    for kind in ("EDF+C", "EDF+D"):
        path = write_edf(tmp_path / "a.edf", eeg(20), onsets=[0.25 + t for t in range(20)], kind=kind)
        assert read(path).start == datetime(2021, 2, 3, 12, 30, 0, 250_000)


@pytest.mark.parametrize(
    ("recording", "start", "expected"),
    [
        ("Startdate 07-MAR-2019 X X X", "01.01.8512.30.00", datetime(2019, 3, 7, 12, 30)),
        ("Startdate X X X X", "03.02.2112.30.00", None),
        ("Startdate 99-MAR-2019 X X X", "03.02.2112.30.00", None),
        ("", "31.12.9923.59.59", datetime(1999, 12, 31, 23, 59, 59)),
        ("", "31.12.2025.59.59", None),
    ],
)
def test_the_date_is_that_of_edf_plus_or_the_short_one(tmp_path, recording, start, expected):
    path = write_edf(tmp_path / "a.edf", eeg(1), recording=recording, start=start)
    assert open_edf(path, None, None).start == expected


def test_a_stated_rate_must_be_the_files(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(20))
    assert read(path, rate=200.0).rate == 200
    for reader in (read, check_file):
        with pytest.raises(RecordingError, match="its header says 200 Hz, rate= says 256; leave rate= away"):
            reader(path, rate=256)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("seconds", "0", "says its records last 0 s; expected more than 0"),
        ("seconds", "-1", "says its records last -1 s"),
        ("seconds", "nan", "the length of its records is no number"),
        ("seconds", "1e308", "sampled at 2e-306 Hz"),
        ("records", "many", "letters stand where a number belongs"),
        ("samples", "1_0", "letters stand where a number belongs"),
        ("samples", "-200", "negative number of samples"),
        ("samples", "99999999", "no whole data record"),
        ("samples", "201", "its signals break off wherever a data record ends"),
        ("samples", "100", "its signals break off wherever a data record ends"),
        ("pmax", "Jane Doe", "an electrode has no numeric range"),
    ],
)
def test_headers_that_cannot_be_right_are_refused(tmp_path, name, text, said):
    path = change(write_edf(tmp_path / "a.edf", eeg(40)), field(name), text)
    with pytest.raises(RecordingError, match=said) as caught:
        read(path)
    assert "Doe" not in str(caught.value)


def test_records_without_samples_are_refused_as_such(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(20))
    for signal in range(19):
        change(path, field("samples", signal), "0")
    with pytest.raises(RecordingError, match="says its records hold no samples"):
        read(path)


def test_another_length_of_records_than_their_starts_say_is_refused(tmp_path):
    for kind, text in (("EDF+C", "2"), ("EDF+C", "0.5"), ("EDF+D", "2")):
        path = write_edf(tmp_path / "a.edf", eeg(40), onsets=list(range(40)), kind=kind)
        with pytest.raises(RecordingError, match="start"):
            read(change(path, field("seconds"), text))


def test_missing_bytes_are_seen_in_a_file_without_starts(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(120))
    data = path.read_bytes()
    path.write_bytes(data[: 400_000 - 256] + data[400_000:])
    with pytest.raises(RecordingError, match=r"at \d+ s its signals break off .*: bytes are missing or too many"):
        read(path)
    check_file(path)  # the header alone does not show it


@pytest.mark.parametrize(("low", "high"), [("dmin", "dmax"), ("pmin", "pmax")])
def test_an_electrode_without_a_range_is_flat_and_the_others_are_not(tmp_path, low, high):
    path = write_edf(tmp_path / "a.edf", eeg(20))
    whole = read(path).signal
    data = path.read_bytes()
    session = read(change(path, field(low, 3), data[field(high, 3) :][:8]))
    assert np.flatnonzero(~session.channel_ok).tolist() == [3]
    assert "no possible range of values, taken as flat: P4" in session.notes
    np.testing.assert_array_equal(np.delete(session.signal, 3, 0), np.delete(whole, 3, 0))


def test_an_electrode_in_another_unit_than_the_others_is_flat(tmp_path):
    session = read(change(write_edf(tmp_path / "a.edf", eeg(20)), field("unit", 3), "mV"))
    assert np.flatnonzero(~session.channel_ok).tolist() == [3]


def test_a_digital_range_that_does_not_fit_is_none(tmp_path):
    path = change(write_edf(tmp_path / "a.edf", eeg(20)), field("dmax", 3), "327670")
    assert np.flatnonzero(~read(path).channel_ok).tolist() == [3]
    for signal in range(19):
        change(path, field("dmax", signal), "65535")
    assert read(path).channel_ok.all()


def test_a_range_unlike_all_others_is_noted(tmp_path):
    path = change(write_edf(tmp_path / "a.edf", eeg(20)), field("pmax", 3), "327.67")
    assert "stated with another range of values than the other electrodes: P4" in read(path).notes


def test_the_other_polarity_is_noted(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(20))
    whole = read(path).signal
    change(change(path, field("pmin", 3), "3276.7"), field("pmax", 3), "-3276.7")
    session = read(path)
    assert "by their ranges some electrodes have the other polarity" in session.notes
    np.testing.assert_allclose(session.signal[3], -whole[3], atol=1e-2)


def test_a_decimal_comma_is_understood(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(20))
    whole = read(path).signal
    np.testing.assert_array_equal(read(change(path, field("pmin", 3), "-3276,7")).signal, whole)


def test_an_electrode_that_is_there_twice_is_used_only_if_both_are_the_same(tmp_path):
    signal = eeg(20)
    same = read(write_edf(tmp_path / "a.edf", [*signal, signal[4]], labels=[*LABELS, LABELS[4]]))
    assert same.channel_ok.all()
    torn = read(write_edf(tmp_path / "b.edf", [*signal, signal[5]], labels=[*LABELS, LABELS[4]]))
    assert np.flatnonzero(~torn.channel_ok).tolist() == [4]
    assert "twice in the file, not the same, taken as flat: Pz" in torn.notes


def test_bytes_after_the_last_record_are_noted(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(20))
    path.write_bytes(path.read_bytes() + b"abc")
    assert read(path).notes == ["3 bytes after the last whole record: left out"]
