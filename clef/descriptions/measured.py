"""What is measured of a session before anything is said of it: spectra, amplitude, limits, quality, eyes.

C = 19 electrodes · N segments of 10 s · T seconds · F bins of 0.25 Hz.
"""

import dataclasses
import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clef.descriptions.bands import Limits, limits_of, mean_of
from clef.descriptions.rhythms import best_segments
from clef.descriptions.spectra import HZ, SEGMENT, segment_spectra, typical_spectrum, usable_seconds
from clef.descriptions.statements import Scope
from clef.descriptions.suppression import Envelope, envelope_of
from tokenizer.channels import CHANNELS
from tokenizer.quality.measures import BAD_FLAGS, LIMITS
from tokenizer.reading.gate import COMMON, common_share
from tokenizer.recording import Session
from tokenizer.reference import referenced

MINUTE = 6
"""Segments."""
ALL_COMMON = 0.9
"""Share of the power that all electrodes have in common, from which on what is left is too little to be compared."""
FEWEST = 8
"""Usable electrodes without which a stretch is not described."""
LOOSE = LIMITS["pops_per_minute"]
"""Pops a minute from which on an electrode is loose."""
OPEN, CLOSED = 0, 1
"""Values of `eyes`; anything else: not known."""
MOSTLY = {OPEN: 7, CLOSED: 9}
"""Seconds of a segment that must be so; one opening lasts 10 to 20 s and keeps to no segment."""


@dataclass(frozen=True)
class Measured:
    """spectra (C, N, F) µV²/Hz as recorded, NaN where not measured · averaged: the same against the average reference
    usable (C, T) bool · recorded (C,) bool · common: share of the power that all electrodes have in common
    quality: 19 rows of tokenizer.quality, or none · eyes (T,) int: 0 open, 1 closed, or None: nobody says
    typical (C, F) µV²/Hz: what most seconds of the best background show, the reference as in `comparable`
    """

    spectra: NDArray[np.floating]
    averaged: NDArray[np.floating]
    usable: NDArray[np.bool_]
    envelope: Envelope
    limits: Limits
    mains: int
    common: float
    recorded: NDArray[np.bool_]
    quality: list[dict[str, Any]] = field(default_factory=list)
    eyes: NDArray[np.int_] | None = None
    typical: NDArray[np.floating] = field(default_factory=lambda: np.full((len(CHANNELS), len(HZ)), np.nan))

    @functools.cached_property
    def enough(self) -> NDArray[np.bool_]:
        """Segments with so many electrodes that they are described: (N,) bool."""
        return np.isfinite(self.spectra[..., 1]).sum(0) >= FEWEST

    @property
    def loose(self) -> dict[str, float]:
        """Electrodes that pop, and how often a minute: slow activity there may be the electrode's own."""
        pops = {row["channel"]: row["pops_per_minute"] for row in self.quality}
        return {name: rate for name, rate in pops.items() if rate is not None and rate >= LOOSE}

    @property
    def electrodes(self) -> NDArray[np.bool_]:
        """Electrodes that are measured in a tenth of the segments or more: (C,) bool."""
        return np.isfinite(self.spectra[..., 1]).mean(1) >= 0.1

    @functools.cached_property
    def best(self) -> NDArray[np.bool_]:
        """Segments of the best background: (N,) bool."""
        return best_segments(np.where(self.enough[:, None], self.comparable, np.nan))

    @property
    def comparable(self) -> NDArray[np.floating]:
        """The spectra in which places are compared: against the average where the reference is in all electrodes."""
        return self.averaged if self.common > COMMON else self.spectra

    @property
    def places_forbidden(self) -> str | None:
        """Why places cannot be compared, None if they can."""
        if self.common <= ALL_COMMON:
            return None
        return f"{self.common:.0%} of the power is common to all electrodes"

    def eyes_are(self, state: int) -> NDArray[np.bool_]:
        """Segments in which the eyes are open, or closed, for most of the time: (N,) bool."""
        count = self.spectra.shape[1]
        if self.eyes is None:
            return np.zeros(count, bool)
        return (self.eyes[: count * SEGMENT].reshape(count, SEGMENT) == state).sum(1) >= MOSTLY[state]


@dataclass(frozen=True)
class Stretch:
    """Some segments of a session, seconds `start` to `stop`: the mean spectrum (C, F), and that of each segment."""

    scope: Scope
    segments: slice
    spectra: NDArray[np.floating]
    """(C, n, F) µV²/Hz, as recorded; against the average where the recording's reference is in all electrodes"""
    averaged: NDArray[np.floating]
    """(C, n, F) µV²/Hz, against the average reference"""

    @property
    def start(self) -> int:
        """Seconds."""
        return self.segments.start * SEGMENT

    @property
    def stop(self) -> int:
        """Seconds."""
        return self.segments.stop * SEGMENT

    @property
    def spectrum(self) -> NDArray[np.floating]:
        """(C, F) µV²/Hz."""
        return mean_of(self.spectra, 1)


def measure(
    session: Session, quality: list[dict[str, Any]] | None = None, eyes: NDArray[np.int_] | None = None
) -> Measured:
    """Measure a session; electrodes that `quality` (rows of tokenizer.quality) calls bad are left out."""
    rows = quality or []
    bad = np.array([bool(set(row["flags"]) & set(BAD_FLAGS)) for row in rows] or [False] * len(session.signal))
    usable = usable_seconds(session, bad)
    spectra = segment_spectra(session, usable)
    kept = dataclasses.replace(session, channel_ok=session.channel_ok & ~bad)
    against_average = referenced(kept, "average")
    averaged = segment_spectra(against_average, usable)
    limits = limits_of(mean_of(spectra, 1), session.rate)
    measured = Measured(
        *(spectra, averaged, usable, envelope_of(session, usable), limits, session.mains_hz, common_share(session)),
        *(session.channel_ok, rows, eyes),
    )
    compared = against_average if measured.common > COMMON else session
    return dataclasses.replace(measured, typical=typical_spectrum(compared, usable, measured.best))


def stretches(measured: Measured, scope: Scope, size: int) -> list[Stretch]:
    """A session cut into stretches of `size` segments, the last one shorter; without its undescribed segments."""
    count = measured.spectra.shape[1]
    kinds = (measured.comparable, measured.averaged)
    known = [np.where(measured.enough[:, None], spectra, np.nan) for spectra in kinds]
    cuts = [slice(first, min(first + size, count)) for first in range(0, count, size)]
    return [Stretch(scope, cut, *(spectra[:, cut] for spectra in known)) for cut in cuts]
