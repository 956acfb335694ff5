"""Statements on a segment of 10 s or a minute: power, dominant band and trend, rhythm, slowing, suppression, energy."""

import numpy as np
from numpy.typing import NDArray

from clef.descriptions import slowing
from clef.descriptions.artefacts import left_out
from clef.descriptions.bands import BANDS, band_levels, band_power, decibel, mean_of, trend_limits, trends
from clef.descriptions.measured import FEWEST, MINUTE, Measured, Stretch, stretches
from clef.descriptions.places import POSTERIOR, lobe_of, names_of, side_of
from clef.descriptions.rhythms import is_posterior, posterior_peak, power_around
from clef.descriptions.statements import Number, Scope, Statement
from clef.descriptions.tiers import LEVEL_DB, tiers_of
from tokenizer.channels import CHANNELS

SIZES: dict[Scope, int] = {"segment": 1, "minute": MINUTE}
"""Segments of a stretch."""
BEFORE = {"segment": 6, "minute": 5}
"""Earlier stretches that a trend is measured against."""
LEAST_TREND = {"segment": 2.0, "minute": 1.5}
"""dB."""


def part_statements(measured: Measured, scope: Scope) -> list[Statement]:
    """All statements on the segments or minutes of a session, in order of time."""
    parts, names = stretches(measured, scope, SIZES[scope]), measured.limits.measured
    spectra = np.stack([part.spectrum for part in parts], 1)
    levels = band_levels(spectra, names, measured.mains)
    changes, limits = trends(levels, BEFORE[scope]), trend_limits(levels, LEAST_TREND[scope])
    statements = []
    for i, part in enumerate(parts):
        if not np.isfinite(levels[:, i]).any():
            statements.append(_unmeasured(measured, part))
            continue
        statements += [power(part, names, levels[:, i]), dominant(part, names, levels[:, i], changes[:, i], limits)]
        statements += [s for s in (_rhythm(measured, part), *_slowing(measured, part)) if s]
        more = (_suppression(measured, part), energy(measured, part), _artefact(measured, part))
        statements += [s for s in more if s and s.present]
    return statements


def _unmeasured(measured: Measured, part: Stretch) -> Statement:
    best = int(np.isfinite(measured.spectra[:, part.segments, 1]).sum(0).max(initial=0))
    reason = f"{best or 'no'} usable electrodes, expected at least {FEWEST}"
    return Statement(part.scope, part.start, part.stop, "power", None, forbidden=reason)


def power(part: Stretch, names: list[str], levels: NDArray[np.floating]) -> Statement:
    """Power in each measured band, of `levels` (K,) dB re 1 µV²."""
    numbers = tuple((name, float(10 ** (level / 10)), "µV²") for name, level in zip(names, levels, strict=True))
    return Statement(part.scope, part.start, part.stop, "power", True, numbers=numbers)


def dominant(
    part: Stretch, names: list[str], levels: NDArray[np.floating], changes: NDArray[np.floating], limits: NDArray
) -> Statement:
    """The band with most power, its share, and its change against what came before."""
    powers, top = 10 ** (levels / 10), int(np.argmax(levels))
    numbers: tuple[Number, ...] = (("share", float(powers[top] / powers.sum()), "1"),)
    if np.isfinite(changes[top]):
        numbers += (("change", float(changes[top]), "dB"), ("limit", float(limits[top]), "dB"))
    return Statement(part.scope, part.start, part.stop, "dominant band", True, band=names[top], numbers=numbers)


def _rhythm(measured: Measured, part: Stretch) -> Statement | None:
    peak = posterior_peak(part.spectrum, measured.limits.high)
    if peak is None or not is_posterior(part.spectrum, peak):
        return None
    numbers = (("frequency", peak.hz, "Hz"), ("height", peak.height, "dB"))
    lobe, side, amplitude = highest_posterior(part.spectrum, peak.hz)
    numbers += (("amplitude", amplitude, "µV RMS"),)
    return Statement(part.scope, part.start, part.stop, "posterior rhythm", True, lobe, side, numbers=numbers)


