"""EDF and BDF files read: the numbers, their scale, and what of a header makes an electrode flat."""

import warnings
from datetime import datetime

import edfio
import numpy as np
import pytest

from tests.tokenizer.edf.damage import change, field
from tokenizer.edf.reader import open_edf
from tokenizer.edf.writer import LABELS, eeg, write_edf
from tokenizer.reading.read import ReadingConfig, check_file, read
from tokenizer.recording import RecordingError


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


def test_the_fraction_of_a_second_belongs_to_the_start(tmp_path):
    for kind in ("EDF+C", "EDF+D"):
        path = write_edf(tmp_path / "a.edf", eeg(20), onsets=[0.25 + t for t in range(20)], kind=kind)
        assert read(path).start == datetime(2021, 2, 3, 12, 30, 0, 250_000)


def test_a_stated_rate_must_be_the_files(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(20))
    assert read(path, rate=200.0).rate == 200
    for reader in (read, check_file):
        with pytest.raises(RecordingError, match="its header says 200 Hz, rate= says 256; leave rate= away"):
            reader(path, ReadingConfig(rate=256))


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


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [("seconds", "1e308", "sampled at 2e-306 Hz"), ("pmax", "Jane Doe", "an electrode has no numeric range")],
)
def test_headers_of_impossible_rates_and_ranges_are_refused(tmp_path, name, text, message):
    path = change(write_edf(tmp_path / "a.edf", eeg(40)), field(name), text)
    with pytest.raises(RecordingError, match=message) as caught:
        read(path)
    assert "Doe" not in str(caught.value)
