"""A session in the windows of a model: montage, rate, units, gaps."""

import dataclasses

import numpy as np
import pytest

from clef.waveform.cutting import Cutting, stretches
from clef.waveform.preparation import Preparation
from tokenizer.channels import CHANNELS
from tokenizer.recording import RecordingError, Session

SECONDS = 40


def session(rate=256.0, gap=None):
    """10 Hz of 50 µV at Fp1 and 60 Hz of 20 µV everywhere."""
    t = np.arange(1280 * 200) / 200
    signal = np.tile(20 * np.sin(2 * np.pi * 60 * t), (19, 1)).astype(np.float32)
    signal[CHANNELS.index("Fp1")] += 50 * np.sin(2 * np.pi * 10 * t)
    valid = (np.arange(1280) < SECONDS).astype(np.float32)
    signal[:, SECONDS * 200 :] = 0
    if gap:
        valid[slice(*gap)] = 0
    ok = np.ones(19, bool)
    return Session(signal, valid, ok, None, [], rate, float(SECONDS), 21, 50, 0.0)


def made(**changes):
    taken = {"channels": ("Fp1-F7", "F7-T3", "Fp1"), "rate": 100.0, "window": 4.0}
    return Preparation(**taken | changes)


def cut(given, upsample=False, **changes):
    return Cutting.of(made(**changes), upsample)(given)


def amplitude(windows, hz, rate):
    """Of each channel (C,) at a frequency, the mean over windows (n, C, S)."""
    t = np.arange(windows.shape[2]) / rate
    return 2 * np.abs((windows * np.exp(-2j * np.pi * hz * t)).mean(2)).mean(0)


@pytest.mark.parametrize("rate", [100.0, 128.0, 200.0, 256.0, 62.5])
def test_a_sinusoid_keeps_place_and_amplitude_at_any_rate(rate):
    windows = cut(session(), rate=rate)
    assert windows.shape == (10, 3, round(4 * rate)) and windows.dtype == np.float32
    np.testing.assert_allclose(amplitude(windows[1:-1], 10, rate), [50, 0, 50], atol=0.6)


def test_what_the_rate_or_the_band_cannot_hold_is_gone():
    assert amplitude(cut(session(), rate=200.0), 60, 200)[2] == pytest.approx(20, abs=0.3)
    assert amplitude(cut(session(), rate=200.0, band=(0.1, 40.0)), 60, 200)[2] < 1
    assert amplitude(cut(session(), rate=100.0)[1:-1], 40, 100)[2] < 0.5, "60 Hz would come back as 40"


def test_units_and_limit():
    microvolts = cut(session())
    np.testing.assert_allclose(cut(session(), microvolts=1e6), microvolts / 1e6, rtol=1e-5)
    np.testing.assert_allclose(cut(session(), microvolts=10, limit=2), np.clip(microvolts / 10, -2, 2), rtol=1e-5)


def test_windows_step_and_none_has_a_gap():
    whole = cut(session(), stride=2.0)
    assert len(whole) == 19
    gapped = cut(session(gap=(10, 13)))
    assert stretches(session(gap=(10, 13)).valid) == [(0, 10), (13, 40)] and len(gapped) == 2 + 6
    np.testing.assert_allclose(gapped[0][:, :350], whole[0][:, :350], atol=0.01)


@pytest.mark.parametrize(
    ("given", "changes", "said"),
    [
        (session(), {"window": 41.0}, "no 41 s without a gap"),
        (session(gap=(3, 40)), {}, "no 4 s without a gap"),
        (session(rate=95.0), {}, "recorded at 95 Hz, the model takes 100 Hz"),
        (
            dataclasses.replace(session(), channel_ok=np.array([c != "F7" for c in CHANNELS])),
            {},
            r"lacks 2 channels of the model \(Fp1-F7, F7-T3\)",
        ),
    ],
)
def test_what_cannot_be_cut_is_one_line(given, changes, said):
    with pytest.raises(RecordingError, match=said) as caught:
        cut(given, **changes)
    assert "\n" not in str(caught.value)


def test_a_slow_recording_is_taken_when_that_is_asked_for():
    assert len(cut(session(rate=95.0), upsample=True)) == 10


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rate": 0.0}, "rate=0"),
        ({"rate": 1e5}, "rate=100000 Hz"),
        ({"window": 0.015}, "no whole number of samples"),
        ({"band": (0.5, 70.0)}, "expected 0 to 50 Hz"),
        ({"standard": "sesion"}, "expected none, session, cohort, fixed"),
        ({"stride": -1.0}, "stride=-1.0"),
        ({"scale": 0.0}, "scale=0"),
        ({"channels": ("Fp1-A2",)}, "cannot be made"),
    ],
)
def test_a_model_that_no_session_fits_is_one_line(changes, said):
    with pytest.raises(ValueError, match=said) as caught:
        made(**changes).check("m")
    assert "\n" not in str(caught.value)
