"""Electrode offsets, samples beyond what an electrode can have, and numbers a thousand times too large."""

import numpy as np
import pytest

from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.reading.read import read
from tokenizer.recording import RecordingError
from tools.fuzz.format_files import write_gdf

CZ, FP1 = CHANNELS.index("Cz"), CHANNELS.index("Fp1")


def bdf(path, signal, **how):
    """A BDF whose 24 bits are ±0.8 V: steps of 0.1 µV."""
    return write_edf(path, signal, bits=24, limit=838_860.7, **how)


def test_an_electrode_offset_beyond_the_clip_leaves_the_eeg(tmp_path):
    signal, offset = eeg(40), eeg(40)
    offset[CZ] += 4e5
    offset[FP1] -= 5e5
    plain, shifted = read(bdf(tmp_path / "a.bdf", signal)), read(bdf(tmp_path / "b.bdf", offset))
    assert shifted.channel_ok.all() and shifted.notes == plain.notes
    assert np.abs(shifted.signal - plain.signal).max() < 0.2  # float32 at 0.5 V has steps of 0.03 µV


def test_an_offset_that_drifts_or_differs_on_both_sides_of_a_gap(tmp_path):
    signal = eeg(60)
    signal[CZ] += 3.9e5 + np.linspace(0, 2e4, signal.shape[1])
    signal[FP1] += np.where(np.arange(12_000) < 6000, 4e5, -4e5)
    onsets = [*map(float, range(30)), *map(float, range(90, 120))]
    session = read(bdf(tmp_path / "a.bdf", signal, onsets=onsets, kind="BDF+D"))
    assert session.channel_ok.all() and not any("0.3 V" in note for note in session.notes)
    spans = np.ptp(session.signal[:, : 29 * 200].reshape(19, 29, 200), axis=2)
    assert np.median(spans[[CZ, FP1]], axis=1) == pytest.approx(np.median(spans), rel=0.3)


def test_the_mains_are_found_below_an_offset(tmp_path):
    hum = 40 * np.sin(2 * np.pi * 50 * np.arange(40 * 200) / 200)
    assert read(bdf(tmp_path / "a.bdf", eeg(40) + hum + 4e5)).mains_hz == 50


def test_the_share_cut_down_is_noted_and_above_one_per_cent_a_channel_is_out(tmp_path):
    signal = eeg(100)
    signal[CZ, 4000:4060] = 7e5  # 0.3 %
    signal[FP1, 4000:4260] = -7e5  # 1.3 %
    session = read(bdf(tmp_path / "a.bdf", signal))
    assert "cut down to ±0.3 V around their median: Cz 0.3%" in session.notes
    assert "more than 1% of samples beyond ±0.3 V around their median, left out: Fp1 1.3%" in session.notes
    assert session.channel_ok[CZ] and not session.channel_ok[FP1] and session.channel_ok.sum() == 18
    assert not session.signal[FP1].any()


def test_a_single_wild_sample_is_not_called_nothing(tmp_path):
    signal = eeg(100)
    signal[CZ, 4000] = 7e5
    assert "cut down to ±0.3 V around their median: Cz <0.1%" in read(bdf(tmp_path / "a.bdf", signal)).notes


def test_what_is_flat_after_filtering_is_not_ok(tmp_path):
    signal = eeg(40)
    signal[CZ] = 3e3 * np.cos(np.pi * np.arange(8000) / 8000)  # drifts, and carries nothing
    signal[FP1] = 0.2 * np.random.default_rng(0).standard_normal(8000)  # quiet, but a signal
    session = read(bdf(tmp_path / "a.bdf", signal))
    assert not session.channel_ok[CZ] and "flat, left out: Cz" in session.notes and session.channel_ok[FP1]


@pytest.mark.parametrize(
    ("unit", "scale", "offset", "fits"),
    [("V", 1.0, 0.0, "uV"), ("mV", 1.0, 0.0, "uV"), ("V", 1e-3, 0.0, "mV"), ("V", 1.0, 400.0, "uV")],
)
def test_a_unit_that_makes_it_too_large_is_refused_with_the_one_that_fits(tmp_path, unit, scale, offset, fits):
    # a rhythm without power at 15-25 Hz, where the level would give it away
    rhythm = 25 * np.sin(2 * np.pi * 10 * np.arange(8000) / 200 + np.arange(19)[:, None])
    path = write_edf(tmp_path / "a.bdf", scale * (rhythm + offset), bits=24, unit=unit, limit=scale * 838.8607)
    with pytest.raises(RecordingError, match=rf"µV in the typical second; .*give unit={fits}, which would fit \(50 µV"):
        read(path)
    assert read(path, unit=fits, check_unit=False).channel_ok.all()


def test_advice_for_a_stated_unit_and_for_other_formats(tmp_path):
    rhythm = 25 * np.sin(2 * np.pi * 10 * np.arange(8000) / 200 + np.arange(19)[:, None])
    table = tmp_path / "a.csv"
    np.savetxt(table, rhythm.T, fmt="%.2f", delimiter=",", header=",".join(CHANNELS), comments="")
    with pytest.raises(RecordingError, match="give unit=uV, which would fit"):
        read(table, rate=200, unit="mV")
    with pytest.raises(RecordingError, match="give unit=uV, which would fit"):
        read(write_gdf(tmp_path / "a.gdf", eeg(30, channels=8)), unit="V")


def test_a_few_loose_electrodes_do_not_refuse_a_recording(tmp_path):
    signal = eeg(60)
    random = np.random.default_rng(0)
    signal[:6] += 5e4 * np.sign(random.standard_normal((6, 124))).repeat(97, 1)[:, :12_000]  # rail to rail
    signal[:, 3000:3500] += 2e5 * random.standard_normal((1, 500))  # a shock, at all electrodes
    assert read(bdf(tmp_path / "a.bdf", signal)).channel_ok.all()
