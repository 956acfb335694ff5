"""What a statement must not be confused with: bursts and a lasting rhythm, one side's slowing and everybody's."""

import numpy as np
import pytest

from tests.clef.descriptions.signals import at, awake, pink, rhythm, whole
from tokenizer.channels import CHANNELS
from tokenizer.filters import RATE

FRONT = at({"F3": 1, "F4": 1, "Fz": 1, "Fp1": 0.6, "Fp2": 0.6, "C3": 0.5, "C4": 0.5, "Cz": 0.5})
LEFT, RIGHT = (tuple(name for name in CHANNELS if name[-1] in digits) for digits in ("13579", "2468"))


def bursts(every: float, seconds: float, hz: float, uv: float, harmonics: int = 1) -> np.ndarray:
    """(S,) four minutes with a wave of `hz` and its harmonics for some seconds, again and again; `uv` µV RMS in all."""
    t = np.arange(240 * RATE) / RATE
    phase = t % every
    shape = np.where(phase < seconds, np.sin(np.pi * phase / seconds) ** 2, 0)
    wave = shape * sum(np.sin(2 * np.pi * k * hz * t) for k in range(1, harmonics + 1))
    return (uv * wave / wave.std()).astype(np.float32)


@pytest.mark.parametrize("hz", (9.0, 12.0))
def test_a_rhythm_that_lasts_in_front_is_an_anterior_one(hz):
    stated = whole(pink(60) + FRONT * rhythm(60, hz, 8.0, seed=3))["anterior rhythm"]
    assert stated.present and stated.number("frequency") == pytest.approx(hz, abs=0.3)


@pytest.mark.parametrize("wave", ({"every": 8, "seconds": 1, "hz": 12, "uv": 8},
                                  {"every": 10, "seconds": 2, "hz": 3, "uv": 20, "harmonics": 5}))  # fmt: skip
def test_spindles_and_bursts_of_spike_and_wave_are_none(wave):
    """As much power at 12 Hz as a rhythm has that lasts, or more."""
    assert whole(pink(240) + FRONT * bursts(**wave))["anterior rhythm"].present is False


def test_discharges_about_every_second_are_none():
    """They lift all of the range, without a peak in it."""
    rng, t = np.random.default_rng(5), np.arange(RATE // 2) / RATE
    at_samples = (np.cumsum(1 + 0.12 * rng.standard_normal(230)) * RATE).astype(int)
    starts = np.zeros(240 * RATE, np.float32)
    starts[at_samples] = 60
    sharp = -np.exp(-((t - 0.06) ** 2) / (2 * 0.02**2)) + 0.5 * np.exp(-((t - 0.2) ** 2) / (2 * 0.06**2))
    wave = np.convolve(starts, sharp.astype(np.float32))[: len(starts)]
    assert whole(pink(240) + FRONT * wave)["anterior rhythm"].present is False


def test_beta_in_front_is_no_anterior_rhythm():
    assert whole(pink(60) + FRONT * rhythm(60, 13.7, 10.0, 1.0))["anterior rhythm"].present is False


def test_delta_of_the_other_side_hides_no_asymmetry_of_alpha():
    halved = awake() - at({"O1": 1, "P3": 1}) * 0.6 * (awake() - pink(60))
    slow = at({"T4": 1, "T6": 0.7, "P4": 0.7, "O2": 0.5, "C4": 0.6}) * rhythm(60, 2.2, 25.0, 0.8, seed=9)
    stated = whole(halved + slow)
    assert (stated["alpha asymmetry"].present, stated["alpha asymmetry"].side) == (True, "left")
    assert stated["focal slowing"].present and stated["focal slowing"].side == "right"


def test_sides_of_a_rhythm_that_is_no_alpha_are_not_compared():
    theta = at({"O1": 1, "P3": 1, "Pz": 0.6, "O2": 0.3, "P4": 0.3}) * rhythm(60, 5.3, 15.0, 0.3)
    stated = whole(pink(60) + theta)
    assert stated["posterior rhythm"].number("frequency") == pytest.approx(5.3, abs=0.3)
    assert stated["alpha asymmetry"].present is None and "not of 6 to 12.5" in stated["alpha asymmetry"].forbidden


@pytest.mark.parametrize(("electrodes", "present"), ((LEFT, False), (RIGHT, False), (CHANNELS, True)))
def test_generalised_slowing_is_in_both_hemispheres(electrodes, present):
    """Beside an alpha rhythm that is not lost."""
    own = sum(at(dict.fromkeys(electrodes[i::3], 1.0)) * rhythm(60, 3.5, 14.0, 1.6, seed=20 + i) for i in range(3))
    assert whole(awake() + own)["generalised slowing"].present is present


@pytest.mark.parametrize(("alpha", "present"), ((0.3, True), (1.0, False)))
def test_less_slow_activity_is_enough_where_alpha_is_faint(alpha, present):
    slow = sum(at(dict.fromkeys(CHANNELS[i::4], 1.0)) * rhythm(60, 3.5, 4.0, 1.8, seed=20 + i) for i in range(4))
    stated = whole(pink(60) + alpha * (awake() - pink(60)) + slow)["generalised slowing"]
    assert 1.5 < stated.number("delta and theta above the fast background") < 3
    assert stated.number("theta against posterior alpha") < -4 and stated.present is present


def halved(signal: np.ndarray) -> np.ndarray:
    """The left hemisphere at 0.6 of its voltage."""
    return signal * np.array([[0.6 if name in LEFT else 1.0] for name in CHANNELS], np.float32)


def test_a_gap_in_the_skull_hides_no_asymmetry_of_voltage():
    gap = halved(awake()) * np.array([[{"C3": 2.5, "T3": 2.5}.get(name, 1.0)] for name in CHANNELS], np.float32)
    stated = whole(gap)["voltage asymmetry"]
    assert stated.present and stated.side == "left" and stated.number("left over right") == pytest.approx(-4.4, abs=0.8)


def test_slow_activity_of_one_side_is_no_asymmetry_of_voltage():
    slow = sum(at(dict.fromkeys(LEFT[i::3], 1.0)) * rhythm(60, 4.0, 25.0, 0.8, seed=20 + i) for i in range(3))
    assert whole(awake() + slow)["voltage asymmetry"].present is False
