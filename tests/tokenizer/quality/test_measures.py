"""Quality per session and channel: defects planted at known places are measured as planted, clean EEG has none."""

import numpy as np
import pytest

from tests.tokenizer.quality.rows import flagged
from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.quality.measures import measure
from tokenizer.reading.read import ReadingConfig
from tokenizer.recording import RecordingError

CZ, FP1, FP2, O1 = (CHANNELS.index(name) for name in ("Cz", "Fp1", "Fp2", "O1"))


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


def test_a_channel_that_the_reader_left_out_is_flagged_and_never_usable(measured):
    signal = eeg(60)
    signal[CZ] = 4e5 * np.sign(np.sin(np.arange(12_000) / 900.0)) * np.random.default_rng(0).uniform(0.9, 1, 12_000)
    rows = measured(signal, bits=24, limit=838_860.7)
    assert flagged(rows) == {"Cz": ["left out"]} and rows["Cz"]["usable_seconds"] == 0


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
        measure(write_edf(tmp_path / "b.edf", eeg(20, channels=6)), ReadingConfig(min_channels=6))[0][
            "session_usable_seconds"
        ]
        == 20
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
