"""Recordings through MNE: µV from every unit, piece by piece, and one line without secrets for what is damaged."""

import subprocess
import sys

import numpy as np
import pytest

from tests.tokenizer.reading.recordings import SIGNAL, WRITERS, raw_of, samples
from tokenizer.reading import mne_files
from tokenizer.reading.formats import open_source
from tokenizer.reading.read import read
from tokenizer.recording import RecordingError
from tools.fuzz.format_files import STEP, write_brainvision, write_eeglab, write_gdf


def test_pieces_are_the_whole_whatever_the_order(tmp_path, monkeypatch):
    path = WRITERS["micro.vhdr"](tmp_path / "a.vhdr")
    whole = samples(path)
    for room in (1, 19 * 4 * 700, 2**26):  # bytes kept: nothing, a little, all
        monkeypatch.setattr(mne_files, "KEPT_BYTES", room)
        file = open_source(path, None, None)
        for channel in (3, 18, 0, 3):
            for first, n in ((0, 6000), (0, 700), (650, 100), (5999, 1), (0, 6000)):
                np.testing.assert_array_equal(file.load(channel, first, n), whole[channel, first : first + n])


def test_all_electrodes_are_read_in_one_go():
    raw = raw_of(SIGNAL)
    asked = []
    get_data = raw.get_data
    raw.get_data = lambda picks, start, stop, **more: (
        asked.append((start, stop)) or get_data(picks, start, stop, **more)
    )
    assert read(raw).seconds == 30
    assert len(asked) <= 2, "one piece for the mains, one for the session; MNE reads all channels each time"


def test_nothing_is_loaded_by_opening(tmp_path):
    path = write_brainvision(tmp_path / "a.vhdr", SIGNAL)
    file = open_source(path, None, None)
    path.with_suffix(".eeg").write_bytes(b"\x10\0" * SIGNAL.size)
    assert (file.load(0, 0, 10) == np.float32(16 * STEP)).all()


def test_in_memory_recordings_and_their_start():
    from datetime import UTC, datetime

    raw = raw_of(SIGNAL, date=datetime(2021, 2, 3, 12, 30, tzinfo=UTC))
    np.testing.assert_allclose(samples(raw), SIGNAL, atol=1e-4)
    assert str(open_source(raw, None, None).start) == "2021-02-03 12:30:00"
    assert str(open_source(raw.copy().crop(10), None, None).start) == "2021-02-03 12:30:10"
    raw.info["bads"] = ["T3", "O1"]
    assert open_source(raw, None, None).notes == ["marked bad in MNE, read all the same: O1, T3"]


def test_a_stated_rate_must_be_that_of_the_file(tmp_path):
    assert open_source(write_brainvision(tmp_path / "a.vhdr", SIGNAL), 200, None).rates[0] == 200
    for source in (tmp_path / "a.vhdr", raw_of(SIGNAL)):
        with pytest.raises(RecordingError, match="is sampled at 200 Hz, rate= says 256; leave rate= away"):
            open_source(source, 256, None)


def test_unit_overrules_what_the_file_says(tmp_path):
    np.testing.assert_allclose(samples(raw_of(SIGNAL * 1e6), unit="uV"), SIGNAL, rtol=1e-5, atol=1e-4)
    for name in ("micro.vhdr", "struct.set", "micro.gdf", "a.lay"):
        tenth = samples(WRITERS[name](tmp_path / name), unit="0.1uV")
        np.testing.assert_allclose(tenth, SIGNAL / 10, atol=STEP / 2)
    np.testing.assert_allclose(samples(WRITERS["milli.vhdr"](tmp_path / "m.vhdr"), unit="V"), SIGNAL * 1e3, atol=60)
    np.testing.assert_allclose(samples(WRITERS["nano.gdf"](tmp_path / "n.gdf"), unit="uV"), SIGNAL * 1e3, atol=60)


