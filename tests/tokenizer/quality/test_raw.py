"""Defects of the samples as recorded, planted at known places: flat, clipped, saturated, railing, mains."""

from itertools import groupby

import numpy as np
import pytest
from scipy.signal import welch

from tests.tokenizer.quality.rows import flagged
from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import eeg
from tokenizer.quality.measures import LIMITS
from tokenizer.reading.read import read

CZ, FP1, FP2, O1 = (CHANNELS.index(name) for name in ("Cz", "Fp1", "Fp2", "O1"))


def test_every_channel_scaled_to_the_headers_limits_is_not_clipped(measured):
    signal = eeg(60)
    assert flagged(measured(signal, limit=float(np.abs(signal).max()))) == {}


def test_flat_seconds(measured):
    signal = eeg(60)
    signal[CZ, 2000:5000] = 12.0
    signal[O1] = 7.0
    signal[FP1, 4000:5000] = 0.2 * np.sin(np.arange(1000))  # noise below that of any amplifier
    signal[FP2] += 2000  # a DC amplifier
    signal[FP2, 9000:] = 1500.0  # its lowest value, and no limit
    rows = measured(signal)
    assert rows["Fp2"]["flat_share"] == 0.25 and rows["Fp2"]["clipped_share"] == rows["Fp2"]["railing_share"] == 0
    assert rows["Cz"]["flat_share"] == pytest.approx(15 / 60) and rows["Cz"]["usable_seconds"] == 45
    assert rows["Fp1"]["flat_share"] == pytest.approx(5 / 60) and rows["Fp1"]["usable_share"] == pytest.approx(55 / 60)
    assert rows["O1"]["flat_share"] == 1 and rows["O1"]["usable_seconds"] == 0
    assert rows["O1"]["mains_share"] is rows["O1"]["common_share"] is rows["O1"]["nearest"] is None
    assert flagged(rows) == {"Cz": ["flat"], "O1": ["flat"], "Fp2": ["flat"]}


def in_plateaus(samples: np.ndarray, least: int) -> float:
    """Share of the samples in runs of at least `least` at the lowest or highest value, counted one by one."""
    low, high = samples.min(), samples.max()
    runs = [(value, sum(1 for _ in run)) for value, run in groupby(samples.tolist())]
    return sum(n for value, n in runs if value in (low, high) and n >= least) / len(samples)


@pytest.mark.parametrize("rate", (200, 512))
def test_clipped_waves(measured, tmp_path, rate):
    signal = eeg(60, rate)
    for channel, level in ((CZ, 55.0), (O1, 75.0)):
        signal[channel] = np.clip(signal[channel], -level, level)
    rows = measured(signal, rate)
    for channel, name in ((CZ, "Cz"), (O1, "O1")):
        planted = in_plateaus(np.round(signal[channel] * 10), 3)  # as written, in steps of 0.1 µV
        assert rows[name]["clipped_share"] == pytest.approx(planted) and planted > 0
        assert rows[name]["saturated_share"] == 0 and rows[name]["railing_share"] == 0
    assert flagged(rows) == {"Cz": ["clipped"]} | ({"O1": ["clipped"]} if rows["O1"]["clipped_share"] > 0.005 else {})
    notes = read(tmp_path / "a.edf").notes
    share = (np.abs(np.round(signal[CZ] * 10)) == 550).mean()
    assert any(f"Cz {share:.1%}" in note and "clipped or saturated" in note for note in notes)


def test_saturation_is_clipping_that_lasts(measured):
    signal = eeg(60)
    for at in range(1000, 12_000, 1000):  # eleven times half a second
        signal[CZ, at : at + 100] = 3000.0
    rows = measured(signal)
    assert rows["Cz"]["saturated_share"] == rows["Cz"]["clipped_share"] == pytest.approx(11 * 100 / 12_000)
    assert set(rows["Cz"]["flags"]) >= {"clipped", "saturated"} and rows["Cz"]["flat_share"] == 0
    assert rows["Cz"]["usable_seconds"] <= 60 - 11


def test_railing_is_being_stuck_at_a_limit_or_thrown_between_both(measured):
    signal = eeg(60)
    signal[CZ, 4000:6000] = 3276.7  # ten seconds stuck
    signal[CZ, 8000:9000] = 3276.7 * np.clip(3 * np.sin(np.pi * np.arange(1000) / 20), -1, 1)  # five to and fro
    signal[O1] = -3276.7
    rows = measured(signal)
    assert rows["Cz"]["railing_share"] == pytest.approx(15 / 60) and rows["Cz"]["usable_seconds"] <= 45
    assert rows["O1"]["railing_share"] == 1 and rows["O1"]["flat_share"] == 0 and "railing" in rows["O1"]["flags"]
    assert rows["Cz"]["flat_share"] == 0


@pytest.mark.parametrize(("line", "rate"), ((50, 200), (60, 256), (50, 500)))
def test_the_mains_share_is_that_of_the_power_planted(measured, line, rate):
    signal, t = eeg(60, rate), np.arange(60 * rate) / rate
    hz, density = welch(signal, rate, nperseg=4 * rate)
    power = density[:, (hz >= 1) & (hz <= 70)].sum(1) * hz[1]
    sizes = np.linspace(0, 60, 19)[:, None]  # µV
    third = 0.7 if 3 * line < 0.45 * rate else 0.0
    planted = signal + sizes * (np.sin(2 * np.pi * line * t) + third * np.sin(2 * np.pi * 3 * line * t))
    held = sizes[:, 0] ** 2 / 2 * (1 + third**2)
    rows = measured(planted, rate)
    for row, expected in zip(rows.values(), held / (held + power), strict=True):
        assert row["mains_share"] == pytest.approx(expected, abs=0.03)
        assert ("mains" in row["flags"]) == (row["mains_share"] > LIMITS["mains_share"])
    assert rows["O1"]["session_mains_hz"] == line


def test_the_mains_of_one_electrode_alone_are_seen(measured):
    signal = eeg(60)
    signal[CZ] += 80 * np.sin(2 * np.pi * 60 * np.arange(12_000) / 200)
    rows = measured(signal)
    assert flagged(rows) == {"Cz": ["mains"]} and rows["Cz"]["session_mains_hz"] == 0


def test_mains_that_the_rate_does_not_hold_are_unknown(measured):
    assert all(row["mains_share"] is None for row in measured(eeg(60, 100), 100).values())
