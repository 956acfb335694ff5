"""Breaks of time: what each vendor's files say of them ends up at its true time, or as a join of unknown length."""

import numpy as np
import pytest

from tests.tokenizer.reading.recordings import SIGNAL, onsets, raw_of
from tokenizer.edf.writer import write_edf
from tokenizer.reading.formats import open_source
from tokenizer.reading.read import read
from tools.fuzz.format_files import write_brainvision, write_eeglab, write_eeglab_hdf5, write_gdf, write_persyst

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


def test_a_join_longer_than_a_year_is_a_damaged_clock(tmp_path):
    far, near = (
        write_brainvision(tmp_path / f"{year}.vhdr", SIGNAL, markers=[(1, "20210203123000" + "0" * 6), (2001, stamp)])
        for year, stamp in ((2023, "20230203123000" + "0" * 6), (2021, "20210303123000" + "0" * 6))
    )
    assert onsets(far) == [(0, 0), (2000, 10)] and "unknown time" in open_source(far, None, None).notes[0]
    assert onsets(near) == [(0, 0), (2000, 28 * 86_400)] and open_source(near, None, None).notes == []


def test_a_persyst_time_that_is_none_does_not_keep_us(tmp_path):
    path = write_persyst(tmp_path / "a.lay", SIGNAL, times=[(0, 1e16), (2000, 20.0)])
    assert onsets(path) == [(0, 0)] and "do not fit" in open_source(path, None, None).notes[0]
    days = [(0, 60.0), (1000, 86_399.0), (2000, 100.0), (3000, 40_000.0), (4000, 80_000.0), (5000, 50.0)]
    places = onsets(write_persyst(tmp_path / "b.lay", SIGNAL, times=days))
    assert places == [(0, 0), (1000, 86_339), (2000, 86_440), (3000, 126_340), (4000, 166_340), (5000, 172_790)]
    since_1970 = [(0, 1.6e9), (2000, 1.6e9 + 10), (4000, 1.6e9 + 50)]
    assert onsets(write_persyst(tmp_path / "c.lay", SIGNAL, times=since_1970)) == [(0, 0), (4000, 50)]


def test_persyst_sample_times_without_a_gap_are_no_joins(tmp_path):
    path = write_persyst(tmp_path / "a.lay", SIGNAL, times=[(0, 60.0), (2000, 70.005), (4000, 80.0)])
    assert onsets(path) == [(0, 0)]
    early = write_persyst(tmp_path / "b.lay", SIGNAL, times=[(0, 60.0), (2000, 65.0)])
    assert onsets(early) == [(0, 0), (2000, 10)] and "1 joins" in open_source(early, None, None).notes[0]


def test_joins_in_memory_have_no_length(tmp_path):
    import mne

    raw = mne.io.read_raw(write_eeglab(tmp_path / "a.set", SIGNAL, events=BOUNDARIES), verbose="error")
    assert onsets(raw) == [(0, 0), (2000, 10), (5000, 25)] and "2 joins" in open_source(raw, None, None).notes[0]
