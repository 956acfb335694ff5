"""Variations of a crop: what another amplifier, other filters and a smaller cap would have made of the same EEG.

All but the electrodes are spectra that are added to a channel in every second, in dB: gains of all channels and of
each, a common slope over log frequency, the response of another high-pass and low-pass. Each is drawn from the sample's
own generator, so that a crop follows from the seed and its number alone.

Shapes: C = 19 channels · F = 128 bins of 0.25 Hz.
"""

import dataclasses

import numpy as np
import torch
from torch import Tensor

from tokenizer.level import HIGH, LOW

HZ = np.arange(128) / 4
OCTAVES = np.log2(np.maximum(HZ, 0.25))
OCTAVES -= OCTAVES[LOW:HIGH].mean()
"""Octaves above the mean of the bins of the level (6.7 Hz); a slope turns about it and leaves the level alone."""
HIGH_PASS_HZ, LOW_PASS_HZ = (0.3, 1.6), (15.0, 45.0)
"""Corner frequencies in use: time constants of 0.5 to 0.1 s, and low-passes from a report's display to none at all."""
DEEPEST_DB = -30.0
"""Of a filter: behind it there is the noise of the amplifier."""


@dataclasses.dataclass
class VariationsConfig:
    """How a crop's gain, slope, filters and electrodes are varied."""

    gain_db: float = 0.0
    """dB; crops are made louder or softer by up to so much, all channels alike."""
    electrode_gain_db: float = 0.0
    """dB; each channel of half of the crops gets a gain of its own, of up to so much."""
    slope_db: float = 0.0
    """dB per octave; sd of a slope over log frequency that is added to all channels of half of the crops."""
    filters: float = 0.0
    """Share of the crops that pass another high-pass (0.3–1.6 Hz), another low-pass (15–45 Hz), or both."""
    hide_channels: float = 0.2
    """Share of the crops that hide some of their channels from the encoder."""
    fewest_channels: int = 15
    """Channels that such a crop shows at least; how many it hides is drawn evenly from 1 on."""


LIMITS = {
    **{"gain_db": (0, 40), "electrode_gain_db": (0, 40), "slope_db": (0, 10)},
    **{"filters": (0, 1), "hide_channels": (0, 1), "fewest_channels": (1, 18)},
}


def added(config: VariationsConfig, channel_ok: Tensor, rng: np.random.Generator) -> Tensor:
    """What is added to each channel in every second, (C, F, 1) dB; 0 for missing channels."""
    whole, own = rng.uniform(-1, 1), rng.uniform(-1, 1, len(channel_ok)) * (rng.random() < 0.5)
    slope, filtered = rng.standard_normal() * (rng.random() < 0.5), rng.random() < config.filters
    spectrum = config.slope_db * slope * OCTAVES + filtered * response(rng)
    gains = config.gain_db * whole + config.electrode_gain_db * own
    sums = (gains[:, None] + spectrum).astype(np.float32)
    return torch.from_numpy(sums)[:, :, None] * channel_ok[:, None, None]


def response(rng: np.random.Generator) -> np.ndarray:
    """dB (F,) of a Butterworth high-pass of order 1 or 2, a low-pass of order 1 to 4, or both."""
    which = rng.integers(1, 4)
    high, low = (np.exp(rng.uniform(*np.log(hz))) for hz in (HIGH_PASS_HZ, LOW_PASS_HZ))
    orders = rng.integers(1, 3), rng.integers(1, 5)
    # bin 0 averages over the bandwidth of the tapers: it is never as deep as a filter is at 0 Hz
    loss = bool(which & 1) * (high / np.maximum(HZ, 0.25)) ** (2 * orders[0])
    falls = [10 * np.log10(1 + part) for part in (loss, bool(which & 2) * (HZ / low) ** (2 * orders[1]))]
    return np.maximum(-sum(falls), DEEPEST_DB)


def shown(config: VariationsConfig, channel_ok: Tensor, rng: np.random.Generator) -> Tensor:
    """Which channels (C,) bool the encoder sees: in some crops not all of those that there are."""
    seen, present = channel_ok.clone(), np.flatnonzero(channel_ok)
    most = len(present) - config.fewest_channels
    if rng.random() < config.hide_channels and most > 0:
        seen[rng.permutation(present)[: rng.integers(1, most + 1)]] = False
    return seen
