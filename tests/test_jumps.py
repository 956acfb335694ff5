"""Leaps of a signal: they are found, taken out and put back, and nothing of them is left far away."""

import numpy as np
import pytest

from tests.edf_files import eeg
from tokenizer.filters import Cleaner, clean, find_hum
from tokenizer.jumps import find_leaps, near


def filtered(samples: np.ndarray, rate: int) -> np.ndarray:
    """The filters alone, on one channel."""
    cleaner = Cleaner(len(samples), rate, 0)
    cleaner.inlet[0] = samples
    return cleaner._filter()[0]


def test_eeg_does_not_leap():
    for rate in (100, 128, 200, 256, 500):
        assert all(find_leaps(row.astype(np.float32), rate) is None for row in 3 * eeg(30, rate, 4))
    assert find_leaps(np.zeros(0, np.float32), 200) is None and find_leaps(np.zeros(1, np.float32), 200) is None


def test_mains_of_a_millivolt_does_not_leap():
    t = np.arange(60 * 200) / 200
    hum = 2000 * np.sin(2 * np.pi * 50 * t + 1)
    assert np.abs(np.diff(hum)).max() > 2000 and find_leaps(hum.astype(np.float32), 200) is None


def test_steps_are_joined_and_bursts_replaced():
    samples = eeg(60, 200, 1)[0].astype(np.float32)
    damaged = samples.copy()
    damaged[3000:] += 20_000
    damaged[8000:8400] = np.random.default_rng(0).uniform(-3e5, 3e5, 400)
    leaps = find_leaps(damaged, 200)
    assert [round(edge / 10) for span in leaps.spans for edge in span] == [300, 300, 800, 840]
    away = np.r_[0:7900, 8500:12000]
    assert np.abs(leaps.calm - samples)[away].max() < 150, "what is left of a step is the EEG's own change"
    assert np.ptp(leaps.calm[8001:8399]) == 0


def test_weights_are_whole_nearby_and_nothing_far_away():
    weights = near([(15_000, 15_250)], 250, 30_000, 200)  # from second 60 to 61
    at = lambda second: weights[round(second * 200)]
    assert at(60) == at(34.1) == at(86.9) == 1 and 0 < at(32) < 1 and 0 < at(89) < 1
    assert at(0) == at(30) == at(91) == at(149.9) == 0


@pytest.mark.parametrize("rate", [128, 200, 256, 500])
@pytest.mark.parametrize("kind", ["step", "spike", "noise", "stuck"])
def test_thirty_seconds_from_a_leap_nothing_is_left_of_it(rate, kind):
    samples = eeg(120, rate, 1)[0].astype(np.float32)
    damaged, first, second = samples.copy(), 60 * rate, slice(60 * rate, 61 * rate)
    if kind == "step":
        damaged[first:] += 30_000
    elif kind == "spike":
        damaged[first] = 262_144
    elif kind == "noise":
        damaged[second] = np.random.default_rng(0).uniform(-2e5, 2e5, rate)
    else:
        damaged[second] = 8_388.607
    off = np.abs(clean(damaged[None], rate, 0) - clean(samples[None], rate, 0))[0]
    assert off[: 30 * 200].max() < 0.1 and off[91 * 200 :].max() < 0.1
    assert off[60 * 200] > 10
    plain = np.abs(filtered(damaged, rate) - filtered(samples, rate))
    assert kind in ("spike", "noise") or plain[91 * 200 :].max() > 0.1, "the filters alone ring"


def test_near_a_leap_all_is_as_the_filters_make_it():
    samples = eeg(120, 256, 1)[0].astype(np.float32)
    samples[15_000:15_100] += 4_000
    np.testing.assert_allclose(clean(samples[None], 256, 0)[0], filtered(samples, 256), atol=0.5)
    near_by = slice(200 * 35, 200 * 80)
    np.testing.assert_allclose(clean(samples[None], 256, 0)[0, near_by], filtered(samples, 256)[near_by], atol=0.01)


def test_impossible_numbers_stay_where_they_are():
    samples = eeg(90, 200, 1)[0].astype(np.float32)
    whole = clean(samples[None], 200, 0)[0]
    samples[9000] = 3e38
    cleaned = clean(samples[None], 200, 0)[0]
    assert np.isfinite(cleaned).all()
    np.testing.assert_allclose(cleaned[: 200 * 15], whole[: 200 * 15], atol=0.1)


def test_leaps_do_not_hide_the_mains():
    t = np.arange(60 * 256) / 256
    signal = (eeg(60, 256, 4) + 15 * np.sin(2 * np.pi * 50 * t)).astype(np.float32)
    signal[:, 5000:6000] = np.random.default_rng(0).uniform(-3000, 3000, (4, 1000))
    assert find_hum(signal, 256).hz == 50
