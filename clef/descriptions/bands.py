"""Power in six bands, which of them a recording can hold at all, the band that dominates, and its change in time.

C = 19 electrodes · N segments · F bins of 0.25 Hz · K = 6 bands; levels are dB re 1 µV².

Delta begins at 1 Hz: below lie drift, sweat, eyes and the amplifier's high-pass. A band is measured if the sampling
rate holds all of it (45 % of the rate, as the reader's filters) and no filter of the recording's own cuts into it.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clef.descriptions.aperiodic import aperiodic
from clef.descriptions.spectra import HZ
from tokenizer.filters import USABLE

Array = NDArray[np.floating]
BANDS = {
    "delta": (1.0, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 12.0),
    "beta": (12.0, 30.0),
    "gamma": (30.0, 50.0),
    "high gamma": (50.0, 75.0),
}
"""Hz, the upper end left out."""
NOTCH = 2.0
"""Hz on both sides of the mains that a band's power leaves out."""
CLIFF_DB, CLIFF_HZ = 10.0, 4.0
"""A fall by more than 10 dB from the 8 Hz below a frequency to the 4 Hz above it is a low-pass: with a power law of
exponent 3 the EEG falls by 6 dB there from 20 Hz on, and by less further up."""
RISE_DB = 6.0
"""The same for a high-pass: at 1–1.5 Hz so much less than at 2–3.5 Hz, where the EEG has about 5 dB more."""


@dataclass(frozen=True)
class Limits:
    """Which frequencies a recording holds: `low` to `high` Hz, and what sets these limits, in words."""

    low: float
    high: float
    low_reason: str
    high_reason: str

    def forbidden(self, band: str) -> str | None:
        """Why a band is not measured, None if it is."""
        low, high = BANDS[band]
        return self.low_reason if low < self.low else self.high_reason if high > self.high else None

    @property
    def measured(self) -> list[str]:
        """The bands that are measured."""
        return [band for band in BANDS if self.forbidden(band) is None]


def limits_of(spectrum: Array, rate: float) -> Limits:
    """What a session of mean `spectrum` (C, F) µV²/Hz, recorded at `rate` Hz, holds."""
    level = mean_level(spectrum)
    high, reason = min(75.0, USABLE * rate), f"recorded at {rate:g} Hz"
    cut = _cliff(level, high)
    if cut is not None:
        high, reason = cut, f"low-passed near {cut:.0f} Hz"
    slow = level[(HZ >= 1) & (HZ < 1.5)].mean() - level[(HZ >= 2) & (HZ < 3.5)].mean()
    low, low_reason = (2.0, "high-passed above 1 Hz") if slow < -RISE_DB else (0.5, "")
    return Limits(low, high, low_reason, reason)


def _cliff(level: Array, high: float) -> float | None:
    """The lowest frequency from 20 Hz on at which the level (F,) dB falls off for good, None if nowhere below `high`.

    A notch and a rhythm fall off as steeply, but what follows is as high as what came before lets expect: behind a
    low-pass it lies 10 dB below the power law of the slower part.
    """
    clean = (np.abs(HZ - 50) > NOTCH) & (np.abs(HZ - 60) > NOTCH) & (high >= HZ)
    for hz in np.arange(20.0, high - CLIFF_HZ, 1.0):
        below = clean & (hz - 2 * CLIFF_HZ <= HZ) & (hz - CLIFF_HZ / 2 > HZ)
        above, beyond = clean & (hz < HZ) & (hz + CLIFF_HZ >= HZ), clean & (hz + CLIFF_HZ < HZ)
        if not (below.any() and above.any()):
            continue
        falls = level[below].min() - level[above].mean() > CLIFF_DB  # its lowest: a rhythm has troughs beside it
        after = beyond if beyond.any() else above
        if falls and np.median((aperiodic(level, hz - CLIFF_HZ) - level)[after]) > CLIFF_DB:
            return float(hz)
    return None


def decibel(power: Array) -> Array:
    """10 log10, NaN of NaN; no warning of what is zero."""
    return 10 * np.log10(power + 1e-12)


def mean_level(spectrum: Array) -> Array:
    """The level in dB, the mean over electrodes: (C, …) -> (…); NaN where no electrode is measured."""
    return mean_of(decibel(spectrum), 0)


def mean_of(values: Array, axis: int) -> Array:
    """The mean without NaN, NaN where all are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmean(values, axis=axis)


def median_of(values: Array, axis: int) -> Array:
    """The median without NaN, NaN where all are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmedian(values, axis=axis)


def band_power(spectra: Array, low: float, high: float, mains: int = 0) -> Array:
    """Power (…,) in µV² of spectra (…, F) µV²/Hz between two frequencies; what the notch took is filled by the mean."""
    inside = (low <= HZ) & (high > HZ)
    kept = inside & (np.abs(HZ - mains) > NOTCH) if mains else inside
    return spectra[..., kept].mean(-1) * (high - low)


def band_levels(spectra: Array, bands: list[str], mains: int) -> Array:
    """Level of each of `bands` in dB re 1 µV², the mean over electrodes: (C, N, F) -> (len(bands), N)."""
    return np.stack([mean_level(band_power(spectra, *BANDS[band], mains)) for band in bands])


def trends(levels: Array, before: int) -> Array:
    """Change in dB against the median of up to `before` earlier stretches: (K, N) -> (K, N), NaN where none is."""
    changes = np.full(levels.shape, np.nan)
    for i in range(1, levels.shape[1]):
        changes[:, i] = levels[:, i] - median_of(levels[:, max(0, i - before) : i], 1)
    return changes


def trend_limits(levels: Array, least: float) -> Array:
    """dB from which on a change counts (K,): twice the usual one from a stretch to the next, `least` at least."""
    steps = np.abs(np.diff(levels, axis=1))
    usual = median_of(steps, 1) * 1.4826 if steps.shape[1] else np.zeros(len(levels))
    return np.maximum(least, 2 * np.nan_to_num(usual))
