"""Recordings -> sessions: what is read, what is marked, and the one line for what is refused."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import LABELS, eeg, write_edf
from tokenizer.multitaper import session_spectrogram
from tokenizer.reading.read import ReadingConfig, check_file, read, read_all, read_row
from tokenizer.recording import RecordingError

DATA = Path(os.environ.get("CLEF_TEST_DATA", "/nowhere"))
real_data = pytest.mark.skipif(
    not (DATA / "mdd_husm").is_dir(), reason="real recordings: set CLEF_TEST_DATA to where data/unpack.py put them"
)
CZ = CHANNELS.index("Cz")


def test_a_short_recording_is_padded_and_marked(tmp_path):
    signal = eeg(40)
    session = read(write_edf(tmp_path / "a.edf", signal))
    assert session.signal.shape == (19, 256_000) and session.signal.dtype == np.float32
    assert session.valid.shape == (1280,) and (session.valid[:40] == 1).all() and (session.valid[40:] == 0).all()
    assert session.channel_ok.all() and (session.signal[:, 8000:] == 0).all()
    assert (session.rate, session.seconds, session.channels_in_file, session.mains_hz) == (200, 40, 19, 0)
    assert session.notes == []
    apart = session.signal[:, 2000:6000] - signal[:, 2000:6000]  # the 0.1 to 75 Hz band is nearly all of it
    assert apart.std() < 0.25 * signal.std()


def test_of_a_recording_so_many_seconds_are_used_and_no_more(tmp_path):
    """Exactly as if the recording had ended there: nothing of what follows comes in through the filters."""
    signal = eeg(40)
    cut = read(write_edf(tmp_path / "a.edf", signal), most_seconds=25)
    short = read(write_edf(tmp_path / "b.edf", signal[:, : 25 * 200]))
    assert cut.seconds == 25 and np.array_equal(cut.valid, short.valid) and np.allclose(cut.signal, short.signal)
    assert (
        ReadingConfig(most_seconds=25).to_json()["most_seconds"] == 25
        and "most_seconds" not in ReadingConfig().to_json()
    )
    with pytest.raises(ValueError, match="most_seconds=5: expected min_seconds=10 or more"):
        read(tmp_path / "a.edf", most_seconds=5)


def test_channels_come_in_clefs_order(tmp_path):
    signal = np.stack([(c + 1) * 3 * np.sin(2 * np.pi * 10 * np.arange(4000) / 200) for c in range(19)])
    signal += np.random.default_rng(0).standard_normal(signal.shape)
    order = np.random.default_rng(0).permutation(19)
    session = read(write_edf(tmp_path / "a.edf", signal[order], labels=[LABELS[i] for i in order]))
    assert np.argsort(session.signal.std(1)).tolist() == list(range(19))


@pytest.mark.parametrize(("unit", "factor"), [("uV", 1.0), ("mV", 1e-3), ("V", 1e-6), ("nV", 1e3)])
def test_units_of_the_header(tmp_path, unit, factor):
    signal = eeg(20)
    expected = read(write_edf(tmp_path / "a.edf", signal)).signal
    found = read(write_edf(tmp_path / "b.edf", signal * factor, unit=unit, limit=3276.7 * factor)).signal
    np.testing.assert_allclose(found, expected, atol=0.2)


def test_a_gap_stays_at_its_place(tmp_path):
    signal = eeg(60)
    onsets = [float(t) for t in (*range(20), *range(50, 90))]
    session = read(write_edf(tmp_path / "a.edf", signal, onsets=onsets, kind="EDF+D"))
    assert np.flatnonzero(session.valid).tolist() == [*range(20), *range(50, 90)]
    assert (session.signal[:, 4000:10_000] == 0).all()
    whole = read(write_edf(tmp_path / "b.edf", signal[:, 4000:])).signal
    np.testing.assert_array_equal(session.signal[:, 10_000:18_000], whole[:, :8000])
    assert "1 gaps between stretches of signal" in session.notes
    _, valid = session_spectrogram(session)
    assert np.flatnonzero(~valid.numpy()).tolist() == list(range(19, 52))


def test_the_mark_of_a_discontinuous_file_alone_proves_nothing(tmp_path):
    plain = read(write_edf(tmp_path / "a.edf", eeg(30)))
    marked = read(write_edf(tmp_path / "b.edf", eeg(30), onsets=list(range(30)), kind="EDF+D"))
    np.testing.assert_array_equal(plain.signal, marked.signal)
    assert marked.notes == []


def test_a_gap_within_a_second_and_a_late_start(tmp_path):
    onsets = [0.25 + t for t in range(20)] + [20.75 + t for t in range(20)]
    session = read(write_edf(tmp_path / "a.edf", eeg(40), onsets=onsets, kind="EDF+D"))
    assert session.valid[:20].tolist() == [1.0] * 20  # the session starts with its first sample
    assert session.valid[20] == pytest.approx(0.5) and session.valid[40] == pytest.approx(0.5)


def test_long_recordings_are_cropped(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(3900, 100, channels=8), rate=100)
    start, middle, every = read(path), read(path, crop="middle"), read_all(path)
    assert start.seconds == middle.seconds == 1280
    assert [s.seconds for s in every] == [1280, 1280, 1280, 60]
    assert [(s.start - start.start).total_seconds() for s in every] == [0, 1280, 2560, 3840]
    assert (middle.start - start.start).total_seconds() == 1310
    np.testing.assert_array_equal(every[0].signal, start.signal)
    with pytest.raises(ValueError, match="read_all"):
        read(path, crop="all")


def test_the_start_is_the_headers(tmp_path):
    assert str(read(write_edf(tmp_path / "a.edf", eeg(20))).start) == "2021-02-03 12:30:00"
    assert read(write_edf(tmp_path / "b.edf", eeg(20), start="xx.xx.xx12.30.00")).start is None


def test_flat_and_absent_channels_are_marked(tmp_path):
    signal = eeg(20, channels=17)
    signal[CZ] = 12.0
    session = read(write_edf(tmp_path / "a.edf", signal))
    assert np.flatnonzero(~session.channel_ok).tolist() == [CZ, 17, 18]
    assert (session.signal[~session.channel_ok] == 0).all()
    assert session.notes == ["not recorded: Fp1, Fp2", "flat, left out: Cz"]


def test_channels_at_another_rate_are_left_out(tmp_path):
    slow = np.zeros(20)
    signal = [*eeg(20), slow, slow]
    session = read(write_edf(tmp_path / "a.edf", signal, [200] * 19 + [1, 1], [*LABELS, "SaO2", "Pulse"]))
    assert session.channel_ok.all() and session.rate == 200 and session.channels_in_file == 21
    signal = [*eeg(20, channels=18), slow]
    session = read(write_edf(tmp_path / "b.edf", signal, [200] * 18 + [1]))
    assert "1 electrodes at 1 Hz, not 200: left out" in session.notes and not session.channel_ok[18]


def test_a_truncated_file_is_read_as_far_as_it_goes(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(60))
    path.write_bytes(path.read_bytes()[: 256 * 20 + 30 * 19 * 400 + 77])
    session = read(path)
    assert session.seconds == 30 and "cut short: 30 whole records of the 60 that the header promises" in session.notes
    assert read(write_edf(tmp_path / "b.edf", eeg(20), declared=-1)).seconds == 20
    assert "promises 10" in read(write_edf(tmp_path / "c.edf", eeg(20), declared=10)).notes[0]


def bad_files(folder: Path) -> dict[str, tuple[Path, str]]:
    """Files that must be refused, and a word of the line that says why."""
    make = lambda name, *args, **kw: write_edf(folder / f"{name}.edf", *args, **kw)
    text = folder / "text.edf"
    text.write_text("This is not a recording. " * 40)
    zeros = folder / "zeros.edf"
    zeros.write_bytes(bytes(5000))
    (folder / "empty.edf").touch()
    header = make("header", eeg(20))
    header.write_bytes(header.read_bytes()[: 256 * 20])
    half = make("half", eeg(20))
    half.write_bytes(half.read_bytes()[:1000])
    notes = make("notes", np.zeros((1, 20 * 200)), labels=["EDF Annotations"])
    word = make("word", eeg(20))
    word.write_bytes(word.read_bytes().replace(b"20      1       ", b"abc     1       ", 1))
    table = folder / "table.csv"
    pl.DataFrame(eeg(20).T, schema=list(CHANNELS), orient="row").write_csv(table)
    (folder / "odd.xyz").write_bytes(b"??")
    pairs = ["Fp1-F7", "F7-T3", "T3-T5", "T5-O1", "Fp2-F8", "F8-T4", "T4-T6", "T6-O2"]
    backwards = [*map(float, range(10)), 3.0, *map(float, range(11, 20))]
    return {
        "missing": (folder / "missing.edf", "no such file"),
        "text": (text, "begins with something else, not with the version of EDF or BDF"),
        "zeros": (zeros, "begins with only zeros"),
        "empty": (folder / "empty.edf", "holds 0 bytes"),
        "header only": (header, "no whole data record"),
        "half a header": (half, "header is damaged"),
        "annotations only": (notes, "annotations only"),
        "a word for a number": (word, "header is damaged"),
        "unknown count, no data": (make("none", np.zeros((9, 0)), declared=-1), "no whole data record"),
        "three channels": (make("three", eeg(20, channels=3)), "3 of the 19 ten-twenty electrodes"),
        "bipolar": (make("pairs", eeg(20, channels=8), labels=pairs), "a bipolar montage"),
        "too slow": (make("slow", eeg(20, 50), 50), "sampled at 50 Hz; expected 64"),
        "too short": (make("short", eeg(5)), "5.0 s of signal; expected at least 10 s"),
        "all zero": (make("flat", np.zeros((19, 4000))), "no channel carries a signal"),
        "nearly all flat": (make("few", eeg(20) * (np.arange(19) < 5)[:, None]), "only 5 electrodes"),
        "ten times too large": (make("loud", eeg(20, seed=1) * 10 + eeg(20, seed=2)[:, ::-1] * 9), "give unit="),
        "volts called microvolts": (make("quiet", eeg(20) * 1e-6, limit=0.003), "give unit="),
        "time runs backwards": (make("back", eeg(20), onsets=backwards, kind="EDF+D"), "starts before record"),
        "table without a rate": (table, "give rate= in Hz and unit="),
        "unknown kind": (folder / "odd.xyz", "MNE cannot read"),
    }


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    return bad_files(tmp_path_factory.mktemp("bad"))


CASES = [
    *("missing", "text", "zeros", "empty", "header only", "half a header", "annotations only", "a word for a number"),
    *("unknown count, no data", "three channels", "bipolar", "too slow", "too short", "all zero", "nearly all flat"),
    *("ten times too large", "volts called microvolts", "time runs backwards", "table without a rate", "unknown kind"),
]


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_used_gives_one_line(refused, case):
    path, expected = refused[case]
    with pytest.raises(RecordingError) as caught:
        read(path)
    line = str(caught.value)
    assert expected in line and "\n" not in line and len(line) < 300
    assert line.startswith(path.name) and str(path.parent) not in line
    assert caught.value.reason == line.removeprefix(f"{path.name}: ") and path.name not in caught.value.reason


def test_every_bad_file_is_tested(refused):
    assert set(refused) == set(CASES)


def test_options_are_checked_before_the_file(tmp_path):
    with pytest.raises(ValueError, match=r"unit=pV: expected one of uV, 0\.1uV, mV, V"):
        read(tmp_path / "a.edf", unit="pV")
    with pytest.raises(ValueError, match="rate=-1"):
        read(tmp_path / "a.csv", rate=-1)


def test_tables_with_a_stated_rate_and_unit(tmp_path):
    signal = eeg(20)
    names = [{"T3": "T7", "T4": "T8"}.get(c, c) for c in CHANNELS]
    table = pl.DataFrame(np.round(signal.T * 10, 1), schema=names, orient="row").with_row_index("sample")
    table.write_csv(tmp_path / "a.csv")
    session = read(tmp_path / "a.csv", rate=200, unit="0.1uV")
    np.testing.assert_allclose(session.signal, read(write_edf(tmp_path / "a.edf", signal)).signal, atol=0.3)
    assert session.channels_in_file == 20
    with pytest.raises(RecordingError, match="give unit="):
        read(tmp_path / "a.csv", rate=200, unit="mV")


def test_a_row_says_how_its_file_is_read(tmp_path):
    pl.DataFrame(eeg(20).T, schema=list(CHANNELS), orient="row").write_csv(tmp_path / "a.csv")
    row = {"path": "a.csv", "reading": '{"rate": 200, "unit": "uV"}'}
    assert read_row(tmp_path, row).rate == 200
    assert read_row(tmp_path, row, ReadingConfig(rate=100.0)).rate == 200  # what is known of this file goes first
    write_edf(tmp_path / "b.edf", eeg(20))
    assert read_row(tmp_path, {"path": "b.edf", "reading": None}, ReadingConfig(min_channels=19)).seconds == 20


def test_mne_recordings(tmp_path):
    import mne

    signal = eeg(30)
    raw = mne.io.RawArray(signal * 1e-6, mne.create_info(list(CHANNELS), 200, "eeg"), verbose="error")
    raw.set_annotations(mne.Annotations([10], [5], ["BAD_ACQ_SKIP"]))
    session = read(raw)
    assert np.flatnonzero(session.valid == 0)[:5].tolist() == [10, 11, 12, 13, 14] and session.seconds == 25
    raw.save(tmp_path / "a_raw.fif", verbose="error")
    np.testing.assert_allclose(read(tmp_path / "a_raw.fif").signal, session.signal, atol=0.01)


def test_the_header_alone_tells_most(tmp_path):
    check_file(write_edf(tmp_path / "a.edf", eeg(20)))
    with pytest.raises(RecordingError, match="expected at least 30 s"):
        check_file(tmp_path / "a.edf", ReadingConfig(min_seconds=30))


def test_reading_loads_neither_torch_nor_mne_nor_polars(tmp_path):
    import subprocess
    import sys

    path = write_edf(tmp_path / "a.edf", eeg(20))
    code = (
        f"import sys, tokenizer; tokenizer.read({str(path)!r}); print({{'torch', 'mne', 'polars'}} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 256 * 20 - 1), garbage=st.binary(min_size=1, max_size=16))
def test_a_damaged_header_never_raises_anything_else(tmp_path, at, garbage):
    path = write_edf(tmp_path / "a.edf", eeg(12, 64), 64)
    data = path.read_bytes()
    path.write_bytes(data[:at] + garbage + data[at + len(garbage) :])
    try:
        assert read(path).signal.shape == (19, 256_000)
    except RecordingError as error:
        assert "\n" not in str(error)


def test_one_signal_at_all_electrodes_is_noted(tmp_path):
    signal = eeg(20, channels=1) + 0.2 * eeg(20, seed=1)
    assert "common to all electrodes" in read(write_edf(tmp_path / "a.edf", signal)).notes[-1]


@real_data
def test_real_recordings_look_like_eeg():
    session = read(DATA / "mdd_husm" / "HC03_EC.edf")
    assert session.channel_ok.all() and session.channels_in_file in (20, 22)
    spec, valid = session_spectrogram(session)
    level = spec[:, :, valid].median(-1).values
    back, front = level[[0, 1]].mean(0), level[[17, 18]].mean(0)
    assert 8 <= back[24:60].argmax() / 4 + 6 <= 12, "no alpha peak at O1, O2 with eyes closed"
    assert back[40] - front[40] > 2


@real_data
def test_real_tables_need_their_unit():
    path = DATA / "adhd_nasrabadi" / "A10.csv"
    assert read(path, rate=128, unit="0.1uV").channel_ok.all()
    with pytest.raises(RecordingError, match="give unit="):
        read(path, rate=128, unit="uV")


@real_data
def test_real_gaps_stay_at_their_place():
    from tokenizer.reading.formats import open_source

    segments = open_source(DATA / "edge" / "Discontinuous1.edf", None, None).segments(200)
    assert len(segments) == 600 and segments[-1].onset + segments[-1].samples / 200 == pytest.approx(899.5)


@real_data
def test_every_file_of_the_edge_folder_is_read_or_refused_in_one_line():
    for path in sorted((DATA / "edge").iterdir()):
        try:
            read(path)
        except RecordingError as error:
            assert "\n" not in str(error) and len(str(error)) < 300
