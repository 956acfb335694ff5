"""Formats: the same samples from every format, in µV, at their true time; and one line for what cannot be read."""

import subprocess
import sys

import numpy as np
import pytest

from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import LABELS, eeg, write_edf
from tokenizer.reading.formats import open_source
from tokenizer.reading.read import read
from tokenizer.recording import RecordingError
from tools.fuzz.format_files import STEP, write_brainvision, write_eeglab, write_eeglab_hdf5, write_gdf, write_persyst

SIGNAL = eeg(30)
NAMES = list(CHANNELS)


def samples(source, **stated) -> np.ndarray:
    """(19, n) µV in CLEF's order, as a source gives them piece by piece."""
    file = open_source(source, stated.get("rate"), stated.get("unit"))
    n = sum(segment.samples for segment in file.segments(200))
    halves = [[file.load(c, a, b - a) for c in range(19)] for a, b in ((0, n // 2), (n // 2, n))]
    assert all(len(x) == 19 and x[0].dtype == np.float32 for x in halves)
    return np.concatenate(halves, axis=1)


def onsets(source, **stated) -> list[tuple[int, float]]:
    """(first sample, s) of every segment."""
    found = open_source(source, stated.get("rate"), stated.get("unit")).segments(200)
    return [(segment.first, round(segment.onset, 6)) for segment in found]


def raw_of(signal, **about):
    import mne

    raw = mne.io.RawArray(signal * 1e-6, mne.create_info(NAMES, 200, "eeg"), verbose="error")
    raw.set_meas_date(about.get("date"))
    return raw


def write_fif(path, signal):
    raw_of(signal).save(path, verbose="error", fmt="double")
    return path


def write_csv(path, signal, separator=",", comma=False, names=NAMES, digits=2):
    rows = [separator.join(f"{x:.{digits}f}" for x in row) for row in signal.T]
    text = "\n".join(rows).replace(".", ",") if comma else "\n".join(rows)
    path.write_text(separator.join(names) + "\n" + text + "\n", encoding="utf-8")
    return path


WRITERS = {
    "a.edf": lambda p: write_edf(p, SIGNAL),
    "plus.edf": lambda p: write_edf(p, SIGNAL, onsets=[float(i) for i in range(30)]),
    "plus_d.edf": lambda p: write_edf(p, SIGNAL, onsets=[float(i) for i in range(30)], kind="EDF+D"),
    "a.rec": lambda p: write_edf(p, SIGNAL),
    "a.bdf": lambda p: write_edf(p, SIGNAL, bits=24),
    "micro.vhdr": lambda p: write_brainvision(p, SIGNAL),
    "milli.vhdr": lambda p: write_brainvision(p, SIGNAL / 1e3, unit="mV", resolution=STEP / 1e3),
    "none.vhdr": lambda p: write_brainvision(p, SIGNAL, unit=""),
    "vector.vhdr": lambda p: write_brainvision(p, SIGNAL, layout="VECTORIZED"),
    "struct.set": lambda p: write_eeglab(p, SIGNAL),
    "fields.set": lambda p: write_eeglab(p, SIGNAL, form="fields"),
    "fdt.set": lambda p: write_eeglab(p, SIGNAL, form="fdt"),
    "hdf5.set": lambda p: pytest.importorskip("h5py") and write_eeglab_hdf5(p, SIGNAL),
    "a_raw.fif": lambda p: write_fif(p, SIGNAL),
    "a_raw.fif.gz": lambda p: write_fif(p, SIGNAL),
    "micro.gdf": lambda p: write_gdf(p, SIGNAL),
    "milli.gdf": lambda p: write_gdf(p, SIGNAL / 1e3, unit=4274),
    "volt.gdf": lambda p: write_gdf(p, SIGNAL / 1e6, unit=4256),
    "nano.gdf": lambda p: write_gdf(p, SIGNAL * 1e3, unit=4276),
    "old.gdf": lambda p: write_gdf(p, SIGNAL, unit="uV"),
    "old_milli.gdf": lambda p: write_gdf(p, SIGNAL / 1e3, unit="mV"),
    "a.lay": lambda p: write_persyst(p, SIGNAL),
    "a.csv": lambda p: write_csv(p, SIGNAL),
    "a.tsv": lambda p: write_csv(p, SIGNAL, "\t"),
    "semicolon.csv": lambda p: write_csv(p, SIGNAL, ";", comma=True),
    "a.txt": lambda p: write_csv(p, SIGNAL, "\t", comma=True),
}


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


def test_pieces_are_the_whole_whatever_the_order(tmp_path, monkeypatch):
    from tokenizer.reading import mne_files

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


# ---- units


def test_unit_overrules_what_the_file_says(tmp_path):
    np.testing.assert_allclose(samples(raw_of(SIGNAL * 1e6), unit="uV"), SIGNAL, rtol=1e-5, atol=1e-4)
    for name in ("micro.vhdr", "struct.set", "micro.gdf", "a.lay"):
        found = samples(WRITERS[name](tmp_path / name), unit="0.1uV")
        np.testing.assert_allclose(found, SIGNAL / 10, atol=STEP / 2)
    np.testing.assert_allclose(samples(WRITERS["milli.vhdr"](tmp_path / "m.vhdr"), unit="V"), SIGNAL * 1e3, atol=60)
    np.testing.assert_allclose(samples(WRITERS["nano.gdf"](tmp_path / "n.gdf"), unit="uV"), SIGNAL * 1e3, atol=60)


@pytest.mark.parametrize("name", ["a.vhdr", "a.gdf"])
def test_no_unit_of_voltage_means_microvolts_and_says_so(tmp_path, name):
    odd = {
        "a.vhdr": lambda p: write_brainvision(p, SIGNAL, unit="ARU"),
        "a.gdf": lambda p: write_gdf(p, SIGNAL, unit=0),
    }
    path = odd[name](tmp_path / name)
    np.testing.assert_allclose(samples(path), SIGNAL, atol=STEP / 2 + 0.001)
    assert open_source(path, None, None).notes == ["electrodes without a unit of voltage: taken as µV"]


def test_a_channel_of_another_unit_changes_nothing(tmp_path):
    data = np.vstack([SIGNAL[:18], np.arange(6000) % 100])
    path = write_brainvision(tmp_path / "a.vhdr", data, unit=["µV"] * 18 + ["C"])
    text = path.read_text("utf-8").replace("Ch19=Fp2", "Ch19=Temp")
    path.write_text(text, encoding="utf-8")
    file = open_source(path, None, None)
    np.testing.assert_allclose(file.load(17, 0, 6000), SIGNAL[17], atol=STEP / 2 + 0.001)
    assert file.notes == [] and file.channels[-1] == "Temp"


def test_gdf_electrodes_that_mne_would_interpolate_are_refused(tmp_path):
    rows = [*SIGNAL, np.zeros(12_000)]
    with pytest.raises(RecordingError, match="sampled faster than the electrodes"):
        open_source(write_gdf(tmp_path / "a.gdf", rows, [200] * 19 + [400]), None, None)
    slow = write_gdf(tmp_path / "b.gdf", [*SIGNAL, np.zeros(3000)], [200] * 19 + [100])
    np.testing.assert_allclose(samples(slow), SIGNAL, atol=STEP / 2)


# ---- time


BOUNDARIES = [
    ("boundary", 0.5, 100.0),
    ("eyes closed", 700.0, 1.0),
    ("boundary", 2000.5, 400.0),
    ("boundary", 5000.5, 1e4),
]


@pytest.mark.parametrize("form", ["struct", "fields", "fdt", "hdf5"])
def test_eeglab_boundaries_give_back_the_time_that_was_cut_out(tmp_path, form):
    if form == "hdf5":
        pytest.importorskip("h5py")
        path = write_eeglab_hdf5(tmp_path / "a.set", SIGNAL, events=BOUNDARIES)
    else:
        path = write_eeglab(tmp_path / "a.set", SIGNAL, events=BOUNDARIES, form=form)
    assert onsets(path) == [(0, 0), (2000, 12), (5000, 77)]
    session = read(path)
    assert session.seconds == 30 and np.flatnonzero(session.valid).tolist() == [
        *range(10),
        *range(12, 27),
        *range(77, 82),
    ]
    assert session.notes == ["2 gaps between stretches of signal"]


def test_eeglab_boundaries_of_unknown_length_are_joins(tmp_path):
    events = [("boundary", 2000.5, np.nan), ("boundary", 3001.0, 0.0), (-99, 4000.5, 20.0)]
    path = write_eeglab(tmp_path / "a.set", SIGNAL, events=events)
    assert onsets(path) == [(0, 0), (2000, 10), (3000, 15), (4000, 20.1)]
    assert "2 joins where an unknown time is missing" in open_source(path, None, None).notes[0]


def test_filters_do_not_ring_across_a_join(tmp_path):
    stepped = SIGNAL + np.where(np.arange(6000) < 3000, 0.0, 500.0)
    events = [("boundary", 3000.5, np.nan)]
    joined = read(write_eeglab(tmp_path / "a.set", stepped, events=events)).signal
    ringing = read(write_eeglab(tmp_path / "b.set", stepped)).signal
    near = slice(2900, 3100)
    assert np.abs(joined[:, near]).max() < 200 < np.abs(ringing[:, near]).max()


STAMPS = [(1, "20210203123000000000"), (2001, "20210203123020500000"), (4001, "20210203123030500000")]


def test_brainvision_segments_are_placed_by_their_time_stamps(tmp_path):
    path = write_brainvision(tmp_path / "a.vhdr", SIGNAL, markers=STAMPS)
    assert onsets(path) == [(0, 0), (2000, 20.5), (4000, 30.5)]
    assert (
        str(open_source(path, None, None).start) == "2021-02-03 12:30:00" and open_source(path, None, None).notes == []
    )


@pytest.mark.parametrize("stamp", ["", "20210203123005000000", "00000000000000000000"])
def test_brainvision_segments_without_a_usable_stamp_are_joins(tmp_path, stamp):
    path = write_brainvision(tmp_path / "a.vhdr", SIGNAL, markers=[(1, "20210203123000000000"), (2001, stamp)])
    assert onsets(path) == [(0, 0), (2000, 10)]
    assert "1 joins where an unknown time is missing" in open_source(path, None, None).notes[0]


def test_brainvision_without_its_markers_says_so(tmp_path):
    path = write_brainvision(tmp_path / "a.vhdr", SIGNAL, markers=STAMPS)
    path.with_suffix(".vmrk").unlink()
    assert "marker file is missing" in open_source(path, None, None).notes[0]


def test_persyst_sample_times_past_midnight(tmp_path):
    times = [(0, 86_390.0), (1000, 86_395.0), (2000, 30.0), (4000, 40.0)]
    path = write_persyst(tmp_path / "a.lay", SIGNAL, times=times)
    assert onsets(path) == [(0, 0), (2000, 40)]
    path = write_persyst(tmp_path / "b.lay", SIGNAL, times=[*times, (90_000, 900.0)])
    assert "do not fit" in open_source(path, None, None).notes[0] and onsets(path) == [(0, 0)]


@pytest.mark.parametrize("unit", [4275, "uV"])
def test_gdf_segments_are_joins(tmp_path, unit):
    path = write_gdf(tmp_path / "a.gdf", SIGNAL, unit=unit, events=[(1, 0x7FFE), (500, 769), (2001, 0x7FFE)])
    assert onsets(path) == [(0, 0), (2000, 10)] and "1 joins" in open_source(path, None, None).notes[0]


def test_mne_annotations_that_mean_a_gap():
    import mne

    raw = raw_of(SIGNAL)
    raw.set_annotations(mne.Annotations([5, 29, 12], [2, 1, 3], ["BAD_ACQ_SKIP", "BAD_ACQ_SKIP", "bad blink"]))
    assert onsets(raw) == [(0, 0), (1400, 7)]
    assert onsets(raw.copy().crop(6)) == [(200, 1)]
    both = mne.concatenate_raws([raw_of(SIGNAL), raw_of(SIGNAL)], verbose="error")
    assert onsets(both) == [(0, 0), (6000, 30)]


def test_an_edf_that_mne_glued_says_so(tmp_path):
    import mne

    onsets_of = [float(t) for t in (*range(10), *range(50, 70))]
    path = write_edf(tmp_path / "a.edf", SIGNAL, onsets=onsets_of, kind="EDF+D")
    assert onsets(path) == [(0, 0), (2000, 50)] and open_source(path, None, None).notes == []
    glued = mne.io.read_raw_edf(path, verbose="error")
    assert (
        onsets(glued) == [(0, 0)]
        and "its gaps are lost; read it by its path" in open_source(glued, None, None).notes[0]
    )
    plain = mne.io.read_raw_edf(write_edf(tmp_path / "b.edf", SIGNAL), verbose="error")
    assert open_source(plain, None, None).notes == []


# ---- tables


def test_columns_that_are_not_electrodes_are_left_alone(tmp_path):
    names = ["time", *NAMES, "remark"]
    lines = [f"2021-02-03 12:30,{','.join(f'{v:.2f}' for v in row)},moved" for row in SIGNAL.T]
    path = tmp_path / "a.csv"
    path.write_text(
        "% exported\n\n" + ",".join(f'"{name}"' for name in names) + "\r\n" + "\r\n".join(lines), "utf-8-sig"
    )
    file = open_source(path, 200, "uV")
    np.testing.assert_allclose(file.load(1, 0, 6000), SIGNAL[0], atol=0.006)
    assert file.channels == names and read(path, rate=200, unit="uV").channels_in_file == 21


def test_empty_cells_are_gaps_and_an_empty_column_is_a_flat_channel(tmp_path):
    text = write_csv(tmp_path / "a.csv", SIGNAL).read_text().splitlines()
    text = [text[0]] + [line.rsplit(",", 1)[0] + "," for line in text[1:]]
    for row, cell in ((2001, ""), (2002, "NaN"), (2003, "n/a")):
        text[row] = cell + text[row][text[row].index(",") :]
    (tmp_path / "a.csv").write_text("\n".join(text))
    assert onsets(tmp_path / "a.csv", rate=200, unit="uV") == [(0, 0), (2003, 10.015)]
    assert not open_source(tmp_path / "a.csv", 200, "uV").load(18, 0, 6000).any()
    session = read(tmp_path / "a.csv", rate=200, unit="uV")
    assert np.flatnonzero(~session.channel_ok).tolist() == [18] and "flat, left out: Fp2" in session.notes
    assert "3 of 6000 samples are not numbers: left as gaps" in session.notes


def test_packed_tables(tmp_path):
    import gzip

    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(write_csv(tmp_path / "a.csv", SIGNAL).read_bytes()))
    np.testing.assert_allclose(samples(tmp_path / "a.csv.gz", rate=200, unit="uV"), SIGNAL, atol=0.006)


def bad_tables() -> dict[str, tuple[bytes, str]]:
    lines = [",".join(NAMES)] + [",".join(["1.5"] * 19)] * 4000
    text = "\n".join(lines).encode()
    return {
        "no names.csv": ("\n".join(lines[1:]).encode(), "begins with a line of numbers"),
        "decimal comma.csv": (("\n".join(["1,5;" * 19] * 99)).encode(), "begins with a line of numbers"),
        "one column.csv": (b"Fp1\n1\n2\n", "no comma, semicolon or tab"),
        "empty.csv": (b"", "no comma, semicolon or tab"),
        "names only.csv": (lines[0].encode(), "0.0 s of signal"),
        "words.csv": (text.replace(b"1.5", b"Doe", 1), "is not a number"),
        "utf16.csv": (text.decode().encode("utf-16"), "no comma, semicolon or tab"),
        "binary.csv": (bytes(range(256)) * 99, "no comma, semicolon or tab"),
        "torn.csv.gz": (b"\x1f\x8b\x08 rubbish", "cannot be unpacked"),
        "others.csv": (text.replace(lines[0].encode(), ",".join(f"x{i}" for i in range(19)).encode()), "counted"),
    }


@pytest.mark.parametrize("case", bad_tables())
def test_tables_that_cannot_be_read_give_one_line(tmp_path, case):
    content, expected = bad_tables()[case]
    (tmp_path / case).write_bytes(content)
    with pytest.raises(RecordingError) as caught:
        read(tmp_path / case, rate=200, unit="uV")
    assert expected in str(caught.value) and "\n" not in str(caught.value) and "Doe" not in str(caught.value)


# ---- damage


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


def test_a_short_multiplexed_file_is_read_as_far_as_it_goes(tmp_path):
    path = write_brainvision(tmp_path / "a.vhdr", SIGNAL)
    path.with_suffix(".eeg").write_bytes(path.with_suffix(".eeg").read_bytes()[: 38 * 4000 + 5])
    session = read(path)
    assert session.seconds == 20 and session.notes == ["cut short: 4000 of the 6000 samples that the header promises"]


def test_readers_of_mne_print_nothing(tmp_path, capfd):
    for name in ("a.lay", "struct.set", "micro.vhdr"):  # MNE prints birth dates, event names and paths
        read(WRITERS[name](tmp_path / name))
    read(write_eeglab(tmp_path / "b.set", SIGNAL, events=BOUNDARIES))
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
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "MATLAB 7.3" in said.stdout and "pip install pymatreader" in said.stdout and said.stdout.count("\n") == 1


def test_labels_of_the_edf_helper_are_the_electrodes():
    assert [label.removeprefix("EEG ").removesuffix("-REF") for label in LABELS] == NAMES
