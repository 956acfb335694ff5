"""What the measures of one recording say of noise, of gaps and of a rhythm."""

import numpy as np
import pytest

from benchmark.fidelity.measures import alpha_peak, measure, measure_twins
from tests.benchmark.fidelity.helpers import OK, RATE, noisy
from tokenizer.cells import HZ, channel_indices
from tokenizer.channels import CHANNELS
from tokenizer.multitaper import spectrogram


def test_the_floors_are_those_of_stationary_noise():
    noise = np.random.default_rng(1).standard_normal((19, 400 * RATE)).astype(np.float32)
    spec, valid = spectrogram(noise).numpy()[:, 8:, :], np.ones(400, bool)
    spec = np.concatenate([spec[:, :8], spec], 1)  # without the bins the mean is taken from
    perfect = np.full_like(spec, np.median(spec))
    sums = measure(spec, perfect, valid, OK)
    assert sums["raw"][0] / sums["raw"][2] == pytest.approx(2.14, abs=0.02)
    perfect = np.full_like(spec, spec.mean())
    error, _, count = measure(spec, perfect, valid, OK)["cell"].sum((1, 2))
    assert error / count == pytest.approx(0.70, abs=0.02)


def test_invalid_frames_and_missing_channels_count_nowhere():
    x, y, valid, ok = noisy(0), noisy(1), np.ones(120, bool), OK.copy()
    valid[33:47], ok[[4, 9]] = False, False
    spoilt = [s.copy() for s in (x, y)]
    for s in spoilt:
        s[:, :, 33:47], s[[4, 9]] = 1e4, -1e4
    sums, same = measure(x, y, valid, ok), measure(*spoilt, valid, ok)
    assert all(np.array_equal(sums[k], same[k], equal_nan=True) for k in sums)
    pairs = (x, y), (noisy(2), noisy(3))
    spoilt = [tuple(np.where(ok[:, None, None] & valid, s, 7e3) for s in pair) for pair in pairs]
    assert np.array_equal(measure_twins(*pairs, valid, ok), measure_twins(*spoilt, valid, ok))
    assert sums["raw"][2] == 17 * 128 * 106
    assert sums["cell"][2].sum() == 17 * 16 * 10  # 2 of 12 columns hold an invalid frame


def test_a_recording_without_a_whole_column_has_errors_but_no_cells():
    valid = np.arange(120) % 10 < 8
    sums = measure(noisy(0), noisy(1), valid, OK)
    assert sums["raw"][2] > 0 and not sums["cell"].any() and not sums["single"].any() and np.isnan(sums["level"]).all()


def test_band_power_blocks_are_of_60_s_and_need_half_of_them():
    x, y, valid = noisy(0, 160), noisy(1, 160), np.ones(160, bool)
    valid[70:110] = False  # the second block keeps 20 frames, the third has 40
    sums = measure(x, y, valid, OK)["blocks"]
    assert sums[3, 2, 7] == 2
    alpha = (HZ >= 8) & (HZ < 13)
    apart = (x - y)[7][alpha].astype(
        np.float64
    )  # float32 differences: 2**-24 of 20 dB each, 1e-6 dB, and less in a mean
    squares = [apart[:, block].mean() ** 2 for block in (slice(0, 60), slice(120, 160))]
    assert sums[0, 2, 7] == pytest.approx(sum(squares), abs=2 * 2 * np.sqrt(max(squares)) * 1e-6)


def background(seconds, seed=0):
    f = np.fft.rfftfreq(seconds * RATE, 1 / RATE)
    draws = np.random.default_rng(seed).standard_normal((19, len(f), 2)) @ [1, 1j]
    return np.fft.irfft(draws / np.maximum(f, 0.3) ** 0.8, axis=1) * 300


@pytest.mark.parametrize("hz", [7.6, 8.4, 9.1, 10.33, 11.9])
def test_the_alpha_peak_is_found_where_it_is(hz):
    t = np.arange(120 * RATE) / RATE
    wobble = np.cumsum(np.random.default_rng(1).standard_normal(len(t))) * 0.02
    solitary_rise, spec = (
        spectrogram(x).numpy() for x in (background(120), background(120) + 0.3 * np.sin(2 * np.pi * hz * t + wobble))
    )
    peak, height = alpha_peak(spec, OK)
    assert peak == pytest.approx(hz, abs=0.15)
    rise = (spec - solitary_rise)[channel_indices(("O1", "O2", "P3", "P4"))].mean((0, 2)).max()
    assert height == pytest.approx(rise, abs=1)  # over what is there without it


def test_a_background_alone_has_no_clear_alpha_peak():
    assert alpha_peak(spectrogram(background(120)).numpy(), OK)[1] < 3
    assert np.isnan(alpha_peak(noisy(0), np.array([c not in ("O1", "O2", "P3") for c in CHANNELS]))[0])
