"""Filtering and resampling in one FFT pass, against the plain chain."""

import numpy as np
import pytest

from tests import reference
from tokenizer.filters import clean, find_hum, left_out
from tokenizer.multitaper import spectrogram


def eeg_like(seconds: float, rate: int, seed: int = 0, drift: float = 300.0) -> np.ndarray:
    """Pink noise of some 20 µV with a drift, an offset and a mains hum; float32 (n,)."""
    random = np.random.default_rng(seed)
    n = round(seconds * rate)
    shape = 1 / np.maximum(np.fft.rfftfreq(n, 1 / rate), 0.2) ** 0.5
    x = np.fft.irfft(np.fft.rfft(random.standard_normal(n)) * shape, n)
    t = np.arange(n) / rate
    return (20 * x / x.std() + drift * t / seconds + 500 + 15 * np.sin(2 * np.pi * 50 * t)).astype(np.float32)


@pytest.mark.parametrize(("rate", "mains"), [(256, 50), (500, 60), (128, 50), (200, 0), (512, 50), (250, 60)])
def test_agrees_with_the_plain_chain(rate, mains):
    x = eeg_like(1200, rate)
    ours, theirs = clean(x[None], rate, mains)[0], reference.filter_and_resample(x, rate, mains)
    assert ours.dtype == np.float32 and ours.shape == theirs.shape == (240_000,)
    apart = np.abs(spectrogram(ours).numpy() - spectrogram(theirs).numpy())
    assert np.median(apart) < 0.01
    assert np.quantile(apart, 0.999) < 0.01
    assert apart[1:].max() < 0.1 and apart[0].max() < 0.2  # without its mean a window has next to nothing at 0 Hz


def test_channels_are_independent_and_any_number_of_them_will_do():
    x = np.stack([eeg_like(20, 256, seed) for seed in range(7)])
    together = clean(x, 256, 50)
    assert together.shape == (7, 4000)
    for row, alone in zip(x, together, strict=True):
        np.testing.assert_allclose(clean(row[None], 256, 50)[0], alone, atol=1e-3)


@pytest.mark.parametrize("hz", [1.0, 10.3, 40.0])
def test_a_sinusoid_keeps_its_phase_and_amplitude(hz):
    t, at = np.arange(60 * 256) / 256, np.arange(60 * 200) / 200
    out = clean((30 * np.sin(2 * np.pi * hz * t)).astype(np.float32)[None], 256, 0)[0]
    middle = slice(2000, 10_000)
    np.testing.assert_allclose(out[middle], 30 * np.sin(2 * np.pi * hz * at)[middle], atol=0.3)


@pytest.mark.parametrize(("hz", "share"), [(0.02, 0.05), (50, 0.02), (90, 0.3)])
def test_what_is_to_go_goes(hz, share):
    t = np.arange(120 * 256) / 256
    out = clean((30 * np.sin(2 * np.pi * hz * t)).astype(np.float32)[None], 256, 50)[0]
    assert np.abs(out[8000:16_000]).max() < 30 * share


def test_offset_and_drift_leave_no_trace():
    ramp = np.linspace(-500, 1000, 60 * 256, dtype=np.float32) + 1e5
    out = clean(np.stack([eeg_like(60, 256, drift=0), eeg_like(60, 256, drift=0) + ramp]), 256, 50)
    apart = np.abs(out[1] - out[0])
    assert apart[3000:9000].max() < 0.5
    assert apart.max() < 30  # at the ends a reflected drift is a kink; EEG there stays EEG


@pytest.mark.parametrize("samples", [1, 2, 5, 256, 1000])
def test_short_segments(samples):
    out = clean(eeg_like(10, 256)[None, :samples], 256, 50)
    assert out.shape == (1, -(-samples * 200 // 256)) and np.isfinite(out).all()


def test_odd_rates():
    for rate in (199.8, 1024 / 3, 2000.0):
        t = np.arange(round(30 * rate)) / rate
        out = clean(np.sin(2 * np.pi * 10 * t).astype(np.float32)[None] * 20, rate, 50)[0]
        at = np.arange(len(out)) / 200
        assert len(out) == pytest.approx(30 * 200, abs=2)
        np.testing.assert_allclose(out[1000:5000], 20 * np.sin(2 * np.pi * 10 * at)[1000:5000], atol=0.2)


@pytest.mark.parametrize(("line", "mains"), [(50, 50), (60, 60), (55, 0)])
def test_mains_is_found_in_the_recording(line, mains):
    t = np.arange(30 * 256) / 256
    noise = np.random.default_rng(0).standard_normal((4, len(t))) * 10
    hum = find_hum((noise + 10 * np.sin(2 * np.pi * line * t)).astype(np.float32), 256)
    assert hum.hz == mains and (hum.level > 15) == bool(mains)


def test_mains_of_a_slow_or_tiny_recording():
    assert find_hum(np.zeros((3, 100), np.float32), 100).hz == 0
    assert find_hum(np.ones((3, 7), np.float32), 256).hz == 0


def test_filters_left_out_are_named():
    assert left_out(256, 50) == []
    assert "low-pass at 75" in left_out(128, 50)[0] and len(left_out(128, 50)) == 1
    assert "notch at 60" in left_out(128, 60)[1]


@pytest.mark.parametrize("rate", [100, 128, 200, 256, 500])
@pytest.mark.parametrize("kind", ["step", "spike", "noise", "stuck"])
def test_thirty_seconds_from_damage_nothing_is_left_of_it(rate, kind):
    samples = eeg_like(120, rate)
    damaged, second = samples.copy(), slice(60 * rate, 61 * rate)
    if kind == "step":
        damaged[60 * rate :] += 100_000
    elif kind == "spike":
        damaged[60 * rate] = 262_144
    elif kind == "noise":
        damaged[second] = np.random.default_rng(0).uniform(-1e5, 1e5, rate)
    else:
        damaged[second] = 100_000
    off = np.abs(clean(damaged[None], rate, 50) - clean(samples[None], rate, 50))[0]
    assert off[: 30 * 200].max() < 0.1 and off[91 * 200 :].max() < 0.1
    assert off[59 * 200 : 62 * 200].max() > 100


def test_offsets_and_drifts_do_not_pass():
    t = np.arange(300 * 256) / 256
    for drift in (np.full_like(t, 2e5), 300 * t, t**2):
        assert np.abs(clean(drift[None].astype(np.float32), 256, 0)[0, 60 * 200 : -60 * 200]).max() < 0.1


def test_impossible_numbers_stay_where_they_are():
    samples = eeg_like(90, 200)
    whole = clean(samples[None], 200, 0)[0]
    samples[9000] = 3e38
    cleaned = clean(samples[None], 200, 0)[0]
    assert np.isfinite(cleaned).all()
    np.testing.assert_allclose(cleaned[: 200 * 15], whole[: 200 * 15], atol=0.1)


def test_mains_are_found_beside_damage_and_damage_is_no_mains():
    signal = np.stack([eeg_like(60, 200, seed) for seed in range(6)])
    quiet = signal - 15 * np.sin(2 * np.pi * 50 * np.arange(60 * 200) / 200).astype(np.float32)
    quiet[:, 5000:7000] += np.tile(np.r_[np.full(3, 450), np.zeros(97)], 20)  # every half second
    assert find_hum(quiet, 200).hz == 0
    signal[:, 5000:7000] = np.random.default_rng(0).uniform(-3000, 3000, (6, 2000))
    assert find_hum(signal, 200).hz == 50
