"""The times of data records: gaps, damaged onsets, and what no onset says."""

import os
import time

import numpy as np
import pytest

from tests.tokenizer.edf.damage import GAP, change, field, onset
from tests.tokenizer.reading.hostile import bounded
from tokenizer.edf.header import read_header
from tokenizer.edf.records import RecordRun, name_annotations, record_runs
from tokenizer.edf.writer import LABELS, eeg, signal_fields, write_digital, write_edf
from tokenizer.reading.formats import open_source
from tokenizer.reading.read import check_file, read, read_all
from tokenizer.recording import RecordingError


def parse(path):
    """The data records of a file as bytes, and its header."""
    header = read_header(path)
    return np.fromfile(path, np.uint8, offset=header.size).reshape(header.records, -1), header


@pytest.mark.parametrize("kind", ["EDF+C", "EDF+D"])
def test_runs_are_those_that_were_written(tmp_path, kind):
    gaps = [0.5, 1.5, 2.5, 13.25, 14.25, 30.0]
    runs, _ = record_runs(*parse(write_edf(tmp_path / "a.edf", eeg(6, 64), 64, onsets=gaps, kind=kind)))
    assert runs == [RecordRun(0, 3, 0.5), RecordRun(3, 2, 13.25), RecordRun(5, 1, 30.0)]


def test_a_file_without_onsets_is_one_run_and_says_so_if_it_should_have_them(tmp_path):
    data, header = parse(write_edf(tmp_path / "a.edf", eeg(6, 64), 64))
    assert record_runs(data, header) == ([RecordRun(0, 6, 0.0)], [])
    data, header = parse(write_edf(tmp_path / "a.edf", eeg(6, 64), 64, kind="EDF+C"))
    runs, notes = record_runs(data, header)
    assert runs == [RecordRun(0, 6, 0.0)] and notes == [
        "its records do not say when they start: taken as one after another"
    ]


def test_a_continuous_file_costs_two_onsets_however_long_it_is(tmp_path):
    data, header = parse(write_edf(tmp_path / "a.edf", eeg(400, 16), 16, onsets=list(range(400))))
    touched = data.copy()
    touched[np.setdiff1d(np.arange(400), [0, 200, 399])] = 0  # 200: whether the signal holds onsets at all
    assert record_runs(touched, header) == record_runs(data, header) == ([RecordRun(0, 400, 0.0)], [])


def test_records_out_of_order_are_refused_in_a_file_marked_discontinuous(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(4, 64), 64, onsets=[0, 1, 9, 5], kind="EDF+D")
    with pytest.raises(RecordingError, match="data record 4 starts before record 3 ends"):
        record_runs(*parse(path))


def test_annotations_are_recognised_under_a_damaged_label_only_in_edf_plus(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(4, 64), 64, onsets=[0, 1, 2, 3])
    data, header = parse(change(path, field("label", 19, 20), "EDF Anmotations", 16))
    assert header.annotations == [] and name_annotations(data, header).annotations == [19]
    data, header = parse(change(path, field("reserved"), "", 44))
    assert name_annotations(data, header).annotations == []


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


def test_another_length_of_records_than_their_starts_say_is_refused(tmp_path):
    for kind, text in (("EDF+C", "2"), ("EDF+C", "0.5"), ("EDF+D", "2")):
        path = write_edf(tmp_path / "a.edf", eeg(40), onsets=list(range(40)), kind=kind)
        with pytest.raises(RecordingError, match="start"):
            read(change(path, field("seconds"), text))


def in_pieces(path, onsets, kind, seconds=0.005):
    """Eight electrodes in records of one sample at 200 Hz."""
    general = {"patient": "", "recording": "", "date": "03.02.21", "time": "12.30.00", "reserved": kind}
    signals = [signal_fields(label, 1, ("-3276.7", "3276.7")) for label in LABELS[:8]]
    digital = [np.random.default_rng(i).integers(-999, 999, len(onsets)) for i in range(8)]
    return write_digital(path, digital, general, signals, seconds=seconds, onsets=onsets)


@pytest.mark.parametrize("kind", ["EDF+D", "EDF+C"])
def test_a_file_in_a_hundred_thousand_pieces_is_refused_at_once(tmp_path, kind):
    steps = np.random.default_rng(0).uniform(0.005, 1.5, 150_000)
    path = in_pieces(tmp_path / "a.edf", np.cumsum(steps).tolist(), kind)
    line = "in more than 100,000 pieces" if kind == "EDF+D" else "apart in too many places"
    with bounded(), pytest.raises(RecordingError, match=f"{line}.*; export it again"):
        check_file(path)


def test_a_session_in_more_than_a_thousand_pieces_is_refused(tmp_path):
    path = in_pieces(tmp_path / "a.edf", (0.02 * np.arange(4000)).tolist(), "EDF+D")
    with bounded(), pytest.raises(RecordingError, match=r"is in 4,000 pieces within 1,280 s; expected at most 1,000"):
        read(path)


def test_millions_of_records_are_no_reason_to_look_at_each(tmp_path):
    path = in_pieces(tmp_path / "a.edf", [0.0] * 9, "EDF+D")
    os.truncate(path, 2**31)  # sparse
    with bounded(), pytest.raises(RecordingError, match=r"has 28,\d{3},\d{3} records; expected at most 2,000,000"):
        check_file(path)


def test_a_long_onset_and_its_duration_are_read(tmp_path):
    signals = [signal_fields(label, 200, ("-3276.7", "3276.7")) for label in LABELS[:8]]
    signals.append(signals[0] | {"label": "EDF Annotations", "samples": "400"})
    general = {"patient": "", "recording": "", "date": "03.02.21", "time": "12.30.00", "reserved": "EDF+D"}
    text = [f"+{2 * i}\x15{'0' * 300}\x14\x14".encode().ljust(800, b"\0") for i in range(20)]
    digital = [np.round(10 * row).astype(int) for row in eeg(20, channels=8)]
    path = write_digital(tmp_path / "a.edf", [*digital, np.frombuffer(b"".join(text), "<i2")], general, signals)
    runs, _ = record_runs(*parse(path))
    assert runs == [RecordRun(i, 1, 2.0 * i) for i in range(20)]


def test_long_records_do_not_fill_the_memory(tmp_path):
    signals = [signal_fields(label, 1_000_000, ("-3276.7", "3276.7")) for label in LABELS[:8]]
    general = {"patient": "", "recording": "", "date": "03.02.21", "time": "12.30.00", "reserved": ""}
    path = write_digital(tmp_path / "a.edf", np.zeros((8, 1_000_000), int), general, signals, seconds=10)
    os.truncate(path, path.stat().st_size * 26)  # sparse: 26 records of 8 million samples
    with bounded(5, 100):
        assert open_source(path, None, None).load(0, 0, 100).shape == (100,)
