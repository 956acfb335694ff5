"""Statements on a whole session: each kind once, seen, not seen, or not measured."""

import numpy as np
from numpy.typing import NDArray

from clef.descriptions import slowing
from clef.descriptions.artefacts import artefacts
from clef.descriptions.bands import BANDS, band_levels, mean_of, median_of
from clef.descriptions.measured import CLOSED, OPEN, Measured, stretches
from clef.descriptions.parts import dominant, energy, focal_numbers, general_numbers, highest_posterior, power
from clef.descriptions.places import FRONTAL, MIDDLE, POSTERIOR, SIDES, missing_regions
from clef.descriptions.rhythms import (
    BETA_HZ,
    FAST_DB,
    SIDES_HZ,
    Peak,
    frontal_peak,
    highest_peak,
    is_posterior,
    posterior_peak,
    reaction,
    sides,
)
from clef.descriptions.statements import Number, Statement
from clef.descriptions.suppression import BURST_SUPPRESSION, LEAST_SHARE

Array = NDArray[np.floating]
ALPHA_SIDES_DB, VOLTAGE_SIDES_DB = 3.5, 2.5
"""Left against right: amplitudes as 1.5 to 1, and as 1.33 to 1 over a hemisphere (a reader's "mild" asymmetry is below
2 to 1)."""
BLOCKED_DB = 3.0
"""A rhythm that loses half its power when the eyes open reacts."""
TREND_DB = 2.0
"""The last third of a session against the first."""


