"""Defects of the filtered session, planted at known places: loud seconds, common mode, pops, bridges."""

import numpy as np
import pytest

from tests.tokenizer.quality.rows import flagged
from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import eeg

CZ, O1 = CHANNELS.index("Cz"), CHANNELS.index("O1")


def test_loud_seconds(measured):
    signal = eeg(60)
    signal[CZ, 2000:4000] += 900 * np.sin(2 * np.pi * 3 * np.arange(2000) / 200)
    signal[O1, 2000:4000] += 200 * np.sin(2 * np.pi * 3 * np.arange(2000) / 200)  # an absence seizure is none
    rows = measured(signal)
    assert rows["Cz"]["loud_share"] == pytest.approx(10 / 60, abs=1 / 60) and rows["Cz"]["flags"] == ["loud"]
    assert rows["Cz"]["usable_share"] == pytest.approx(50 / 60, abs=1 / 60)
    assert rows["O1"]["loud_share"] == 0 and rows["O1"]["usable_seconds"] == 60


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
