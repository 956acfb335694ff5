"""The aperiodic part of a spectrum: a power law, fitted to its lowest bins; what lies above it is a rhythm.

As in Donoghue et al. 2020 (Nat Neurosci 23:1655). F bins of 0.25 Hz; levels are dB re 1 µV²/Hz.
"""

import numpy as np
from numpy.typing import NDArray

from clef.descriptions.spectra import HZ

Array = NDArray[np.floating]
LOWEST_HZ, LOWEST_SHARE = 2.0, 0.4
"""Where the fit begins, and the share of bins, the lowest ones, that the second and third fit rest on."""


def aperiodic(level: Array, high: float) -> Array:
    """The aperiodic part (F,) in dB of a spectrum `level` (F,) dB, from its bins between 2 and `high` Hz."""
    inside = (LOWEST_HZ <= HZ) & (high >= HZ)
    x, y = np.log10(HZ[inside]), level[inside]
    slope, offset = np.polyfit(x, y, 1)
    for _ in range(2):
        rest = y - slope * x - offset
        lowest = rest <= np.quantile(rest, LOWEST_SHARE)
        slope, offset = np.polyfit(x[lowest], y[lowest], 1)
    return slope * np.log10(np.maximum(HZ, HZ[1])) + offset
