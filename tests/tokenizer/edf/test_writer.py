"""The writer: its files hold the numbers and fields that were given, for our reader and for others."""

import time
import warnings

import edfio
import numpy as np
import pytest

from tokenizer.edf.header import read_header
from tokenizer.edf.private_fields import read_fields
from tokenizer.edf.reader import open_edf
from tokenizer.edf.writer import LABELS, eeg, signal_fields, write_digital, write_edf

GENERAL = {"patient": "X X X X", "recording": "from room 4", "date": "03.02.21", "time": "12.30.00", "reserved": ""}


def integers(bits: int, rows: int = 3, n: int = 128) -> np.ndarray:
    """Random ones of the whole range, and its ends."""
    top = 2 ** (bits - 1) - 1
    values = np.random.default_rng(0).integers(-top, top + 1, (rows, n), np.int32)
    values[:, :2] = -top, top
    return values


@pytest.mark.parametrize("bits", [16, 24])
def test_integers_are_written_as_they_are(tmp_path, bits):
    top, digital = 2 ** (bits - 1) - 1, integers(bits)
    signals = [signal_fields(label, 64, (f"-{top}", f"{top}"), bits) for label in LABELS[:3]]
    path = write_digital(tmp_path / "a.edf", digital, GENERAL, signals, bits)
    data, size = path.read_bytes()[256 * 4 :], bits // 8
    for record in range(2):
        for row in range(3):
            at = size * 64 * (3 * record + row)
            values = [
                int.from_bytes(data[i : i + size], "little", signed=True) for i in range(at, at + 64 * size, size)
            ]
            assert values == digital[row, 64 * record : 64 * record + 64].tolist()
    assert len(data) == size * 3 * 128
    np.testing.assert_array_equal(open_edf(path, None, "uV").load(1, 0, 128), digital[1].astype(np.float32))


def test_the_header_says_what_was_given_and_what_follows_from_the_samples(tmp_path):
    signals = [signal_fields(f"C{i}", 64, ("-4095.9", "4095.9"), prefilter="HP:0.5Hz") for i in range(3)]
    header = read_fields(write_digital(tmp_path / "a.edf", integers(16), GENERAL, signals, seconds=0.5))
    assert header.signals == signals
    follows = {"version": "0", "header bytes": "1024", "records": "2", "seconds": "0.5", "signals": "3"}
    assert header.general == GENERAL | follows
    assert write_digital(tmp_path / "b.edf", integers(16), GENERAL, signals, declared=7)
    assert read_fields(tmp_path / "b.edf").general["records"] == "7" and read_header(tmp_path / "b.edf").records == 2


def test_physical_values_have_the_header_that_was_asked_for(tmp_path):
    path = write_edf(
        tmp_path / "a.edf", eeg(3, 64) / 1e3, 64, unit="mV", limit=8.0, patient="X", start="01.02.0313.14.15"
    )
    header = read_fields(path)
    stated = {"patient": "X", "recording": "", "reserved": "", "date": "01.02.03", "time": "13.14.15"}
    assert {name: header.general[name] for name in stated} == stated
    texts = {"label": LABELS[0], "transducer": "AgCl", "unit": "mV", "prefilter": "", "signal reserved": ""}
    physical = {"physical minimum": "-8", "physical maximum": "8"}
    digital = {"digital minimum": "-32767", "digital maximum": "32767"}
    assert header.signals[0] == texts | physical | digital | {"samples": "64"}
    assert read_fields(write_edf(tmp_path / "a.bdf", eeg(3, 64), 64, bits=24)).general["reserved"] == "24BIT"


def test_what_does_not_fill_a_record_is_left_out(tmp_path):
    for n, records in ((63, 0), (64, 1), (191, 2)):
        path = write_digital(tmp_path / "a.edf", integers(16, 1, n), GENERAL, [signal_fields("C1", 64, ("-1", "1"))])
        assert path.stat().st_size == 512 + 128 * records and read_fields(path).general["records"] == str(records)


@pytest.mark.parametrize("bits", [16, 24])
def test_physical_values_come_back_within_half_a_step_and_are_held_at_the_limit(tmp_path, bits):
    signal = eeg(6, 64)
    signal[2, 10] = 1e6
    path = write_edf(tmp_path / "a.edf", signal, 64, bits=bits, limit=500.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = (edfio.read_edf if bits == 16 else edfio.read_bdf)(path).signals
    assert [each.label for each in theirs] == LABELS
    step = 500 / (2 ** (bits - 1) - 1)
    for row, each in zip(np.minimum(signal, 500), theirs, strict=True):
        np.testing.assert_allclose(each.data, row, atol=0.51 * step)


@pytest.mark.parametrize("bits", [16, 24])
def test_onsets_are_annotations_of_edf_plus(tmp_path, bits):
    onsets = [0.0, 1.0, 7.25]
    path = write_edf(tmp_path / "a.edf", eeg(3, 64), 64, onsets=onsets, bits=bits)
    kind = "EDF" if bits == 16 else "BDF"
    header = read_header(path)
    assert header.reserved == f"{kind}+C" and header.labels[-1] == f"{kind} Annotations"
    records = np.fromfile(path, np.uint8, offset=header.size).reshape(3, -1)
    lists = [record[header.spans[-1]].tobytes().rstrip(b"\0") for record in records]
    assert lists == [b"+0\x14\x14", b"+1\x14\x14", b"+7.25\x14\x14"]


def test_signals_of_several_rates_share_records(tmp_path):
    data = [np.arange(256.0), np.arange(4.0)]
    source = open_edf(write_edf(tmp_path / "a.edf", data, [64, 1], ["Fp1", "SaO2"]), None, None)
    assert source.rates == [64, 1] and source.channels == ["Fp1", "SaO2"]
    np.testing.assert_allclose(source.load(0, 0, 256), data[0], atol=0.06)


def test_twenty_minutes_are_written_in_a_fraction_of_a_second(tmp_path):
    digital = np.zeros((20, 256 * 1200), np.int16)
    signals = [signal_fields(f"C{i}", 256, ("-1", "1")) for i in range(20)]
    began = time.process_time()
    write_digital(tmp_path / "a.edf", digital, GENERAL, signals)
    assert time.process_time() - began < 0.5


def test_test_signals_are_alike_in_size_and_differ_by_seed():
    signal = eeg(20, 200, 4)
    assert signal.shape == (4, 4000) and np.all((signal.std(1) > 25) & (signal.std(1) < 35))
    assert np.array_equal(signal, eeg(20, 200, 4)) and not np.array_equal(signal, eeg(20, 200, 4, seed=1))