class Whole:
    """The statements on one session."""

    def __init__(self, measured: Measured) -> None:
        self.measured, self.high = measured, measured.limits.high
        count = measured.spectra.shape[1]
        (self.stretch,) = stretches(measured, "session", count)
        self.best = mean_of(self.stretch.spectra[:, measured.best], 1)
        """The best background's spectrum (C, F)."""
        peak = posterior_peak(self.best, self.high)
        self.peak = peak if peak and is_posterior(self.best, peak) else None

    def statements(self) -> list[Statement]:
        """All kinds in the order in which a report has them."""
        return [
            *(self._say("region", None, lobe, side, forbidden=f"{', '.join(names)} not usable")
              for lobe, side, names in missing_regions(self.measured.electrodes)),
            *self._bands(), self._posterior(), self._anterior(), self._reactivity(), self._alpha_sides(),
            self._voltage_sides(), self._generalised(), self._focal(), self._fast(), *self._suppression(),
            energy(self.measured, self.stretch), *self._artefacts(),
        ]  # fmt: skip

    def _say(
        self,
        kind: str,
        present: bool | None,
        lobe: str | None = None,
        side: str | None = None,
        band: str | None = None,
        numbers: tuple[Number, ...] = (),
        forbidden: str | None = None,
    ) -> Statement:
        place = (self.stretch.scope, self.stretch.start, self.stretch.stop)
        return Statement(*place, kind, present, lobe, side, band, numbers, forbidden)

    def _bands(self) -> list[Statement]:
        limits, names = self.measured.limits, self.measured.limits.measured
        levels = band_levels(self.stretch.spectra, names, self.measured.mains)
        whole = 10 * np.log10(mean_of(10 ** (levels / 10), 1))
        third = levels.shape[1] // 3
        change = np.full(len(names), np.nan)
        if third:
            change = median_of(levels[:, -third:], 1) - median_of(levels[:, :third], 1)
        unmeasured = [self._say("power", None, band=band, forbidden=limits.forbidden(band)) for band in BANDS
                      if band not in names]  # fmt: skip
        named = dominant(self.stretch, names, whole, change, np.full(len(names), TREND_DB))
        return [power(self.stretch, names, whole), *unmeasured, named]

    def _posterior(self) -> Statement:
        back = posterior_peak(self.best, self.high) if self.peak is None else self.peak
        if not np.isfinite(self.best).any() or (back and is_posterior(self.best, back) is None):
            return self._say("posterior rhythm", None, forbidden="needs usable posterior and frontal electrodes")
        if self.peak is None:
            return self._say("posterior rhythm", False)
        lobe, side, amplitude = highest_posterior(self.best, self.peak.hz)
        numbers = (*_peak_numbers(self.peak), ("amplitude", amplitude, "µV RMS"))
        return self._say("posterior rhythm", True, lobe, side, numbers=numbers)

    def _anterior(self) -> Statement:
        typical = self.measured.typical
        if not all(np.isfinite(typical[where]).any() for where in (FRONTAL, POSTERIOR)):
            return self._say("anterior rhythm", None, forbidden="needs usable posterior and frontal electrodes")
        peak = frontal_peak(typical, self.high)
        return self._say("anterior rhythm", peak is not None, "frontal" if peak else None,
                         numbers=_peak_numbers(peak) if peak else ())  # fmt: skip

    def _reactivity(self) -> Statement:
        if self.peak is None:
            return self._say("reactivity", None, forbidden="no posterior dominant rhythm to react")
        if self.measured.eyes is None:
            return self._say("reactivity", None, forbidden="nothing says when the eyes were open and closed")
        closed, opened = (self.measured.eyes_are(state) for state in (CLOSED, OPEN))
        loss = reaction(self.stretch.spectra, self.peak.hz, closed, opened)
        if loss is None:
            reason = "fewer than two segments with open, or with closed eyes"
            return self._say("reactivity", None, forbidden=reason)
        return self._say("reactivity", loss >= BLOCKED_DB, numbers=(("loss with open eyes", loss, "dB"),))

    def _alpha_sides(self) -> Statement:
        kind = "alpha asymmetry"
        if self.peak is None or self.measured.places_forbidden:
            reason = self.measured.places_forbidden or "no posterior dominant rhythm to compare"
            return self._say(kind, None, forbidden=reason)
        if not SIDES_HZ[0] <= self.peak.hz <= SIDES_HZ[1]:
            reason = f"the posterior rhythm is one of {self.peak.hz:.1f} Hz, not of {SIDES_HZ[0]:g} to {SIDES_HZ[1]:g}"
            return self._say(kind, None, forbidden=reason)
        return self._lower_side(kind, sides(self.best, self.peak.hz), ALPHA_SIDES_DB, "occipital")

    def _voltage_sides(self) -> Statement:
        if self.measured.places_forbidden:
            return self._say("voltage asymmetry", None, forbidden=self.measured.places_forbidden)
        difference, agree = slowing.voltage_sides(self.stretch.spectra) or (None, True)
        return self._lower_side("voltage asymmetry", difference, VOLTAGE_SIDES_DB if agree else np.inf, None)

    def _lower_side(self, kind: str, difference: float | None, limit: float, lobe: str | None) -> Statement:
        """`difference`: left over right in dB, None if it is not measured."""
        if difference is None:
            return self._say(kind, None, forbidden="needs usable electrodes of the same places on both sides")
        numbers, present = (("left over right", difference, "dB"),), abs(difference) >= limit
        side = SIDES[difference > 0] if present else None
        return self._say(kind, present, lobe if present else None, side, numbers=numbers)

    def _generalised(self) -> Statement:
        best = mean_of(self.stretch.averaged[:, self.measured.best], 1)
        general = slowing.generalised(best, self.high)
        reason = self.measured.limits.forbidden("delta")
        if reason or general is None:
            reason = reason or "needs usable electrodes of both hemispheres and at the back"
            return self._say("generalised slowing", None, forbidden=reason)
        return self._say("generalised slowing", general.present, numbers=general_numbers(general))

    def _focal(self) -> Statement:
        reason = self.measured.limits.forbidden("delta") or self.measured.places_forbidden
        if reason:
            return self._say("focal slowing", None, forbidden=reason)
        spectra = self.stretch.spectra
        slow, fast = (slowing.differences(spectra, hz) for hz in (slowing.FOCAL_SLOW_HZ, slowing.FOCAL_FAST_HZ))
        pairs = median_of(slow, 1)
        if np.isfinite(pairs).sum() < slowing.FEWEST_PAIRS:
            return self._say("focal slowing", None, forbidden="needs four pairs of usable left and right electrodes")
        level = median_of(slowing.slow_level(spectra), 1)
        limit, loose = slowing.FOCAL_DB["session"], self.measured.loose
        at_any = slowing.focus(level, pairs, median_of(fast, 1), limit)
        focus = slowing.focus(level, pairs, median_of(fast, 1), limit, [*loose])
        if at_any is not None and focus is None:
            reason = f"it would be at {at_any.electrode}, which pops {loose[at_any.electrode]:.1f} times a minute"
            return self._say("focal slowing", None, forbidden=reason)
        if focus is None:
            return self._say("focal slowing", False)
        numbers = (*focal_numbers(focus, spectra), ("share of segments", slowing.focal_share(slow, focus), "1"))
        return self._say("focal slowing", True, focus.lobe, focus.side, "delta", numbers)

    def _fast(self) -> Statement:
        where = np.union1d(MIDDLE, FRONTAL)
        peak = highest_peak(mean_of(median_of(self.stretch.spectra[where], 1), 0), BETA_HZ, self.high)
        if reason := self.measured.limits.forbidden("beta"):
            return self._say("fast activity", None, forbidden=reason)
        present = peak is not None and peak.height >= FAST_DB
        return self._say("fast activity", present, band="beta", numbers=_peak_numbers(peak) if peak else ())

    def _suppression(self) -> list[Statement]:
        share = self.measured.envelope.share
        if share is None:
            reason = "fewer than four usable electrodes at a time"
            return [self._say(kind, None, forbidden=reason) for kind in ("suppression", "bursts")]
        present = share >= LEAST_SHARE
        count, length = self.measured.envelope.bursts() if present else (0, 0.0)
        minutes = np.isfinite(self.measured.envelope.amplitude).sum() / 240
        numbers = (("rate", count / minutes, "1/min"), ("length", length, "s")) if count else ()
        parts: tuple[Number, ...] = (("share", share, "1"), ("burst suppression from", BURST_SUPPRESSION, "1"))
        return [self._say("suppression", present, numbers=parts[: 1 + present]),
                self._say("bursts", count > 0, numbers=numbers)]  # fmt: skip

    def _artefacts(self) -> list[Statement]:
        return [self._say("artefact", True, numbers=numbers) for numbers in artefacts(self.measured)]


def _peak_numbers(peak: Peak) -> tuple[Number, ...]:
    return ("frequency", peak.hz, "Hz"), ("height", peak.height, "dB")
