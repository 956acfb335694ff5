"""Synthetic EEG: what is planted stands where it was planted."""

import numpy as np
import pytest
from scipy.signal import welch

from clef.importers.synthetic.signals import render
from clef.importers.synthetic.waves import Streams
from tokenizer.channels import CHANNELS

RATE, SECONDS = 200, 60


def plain(population, **changes):
    """The latents of a healthy session with `changes`."""
    _, truth, findings = population
    i = int(np.flatnonzero(findings["FINDING//normal"] & (truth["alpha_uv"] > 12) & (truth["drowsy_share"] == 0))[0])
    return {name: column[i].item() for name, column in truth.items()} | changes


def spectrum(z, seed=0):
    eeg = render(z, RATE, SECONDS, 50, Streams(np.random.default_rng(seed)))
    f, power = welch(eeg, RATE, nperseg=4 * RATE)
    return f, power


def test_alpha_is_posterior_and_at_its_frequency(population):
    for hz in (8.0, 9.5, 11.0):
        f, power = spectrum(plain(population, alpha_hz=hz, alpha_uv=18.0))
        posterior = power[[CHANNELS.index("O1"), CHANNELS.index("O2")]].mean(0)
        assert abs(f[(f > 6) & (f < 13)][posterior[(f > 6) & (f < 13)].argmax()] - hz) < 0.6
        assert posterior[f == hz] > 5 * power[CHANNELS.index("Fz")][f == hz]


@pytest.mark.parametrize("side", [-1, 1])
def test_focal_slowing_raises_delta_on_its_side(population, side):
    f, power = spectrum(plain(population, focal=1.0, focal_side=side, focal_lobe="temporal", focal_hz=3.0))
    left, right = (power[CHANNELS.index(name)][(f >= 1) & (f <= 3)].mean() for name in ("T3", "T4"))
    assert (right / left > 3) == (side > 0)
    assert (left / right > 3) == (side < 0)


def test_spikes_are_negative_and_focal(population):
    quiet = plain(population, spike_side=-1, spike_lobe="temporal", blink_rate=0.0, pops=0, drift_uv=0.0)
    eeg = render(quiet | {"spike_rate": 20.0}, RATE, SECONDS, 50, Streams(np.random.default_rng(0)))
    assert eeg[CHANNELS.index("T3")].min() < -80
    assert eeg[CHANNELS.index("T4")].min() > -70