def damaged(folder) -> dict[str, tuple[object, str]]:
    """Files that cannot be read by MNE, and a word of the line that says why; `Doe` stands in all their secrets."""
    folder = folder / "Doe"
    folder.mkdir()
    cut = lambda path, size: (path.write_bytes(path.read_bytes()[:size]), path)[1]
    lone = write_eeglab(folder / "lone.set", SIGNAL, form="fdt")
    lone.with_suffix(".fdt").unlink()
    short = write_eeglab(folder / "short.set", SIGNAL, form="fdt")
    cut(short.with_suffix(".fdt"), 100_000)
    empty = write_brainvision(folder / "lost.vhdr", SIGNAL)
    empty.with_suffix(".eeg").unlink()
    rows = write_brainvision(folder / "rows.vhdr", SIGNAL, layout="VECTORIZED")
    cut(rows.with_suffix(".eeg"), 100_000)
    whole = write_brainvision(folder / "whole.vhdr", SIGNAL)
    hole = raw_of(np.where(np.arange(6000) == 77, np.nan, SIGNAL))
    (folder / "a.xyz").write_bytes(b"Doe")
    (folder / "a.cnt").write_bytes(b"Doe" * 999)
    (folder / "a.edf.gz").write_bytes(b"Doe")
    return {
        "no data file": (lone, "a file that belongs to it is missing"),
        "torn data file": (short, "its samples cannot be read (RuntimeError)"),
        "torn struct": (cut(write_eeglab(folder / "torn.set", SIGNAL), 9999), "is cut short or damaged"),
        "lost data": (empty, "a file that belongs to it is missing"),
        "torn rows": (rows, "holds 2631 samples per channel, its header promises 6000"),
        "a part": (whole.with_suffix(".eeg"), "give the .vhdr file beside it"),
        "markers": (whole.with_suffix(".vmrk"), "give the .vhdr file beside it"),
        "torn gdf": (cut(write_gdf(folder / "a.gdf", SIGNAL), 1000), "is cut short or damaged"),
        "not a number": (hole, "samples that are not numbers"),
        "unknown": (folder / "a.xyz", "MNE cannot read this as EEG"),
        "rubbish": (folder / "a.cnt", "MNE cannot read this as EEG"),
        "packed": (folder / "a.edf.gz", "is packed (.gz); unpack it first"),
    }


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    return damaged(tmp_path_factory.mktemp("broken"))


CASES = (
    *("no data file", "torn data file", "torn struct", "lost data", "torn rows", "a part", "markers", "torn gdf"),
    *("not a number", "unknown", "rubbish", "packed"),
)


@pytest.mark.parametrize("case", CASES)
def test_damage_gives_one_line_without_secrets(broken, case, capfd):
    source, expected = broken[case]
    with pytest.raises(RecordingError) as caught:
        read(source)
    line = str(caught.value)
    assert expected in line and "\n" not in line and len(line) < 300 and "Doe" not in line
    assert "".join(capfd.readouterr()) == ""


def test_every_damaged_file_is_tested(broken):
    assert set(broken) == set(CASES)


def test_readers_of_mne_print_nothing(tmp_path, capfd):
    for name in ("a.lay", "struct.set", "micro.vhdr"):  # MNE prints birth dates, event names and paths
        read(WRITERS[name](tmp_path / name))
    read(write_eeglab(tmp_path / "b.set", SIGNAL, events=[("boundary", 2000.5, 400.0)]))
    assert "".join(capfd.readouterr()) == ""


def test_a_missing_package_is_named(tmp_path):
    head = b"MATLAB 7.3 MAT-file, HDF5 schema 1.00 .".ljust(124) + b"\x00\x02IM"
    (tmp_path / "a.set").write_bytes(head + bytes(9999))
    code = f"""
import sys
sys.modules["pymatreader"] = None
from tokenizer.reading.read import RecordingError, read
try:
    read({str(tmp_path / "a.set")!r})
except RecordingError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "MATLAB 7.3" in done.stdout and "pip install pymatreader" in done.stdout and done.stdout.count("\n") == 1
