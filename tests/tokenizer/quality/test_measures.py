"""Quality per session and channel: defects planted at known places are measured as planted, clean EEG has none."""

from itertools import groupby

import numpy as np
import pytest
from scipy.signal import welch

from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.quality.measures import LIMITS, measure
from tokenizer.reading.gate import Extremes
from tokenizer.reading.read import read
from tokenizer.recording import RecordingError

CZ, FP1, FP2, O1 = (CHANNELS.index(name) for name in ("Cz", "Fp1", "Fp2", "O1"))


@pytest.fixture
def measured(tmp_path):
    """Write a signal (C, n) in µV as EDF and measure it: channel -> row."""

    def measured(signal, rate=200, **how):
        rows = measure(write_edf(tmp_path / "a.edf", signal, rate, **how))
        assert [row["channel"] for row in rows] == list(CHANNELS)
        return {row["channel"]: row for row in rows}

    return measured


def flagged(rows) -> dict[str, list[str]]:
    return {name: row["flags"] for name, row in rows.items() if row["flags"]}


@pytest.mark.parametrize("rate", (128, 200, 500))
def test_clean_eeg_has_no_defect(measured, rate):
    rows = measured(eeg(60, rate), rate)
    assert flagged(rows) == {}
    for row in rows.values():
        assert row["recorded"] and row["session_flags"] == []
        assert row["usable_seconds"] == row["session_usable_seconds"] == row["session_seconds"] == 60
        assert row["flat_share"] == row["saturated_share"] == row["railing_share"] == row["loud_share"] == 0
        assert row["clipped_share"] == row["pops_per_minute"] == 0 and row["mains_share"] < 0.01
        assert row["common_share"] < 0.5 and 60 < row["amplitude_uv"] < 180


def test_what_looks_like_a_defect_and_is_none(measured):
    signal = eeg(60)
    signal = np.round(signal / 3.6) * 3.6  # a coarse converter: neighbouring samples are often equal
    blink = 150 * np.exp(-0.5 * ((np.arange(12_000) % 800 - 400) / 25) ** 2)
    signal[FP1] += blink
    signal[FP2] += 0.9 * blink
    spike = np.zeros(12_000)
    for at in range(500, 12_000, 700):  # a spike with a field
        spike[at : at + 14] = 150 * np.sin(np.linspace(0, np.pi, 14))
    signal[CZ] += spike
    signal[[CHANNELS.index(name) for name in ("C3", "C4", "Fz", "Pz")]] += 0.7 * spike
    for at in range(800, 12_000, 700):  # at one electrode alone, but back at once
        signal[O1, at : at + 8] += 600 * np.sin(np.linspace(0, np.pi, 8))
    signal[CHANNELS.index("T3")] += 400 * np.sin(2 * np.pi * 0.2 * np.arange(12_000) / 200)  # sweat
    jump = np.zeros(12_000)
    jump[6000:] = 200 * np.exp(-np.arange(6000) / 60)
    signal += jump  # the reference moves: no electrode's fault
    rows = measured(signal)
    assert flagged(rows) == {} and not any(row["pops_per_minute"] for row in rows.values())


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


def test_extremes_are_those_of_all_pieces_together():
    samples = np.random.default_rng(0).integers(-60, 61, (3, 500)).astype(np.float32)
    samples[1] = 12.0
    whole, pieces = Extremes(19), Extremes(19)
    whole.add([2, 5, 7], samples)
    for part in np.split(samples, [3, 90, 91, 400], axis=1):
        pieces.add([2, 5, 7], part)
    for extremes in (whole, pieces):
        assert extremes.moving[[2, 5, 7]].tolist() == [True, False, True] and not extremes.moving[0]
        assert extremes.cut_off()[2] == pytest.approx((np.abs(samples[0]) == 60).mean()) and extremes.cut_off()[5] == 0
        assert extremes.high[7] == samples[2].max() and extremes.low[7] == samples[2].min()


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


def test_loud_seconds(measured):
    signal = eeg(60)
    signal[CZ, 2000:4000] += 900 * np.sin(2 * np.pi * 3 * np.arange(2000) / 200)
    signal[O1, 2000:4000] += 200 * np.sin(2 * np.pi * 3 * np.arange(2000) / 200)  # an absence seizure is none
    rows = measured(signal)
    assert rows["Cz"]["loud_share"] == pytest.approx(10 / 60, abs=1 / 60) and rows["Cz"]["flags"] == ["loud"]
    assert rows["Cz"]["usable_share"] == pytest.approx(50 / 60, abs=1 / 60)
    assert rows["O1"]["loud_share"] == 0 and rows["O1"]["usable_seconds"] == 60


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


