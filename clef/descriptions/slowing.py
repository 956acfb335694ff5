"""Slowing: more slow activity than the recording's own background explains, everywhere or over one lobe.

Levels are whitened: divided by a power law of exponent 1.6, the awake EEG's between 1 and 40 Hz, so that bands far
apart can be compared. C = 19 electrodes · N segments · F bins · P = 7 pairs of electrodes; dB.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clef.descriptions.bands import band_power, decibel, mean_of, median_of
from clef.descriptions.places import BESIDE, HEMISPHERES, LEFT, MIDDLE, PAIRS, POSTERIOR, RIGHT, SIDES, lobe_of
from clef.descriptions.spectra import HZ

Array = NDArray[np.floating]
EXPONENT = 1.6
SLOW_HZ = ((1.5, 3.0), (2.5, 4.5), (4.0, 6.0))
"""Slowing lifts all of these; a rhythm, eye movements or a drift only one."""
ALPHA_HZ = (7.5, 12.0)
THETA_HZ = (4.0, 7.0)
EXCESS_DB, LEAST_EXCESS_DB, EXCESS_AGAINST_ALPHA_DB = 3.0, 1.5, -10.0
"""Slow activity 3 dB above the quiet part of the fast spectrum over both hemispheres; 1.5 dB are enough where posterior
alpha does not exceed it by 10 dB."""
THETA_DB, THETA_AGAINST_ALPHA_DB = 0.0, -4.0
"""Or theta that reaches the quiet part of the fast spectrum and comes within 4 dB of posterior alpha."""
FOCAL_SLOW_HZ, FOCAL_FAST_HZ = (1.5, 4.0), (14.0, 24.0)
FOCAL_DB = {"session": 2.5, "minute": 4.0, "segment": 6.0}
"""Left against right, beyond what the whole hemisphere differs by; more for short stretches, which scatter more."""
MORE_THAN_FAST_DB, FIELD_DB, FIELD_SHARE = 2.0, 0.6, 0.2
"""By so much the difference must exceed that of fast activity (else it is one of voltage), and so much and such a part
of it must be seen by a neighbour (else it is one electrode's)."""
BEYOND_VOLTAGE_DB = 2.0
"""And by so much the hemisphere's difference of fast activity. Nor is there a focus below the head's median level: the
other side is then the one that differs."""
HEMISPHERE = 0.25
"""Quantile of the pairs' differences that stands for the hemisphere: a focus may reach half of them."""
VOLTAGE_HZ, FRONT, BACK, EACH_DB = (8.0, 24.0), [0, 1], [-2, -1], 1.5
"""Voltage differs between hemispheres if it does by 1.5 dB at the frontal pairs and at the parietal and occipital ones
alike: discharges or a lesion lift only some, and a gap in the skull, those between. Slow activity is left out."""
FEWEST_PAIRS = 4
"""Pairs without which a hemisphere is not judged."""
PREVALENCES = ((0.9, "continuous"), (0.5, "abundant"), (0.1, "frequent"), (0.01, "occasional"), (0.0, "rare"))
"""The ACNS's words for the share of time (Hirsch et al. 2021, J Clin Neurophysiol 38:1)."""


@dataclass(frozen=True)
class Generalised:
    """Whitened levels against the fast background and against posterior alpha, in dB.

    slow: delta and theta of the less slow hemisphere, so that a focus is none · theta: over the middle of the head
    """

    slow_excess: float
    slow_against_alpha: float
    theta_excess: float
    theta_against_alpha: float

    @property
    def present(self) -> bool:
        """Whether the background is slowed."""
        little_alpha = self.slow_against_alpha >= EXCESS_AGAINST_ALPHA_DB
        slow = self.slow_excess >= (LEAST_EXCESS_DB if little_alpha else EXCESS_DB)
        theta = self.theta_excess >= THETA_DB and self.theta_against_alpha >= THETA_AGAINST_ALPHA_DB
        return slow or theta


@dataclass(frozen=True)
class Focus:
    """electrode: of the highest difference, in its lobe on its side · other: its counterpart · excess: dB."""

    electrode: str
    other: str
    lobe: str
    side: str
    pair: int
    excess: float


def generalised(spectrum: Array, high: float) -> Generalised | None:
    """Of a background's spectrum (C, F) against the average reference, measured up to `high` Hz.

    None without the electrodes for it. The average, because an ear or mastoid adds its own slow activity to all.
    """
    middle, back, *halves = (_whitened(median_of(spectrum[where], 0)) for where in (MIDDLE, POSTERIOR, *HEMISPHERES))
    if not all(np.isfinite(level).all() for level in (middle, back, *halves)):
        return None
    alpha = max(_mean(back, hz, hz + 1.5) for hz in np.arange(*ALPHA_HZ, 0.25))
    slow = [min(_mean(half, *between) for between in SLOW_HZ) for half in halves]
    excess = [level - _fast(half, high) for level, half in zip(slow, halves, strict=True)]
    theta = _mean(middle, *THETA_HZ)
    return Generalised(*map(float, (min(excess), min(slow) - alpha, theta - _fast(middle, high), theta - alpha)))


def _fast(level: Array, high: float) -> float:
    """The quiet part of the fast spectrum: neither beta nor muscle, which lift single hertz of it, are taken for it."""
    return float(np.quantile([_mean(level, hz, hz + 1) for hz in np.arange(12, min(45.0, high) - 1)], 0.15))


def _whitened(power: Array) -> Array:
    return decibel(power) + 10 * EXPONENT * np.log10(np.maximum(HZ, HZ[1]))


def _mean(level: Array, low: float, high: float) -> float:
    return float(level[(low <= HZ) & (high > HZ)].mean())


def differences(spectra: Array, between: tuple[float, float]) -> Array:
    """Left minus right in dB of the power `between` two frequencies: (C, …, F) -> (P, …)."""
    level = decibel(band_power(spectra, *between))
    return level[LEFT] - level[RIGHT]


def slow_level(spectra: Array) -> Array:
    """Level in dB of the slow power that a focus is looked for in: (C, …, F) -> (C, …)."""
    return decibel(band_power(spectra, *FOCAL_SLOW_HZ))


def focus(level: Array, slow: Array, fast: Array, limit: float, loose: Sequence[str] = ()) -> Focus | None:
    """The focus of slow activity; None if there is none.

    level (C,) dB of it · differences (P,) dB, left minus right, of slow and of fast power · loose: electrodes at which
    none is looked for
    """
    if np.isfinite(slow).sum() < FEWEST_PAIRS:
        return None
    best = None
    for sign, side in zip((1, -1), SIDES, strict=True):
        own, over_head = _own(sign * slow), level[LEFT if sign > 0 else RIGHT] - np.nanmedian(level)
        strong = (own >= limit) & (sign * (slow - fast) >= MORE_THAN_FAST_DB) & (over_head >= 0)
        strong &= sign * (slow - np.nanmedian(fast)) >= BEYOND_VOLTAGE_DB
        for pair in np.flatnonzero(strong):
            electrode, other = PAIRS[pair][:: int(sign)]
            seen_beside = any(own[i] >= max(FIELD_DB, FIELD_SHARE * own[pair]) for i in BESIDE[pair])
            if seen_beside and electrode not in loose and (best is None or own[pair] > best.excess):
                best = Focus(electrode, other, lobe_of(electrode), side, int(pair), float(own[pair]))
    return best


def _own(difference: Array) -> Array:
    """What pairs (P, …) differ by beyond what most of the hemisphere does: that would be one of voltage."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a segment without any pair
        return difference - np.nanquantile(difference, HEMISPHERE, axis=0)


def focal_share(slow: Array, at: Focus) -> float:
    """Share of segments that show a focus, of those in which its pair is measured; slow (P, N) differences in dB."""
    own = _own(slow if at.side == "left" else -slow)[at.pair]
    known = own[np.isfinite(own)]
    return float((known >= FOCAL_DB["session"]).mean()) if known.size else 0.0


def prevalence(share: float) -> str:
    """The ACNS's word for a share of time."""
    return next(word for least, word in PREVALENCES if share >= least)


def voltage_sides(spectra: Array) -> tuple[float, bool] | None:
    """Left over right in dB of power at 8–24 Hz, and whether it is so in front and at the back alike: (C, N, F).

    The median over segments, then the mean of the pairs in front and of those at the back; None where fewer than four
    pairs, or none in front or at the back, are measured.
    """
    pairs = median_of(differences(spectra, VOLTAGE_HZ), 1)
    ends = np.array([mean_of(pairs[where], 0) for where in (FRONT, BACK)])
    if np.isfinite(pairs).sum() < FEWEST_PAIRS or not np.isfinite(ends).all():
        return None
    middle = float(ends.mean())
    return middle, bool((np.sign(middle) * ends >= EACH_DB).all())


def mean_power(spectra: Array, electrode: int, between: tuple[float, float]) -> float:
    """Power in µV² of one electrode, the mean over segments: (C, N, F)."""
    return float(mean_of(band_power(spectra[electrode], *between), 0))
