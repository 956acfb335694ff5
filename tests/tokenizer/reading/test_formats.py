"""Formats: the same samples from every one, in µV, whatever the file is called; and the seam where one is added."""

import numpy as np
import pytest

from tests.tokenizer.reading.recordings import NAMES, SIGNAL, WRITERS, onsets, samples
from tokenizer.edf.writer import LABELS, write_edf
from tokenizer.reading import formats
from tokenizer.reading.formats import EDF_SUFFIXES, FORMATS, Format, open_source, recording_suffixes
from tokenizer.reading.read import read
from tokenizer.recording import RecordingError, Segment, Source
from tools.fuzz.format_files import STEP, write_brainvision, write_gdf


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_samples(tmp_path, name):
    path = WRITERS[name](tmp_path / name)
    stated = {"rate": 200, "unit": "uV"} if name.endswith(("csv", "tsv", "txt")) else {}
    np.testing.assert_allclose(samples(path, **stated), SIGNAL, atol=STEP / 2 + 0.001)
    assert onsets(path, **stated) == [(0, 0)] and open_source(path, stated.get("rate"), stated.get("unit")).notes == []


@pytest.mark.parametrize("name", ["micro.vhdr", "fdt.set", "micro.gdf", "a.lay", "a_raw.fif", "a.bdf"])
def test_a_session_is_that_of_the_edf(tmp_path, name):
    expected = read(write_edf(tmp_path / "b.edf", SIGNAL))
    session = read(WRITERS[name](tmp_path / name))
    np.testing.assert_allclose(session.signal, expected.signal, atol=0.1)
    assert (session.valid == expected.valid).all() and session.notes == expected.notes == []


@pytest.mark.parametrize("name", ["a.vhdr", "a.gdf"])
def test_no_unit_of_voltage_means_microvolts_and_says_so(tmp_path, name):
    odd = {
        "a.vhdr": lambda p: write_brainvision(p, SIGNAL, unit="ARU"),
        "a.gdf": lambda p: write_gdf(p, SIGNAL, unit=0),
    }
    path = odd[name](tmp_path / name)
    np.testing.assert_allclose(samples(path), SIGNAL, atol=STEP / 2 + 0.001)
    assert open_source(path, None, None).notes == ["electrodes without a unit of voltage: taken as µV"]


def test_labels_of_the_edf_helper_are_the_electrodes():
    assert [label.removeprefix("EEG ").removesuffix("-REF") for label in LABELS] == NAMES


def test_a_new_format_is_one_opener_and_one_row(tmp_path, monkeypatch):
    def open_numbers(path, rate, unit):
        data = np.load(path)
        load = lambda channel, first, n: data[channel, first : first + n]
        return Source(path.name, NAMES, [rate] * 19, load, lambda _: [Segment(0, data.shape[1], 0.0)])

    monkeypatch.setattr(formats, "FORMATS", (*FORMATS, Format((".npy",), open_numbers)))
    np.save(tmp_path / "A.NPY", SIGNAL.astype(np.float32))
    (tmp_path / "A.NPY.npy").rename(tmp_path / "A.NPY")
    session, expected = read(tmp_path / "A.NPY", rate=200), read(write_edf(tmp_path / "b.edf", SIGNAL))
    np.testing.assert_allclose(session.signal, expected.signal, atol=0.1)
    assert ".npy" in recording_suffixes() and open_source(tmp_path / "b.edf", None, None).rates[0] == 200


def test_every_suffix_is_claimed_once_and_in_small_letters():
    suffixes = [suffix for each in FORMATS for suffix in each.suffixes]
    assert len(set(suffixes)) == len(suffixes) and all(s.startswith(".") and s == s.lower() for s in suffixes)


def test_folders_are_searched_for_recordings_not_for_their_parts_nor_for_texts():
    suffixes = recording_suffixes()
    assert set(EDF_SUFFIXES) < set(suffixes) and list(suffixes) == sorted(suffixes)
    assert {".vhdr", ".set", ".fif", ".fif.gz", ".gdf", ".lay", ".cnt", ".mff"} < set(suffixes)
    assert not {".csv", ".txt", ".csv.gz", ".eeg", ".vmrk", ".fdt", ".dat"} & set(suffixes)


def test_the_name_is_read_in_any_letters(tmp_path):
    path = write_edf(tmp_path / "a.edf", SIGNAL)
    path.rename(tmp_path / "A.EDF")
    assert open_source(tmp_path / "A.EDF", None, None).channels == LABELS


def test_what_is_stated_is_checked_first_and_then_the_path(tmp_path):
    with pytest.raises(ValueError, match=r"unit=pV: expected one of uV, 0\.1uV, mV, V"):
        open_source(tmp_path / "a.edf", None, "pV")
    for rate in (0, -1, float("nan")):
        with pytest.raises(ValueError, match=f"rate={rate}: expected a sampling rate in Hz, above 0"):
            open_source(tmp_path / "a.edf", rate, None)
    with pytest.raises(RecordingError, match=r"^a\.edf: there is no such file; check the path$"):
        open_source(tmp_path / "a.edf", None, None)
    (tmp_path / "a.edf").mkdir()
    with pytest.raises(RecordingError, match=r"^a\.edf: is a folder; expected a file; give the recording itself$"):
        open_source(tmp_path / "a.edf", None, None)


@pytest.mark.parametrize("suffix", formats.PACKED)
def test_packed_files_are_to_be_unpacked_first(tmp_path, suffix):
    (tmp_path / f"a.edf{suffix}").write_bytes(b"packed")
    with pytest.raises(RecordingError, match=rf"is packed \({suffix}\); unpack it first"):
        open_source(tmp_path / f"a.edf{suffix}", None, None)