@pytest.mark.parametrize("shared", (0.3, 0.5, 0.9))
def test_common_mode(measured, shared):
    random = np.random.default_rng(0)  # white, so that shares of power are known
    own, common = random.standard_normal((19, 24_000)), random.standard_normal(24_000)
    rows = measured(20 * (np.sqrt(shared) * common + np.sqrt(1 - shared) * own))
    among = shared + (1 - shared) / 19
    one = max(0, shared - (1 - shared) / 18)
    for row in rows.values():
        assert row["session_common_share"] == pytest.approx(among, abs=0.03)
        assert row["common_share"] == pytest.approx(one, abs=0.05)
        assert row["session_flags"] == (["common mode"] if among > 0.75 else [])
        assert row["flags"] == []


def test_common_mode_in_bursts_counts_their_seconds(measured):
    signal = eeg(120)
    signal[:, 4000:6000] += 20 * eeg(10, channels=1)
    row = measured(signal)["Cz"]
    assert row["session_common_seconds"] == pytest.approx(10 / 120, abs=2 / 120)
    assert row["session_flags"] == ["common mode"]


@pytest.mark.parametrize(("rate", "decay"), ((128, 0.4), (256, 0.12), (500, 0.4)))
def test_electrode_pops_are_counted_where_they_are(measured, rate, decay):
    signal = eeg(60, rate, seed=3)
    for i, at in enumerate(range(5, 60, 8)):  # seven, up and down, that drift back
        after = np.arange((60 - at) * rate) / rate
        signal[CZ, at * rate :] += (-1) ** i * 400 * np.exp(-after / decay)
    signal[O1, 30 * rate :] += 300  # one that stays
    rows = measured(signal, rate)
    assert {name: row["pops_per_minute"] for name, row in rows.items() if row["pops_per_minute"]} == {"Cz": 7, "O1": 1}
    assert flagged(rows) == {"Cz": ["pops"]}


def test_bridged_electrodes(measured):
    signal = eeg(60)
    c3 = CHANNELS.index("C3")
    signal[CZ] = signal[c3] + np.random.default_rng(0).standard_normal(12_000)
    rows = measured(signal)
    assert flagged(rows) == {"Cz": ["bridged"], "C3": ["bridged"]}
    assert (rows["Cz"]["nearest"], rows["C3"]["nearest"]) == ("C3", "Cz") and rows["Cz"]["nearest_uv2"] < 2


def test_the_sessions_usable_seconds_need_eight_channels(measured):
    signal = eeg(60)
    signal[:11, :4000] = 0.0  # 20 s with eight left
    signal[:12, 4000:10_000] = 0.0  # 30 s with seven
    row = measured(signal)["Cz"]
    assert row["session_usable_seconds"] == 30
    assert "little usable" not in row["session_flags"] and "bad channels" in row["session_flags"]
    signal[:12, 10_000:11_000] = 0.0
    assert "little usable" in measured(signal)["Cz"]["session_flags"]


def test_gaps_and_absent_channels_count_for_nothing(measured):
    signal = eeg(60, channels=17)
    signal[CZ, 8000:10_000] = 0.0
    signal[O1] += 300 * np.cos(2 * np.pi * 0.25 * np.arange(12_000) / 200)  # far from zero where the gap begins
    onsets = [float(t) for t in (*range(30), *range(50, 80))]
    rows = measured(signal, onsets=onsets, kind="EDF+D")
    assert rows["Cz"]["flat_share"] == pytest.approx(10 / 60) and rows["Cz"]["session_seconds"] == 60
    assert all(row["pops_per_minute"] == 0 for row in rows.values() if row["recorded"])
    assert flagged(rows) == {"Cz": ["flat"], "Fp1": ["absent"], "Fp2": ["absent"]}
    nothing = {k: v for k, v in rows["Fp1"].items() if not k.startswith("session_") and k not in ("channel", "flags")}
    assert nothing.pop("recorded") is False and set(nothing.values()) == {None}


def test_what_cannot_be_read_is_said_as_by_the_reader(tmp_path):
    with pytest.raises(RecordingError, match="no channel carries a signal"):
        measure(write_edf(tmp_path / "a.edf", np.zeros((19, 4000))))
    assert (
        measure(write_edf(tmp_path / "b.edf", eeg(20, channels=6)), min_channels=6)[0]["session_usable_seconds"] == 20
    )


def test_two_real_recordings_are_common_mode_and_others_are_not(test_data):
    measured = {
        name: measure(test_data / "mdd_husm" / f"{name}.edf") for name in ("MDD07_EC", "MDD23_EC", "HC03_EC", "HC25_EC")
    }
    flags = {name: rows[0]["session_flags"] for name, rows in measured.items()}
    assert flags == {"MDD07_EC": ["common mode"], "MDD23_EC": ["common mode"], "HC03_EC": [], "HC25_EC": []}
    for rows in measured.values():
        assert not any(
            {"flat", "clipped", "saturated", "railing", "loud", "absent"} & set(row["flags"]) for row in rows
        )