def highest_posterior(spectrum: NDArray[np.floating], hz: float) -> tuple[str, str | None, float]:
    """Lobe and side of the posterior electrode where a rhythm is highest, and its µV RMS there; spectrum (C, F)."""
    around = power_around(spectrum[POSTERIOR], hz)
    top = int(np.nanargmax(around))
    (name,) = names_of(POSTERIOR[[top]])
    return lobe_of(name), side_of(name), float(np.sqrt(around[top]))


def _slowing(measured: Measured, part: Stretch) -> list[Statement]:
    place, statements = (part.scope, part.start, part.stop), []
    general = slowing.generalised(mean_of(part.averaged, 1), measured.limits.high)
    if general and general.present and measured.limits.forbidden("delta") is None:
        statements.append(Statement(*place, "generalised slowing", True, numbers=general_numbers(general)))
    if measured.places_forbidden or measured.limits.forbidden("delta"):
        return statements
    slow, fast = (slowing.differences(part.spectrum, hz) for hz in (slowing.FOCAL_SLOW_HZ, slowing.FOCAL_FAST_HZ))
    level, limit = slowing.slow_level(part.spectrum), slowing.FOCAL_DB[part.scope]
    if focus := slowing.focus(level, slow, fast, limit, [*measured.loose]):
        numbers = focal_numbers(focus, part.spectra)
        statements.append(Statement(*place, "focal slowing", True, focus.lobe, focus.side, "delta", numbers))
    return statements


def general_numbers(general: slowing.Generalised) -> tuple[Number, ...]:
    """What generalised slowing rests on."""
    return (
        ("delta and theta above the fast background", general.slow_excess, "dB"),
        ("delta and theta against posterior alpha", general.slow_against_alpha, "dB"),
        ("theta above the fast background", general.theta_excess, "dB"),
        ("theta against posterior alpha", general.theta_against_alpha, "dB"),
    )


def focal_numbers(focus: slowing.Focus, spectra: NDArray[np.floating]) -> tuple[Number, ...]:
    """What a focus rests on: delta at its electrode and at the other side's, and the difference in excess."""
    powers = [slowing.mean_power(spectra, CHANNELS.index(e), BANDS["delta"]) for e in (focus.electrode, focus.other)]
    return (
        (f"delta at {focus.electrode}", powers[0], "µV²"),
        (f"delta at {focus.other}", powers[1], "µV²"),
        ("beyond the hemisphere", focus.excess, "dB"),
    )


def _suppression(measured: Measured, part: Stretch) -> Statement | None:
    share = measured.envelope.between(part.start, part.stop).share
    if not share:
        return None
    return Statement(part.scope, part.start, part.stop, "suppression", True, numbers=(("share", share, "1"),))


def _artefact(measured: Measured, part: Stretch) -> Statement | None:
    share = left_out(measured, part.start, part.stop)
    numbers = (("left out", share, "1"),)
    return Statement(part.scope, part.start, part.stop, "artefact", True, numbers=numbers) if share else None


def energy(measured: Measured, part: Stretch) -> Statement | None:
    """The electrodes of the highest tier of energy at 1–30 Hz; absent where the energy is even."""
    place = (part.scope, part.start, part.stop, "energy")
    if measured.places_forbidden:
        return Statement(*place, None, forbidden=measured.places_forbidden)
    level = decibel(band_power(part.spectrum, 1.0, min(30.0, measured.limits.high), measured.mains))
    tiers = tiers_of(level)
    if tiers is None:
        return Statement(*place, None, forbidden="fewer than six electrodes are measured")
    numbers = (("highest tier", tiers.means[2], "dB"), ("middle tier", tiers.means[1], "dB"),
               ("lowest tier", tiers.means[0], "dB"))  # fmt: skip
    levels = tuple((name, level[i], "dB") for i, name in zip(tiers.highest, names_of(tiers.highest), strict=True))
    return Statement(*place, tiers.span >= LEVEL_DB, numbers=(*numbers, *levels))
