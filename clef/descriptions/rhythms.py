"""Rhythms: peaks of a spectrum above its aperiodic part, the posterior dominant rhythm, its sides and its reaction.

C = 19 electrodes · N segments · F bins of 0.25 Hz; levels are dB re 1 µV²/Hz.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clef.descriptions.aperiodic import aperiodic
from clef.descriptions.bands import decibel, mean_of
from clef.descriptions.places import FRONTAL, LEFT, POSTERIOR, RIGHT
from clef.descriptions.spectra import HZ

Array = NDArray[np.floating]
FIT_HIGH_HZ = 40.0
"""Muscle bends the spectrum beyond."""
ALPHA_HZ, BETA_HZ = (5.0, 13.5), (14.0, 28.0)
"""Where a posterior dominant rhythm is looked for (slowed ones reach down to theta), and fast activity."""
ANTERIOR_HZ = (7.0, 12.5)
"""Where an anterior one is; slow beta, which is highest in front, begins above."""
ANTERIOR_DB, OVER_BACK_DB, ABOVE_SIDES_DB, SIDES_FROM_TO = 5.0, 2.5, 1.5, (2.0, 3.5)
"""Its height above the aperiodic part (short windows flatten a peak by a decibel), over the back of the head, and above
the mean level 2 to 3.5 Hz beside it: periodic discharges lift all of the range and have no peak in it."""
SIDES_HZ = (6.0, 12.5)
"""A posterior rhythm whose sides are compared: below lies slowing or a seizure, above the harmonics of discharges, and
a focus makes their sides differ."""
PEAK_DB, FAST_DB = 6.0, 10.0
"""A peak of so much above the aperiodic part is a rhythm; fast activity is called excessive from 10 dB on."""
BEST_SHARE = 0.25
"""The best background: the quarter of segments with most alpha against what is slower, as a reader takes the
stretches of relaxed wakefulness and not the drowsy ones."""


@dataclass(frozen=True)
class Peak:
    """hz: its centre · height: dB above the aperiodic part · power: µV² above it within 1 Hz."""

    hz: float
    height: float
    power: float


def highest_peak(power: Array, between: tuple[float, float], high: float) -> Peak | None:
    """The highest peak of a spectrum `power` (F,) µV²/Hz `between` two frequencies, None if there is none."""
    if not np.isfinite(power).all():
        return None
    level = decibel(power)
    floor = aperiodic(level, min(FIT_HIGH_HZ, high))
    flat = np.convolve(level - floor, (0.25, 0.5, 0.25), "same")
    inside = np.flatnonzero((between[0] <= HZ) & (between[1] >= HZ))
    peaks = [i for i in inside if flat[i] >= flat[i - 1] and flat[i] >= flat[i + 1]]
    if not peaks:
        return None
    top = max(peaks, key=lambda i: flat[i])
    near = slice(top - 4, top + 5)
    excess = np.maximum(power[near] - 10 ** (floor[near] / 10), 0)
    total = excess.sum()
    return Peak(float((excess * HZ[near]).sum() / total) if total else float(HZ[top]), float(flat[top]), total / 4)


def best_segments(spectra: Array) -> NDArray[np.bool_]:
    """Which segments show the best background: (C, N, F) -> (N,) bool; all false without a posterior electrode."""
    power = mean_of(spectra[POSTERIOR], 0)
    ratio = power[:, (HZ >= 6) & (HZ < 13)].mean(1) / power[:, (HZ >= 2) & (HZ < 6)].mean(1)
    known = np.isfinite(ratio)
    return known & (ratio >= np.quantile(ratio[known], 1 - BEST_SHARE)) if known.any() else known


def posterior_peak(spectrum: Array, high: float) -> Peak | None:
    """The peak of the mean over the posterior electrodes of `spectrum` (C, F), None without one of 6 dB."""
    peak = highest_peak(mean_of(spectrum[POSTERIOR], 0), ALPHA_HZ, high)
    return peak if peak and peak.height >= PEAK_DB else None


def power_around(spectrum: Array, hz: float) -> Array:
    """Power (…,) in µV² of spectra (…, F) within 1 Hz of a frequency."""
    return spectrum[..., np.abs(HZ - hz) <= 1].sum(-1) / 4


def is_posterior(spectrum: Array, peak: Peak) -> bool | None:
    """Whether a rhythm is stronger at the back than in front; None where one of both is not measured."""
    back, front = (mean_of(power_around(spectrum[where], peak.hz), 0) for where in (POSTERIOR, FRONTAL))
    return bool(back >= front) if np.isfinite(back) and np.isfinite(front) else None


def frontal_peak(typical: Array, high: float) -> Peak | None:
    """A rhythm of 7 to 12.5 Hz that is higher in front than at the back by 2.5 dB, None if there is none.

    typical (C, F): the median over short windows. In the mean, spindles and the harmonics of spike-and-wave, which come
    in bursts of a second or two, stand out as much as a rhythm that lasts.
    """
    front, back = (mean_of(typical[where], 0) for where in (FRONTAL, POSTERIOR))
    peak = highest_peak(front, ANTERIOR_HZ, high)
    if peak is None or not (np.isfinite(back).all() and ANTERIOR_HZ[0] <= peak.hz <= ANTERIOR_HZ[1]):
        return None
    stands_out = peak.height >= ANTERIOR_DB and _above_sides(front, peak.hz) >= ABOVE_SIDES_DB
    over_back = decibel(power_around(front, peak.hz)) - decibel(power_around(back, peak.hz))
    return peak if stands_out and over_back >= OVER_BACK_DB else None


def _above_sides(power: Array, hz: float) -> float:
    """By how many dB a spectrum (F,) is higher at a frequency than on both sides of it."""
    level, (first, last) = decibel(power), SIDES_FROM_TO
    beside = [level[(sign * (HZ - hz) >= first) & (sign * (HZ - hz) <= last)].mean() for sign in (-1, 1)]
    return float(np.interp(hz, HZ, level) - np.mean(beside))


def sides(spectrum: Array, hz: float) -> float | None:
    """Left over right in dB of the rhythm at P3/P4 and O1/O2, None where neither pair is measured."""
    pairs = [-2, -1]  # the last two of PAIRS
    difference = decibel(power_around(spectrum[LEFT[pairs]], hz)) - decibel(power_around(spectrum[RIGHT[pairs]], hz))
    known = difference[np.isfinite(difference)]
    return float(known.mean()) if known.size else None


def reaction(spectra: Array, hz: float, closed: NDArray[np.bool_], opened: NDArray[np.bool_]) -> float | None:
    """By how many dB the posterior rhythm is lower with eyes open: of segments (C, N, F), (N,) bool each.

    None where fewer than two segments of one of both are measured.
    """
    power = mean_of(power_around(spectra[POSTERIOR], hz), 0)
    levels = [decibel(power[which & np.isfinite(power)]) for which in (closed, opened)]
    if min(map(len, levels)) < 2:
        return None
    return float(np.median(levels[0]) - np.median(levels[1]))
