"""Power that is planted in each minute of a synthetic session with a course, by electrode and frequency.

What `clef.importers.synthetic.course_signals` draws, as expected densities: rhythms and noise by their own, events by
the spectrum of their shape. Of the brain alone: no eyes, muscle, tremor or drift.

Shapes: F frequencies · m minutes of the course.
"""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from clef.descriptions.bands import BANDS
from clef.importers.synthetic import course_signals as drawn
from clef.importers.synthetic.course import COMA, N1, N2, REM, Course, W
from clef.importers.synthetic.signals import CENTRE, FRONT, WHOLE, slow
from clef.importers.synthetic.waves import bump, lobe, spike_and_wave, spindle, topography, triphasic

Array = NDArray[np.floating]
STEP = 0.25
HZ = np.arange(1, 30, STEP) + STEP / 2
RATE = 200
NAMES = ("delta", "theta", "alpha", "beta")


class Part(NamedTuple):
    """power (19,) at the electrodes · density (F,) per Hz · gain (m,) of the power in each minute"""

    power: Array
    density: Array
    gain: Array | float


def band_levels(z: dict[str, Any], course: Course) -> Array:
    """(4, m) dB: the geometric mean over electrodes of what is planted in delta, theta, alpha and beta."""
    total = np.zeros((19, len(HZ), len(course)))
    for part in (*_rhythms(z, course), *_slowing(z, course), *_sleep(z, course), *_events(z, course)):
        total += part.power[:, None, None] * part.density[None, :, None] * np.broadcast_to(part.gain, len(course))
    total += _seizures(z, course)
    if z["suppression"]:
        share = np.clip(z["suppression"] + 0.7 * (course.level - 0.5), 0.1, 0.93)
        total *= (1 - share) * 1.3**2 + share * 0.06**2
    bands = [total[:, (low <= HZ) & (high > HZ)].sum(1) for low, high in (BANDS[name] for name in NAMES)]
    return 10 * np.log10(np.stack(bands) * STEP).mean(1)


def _rhythm(hz: float, spread: float) -> Array:
    return np.exp(-((HZ - hz) ** 2) / (2 * spread**2)) / (spread * np.sqrt(2 * np.pi))


def _train(shape: Array, per_minute: float) -> Array:
    """Density of a waveform (n,) that comes at random times."""
    at = np.exp(-2j * np.pi * HZ[:, None] * np.arange(len(shape)) / RATE)
    return 2 * np.abs(at @ shape / RATE) ** 2 * per_minute / 60


def _clock(seconds: float) -> Array:
    return np.arange(int(seconds * RATE)) / RATE


def _by(values: tuple[float, ...], course: Course) -> Array:
    """(m,) the square of a value of each stage."""
    return np.array(values, float)[course.stage] ** 2


def _rhythms(z: dict[str, Any], course: Course) -> Iterator[Part]:
    awake, opened = course.stage == W, course.opened / course.unit
    alpha = _by(drawn.ALPHA, course) * np.where(awake, 0.45 + 1.1 * course.level, 1) ** 2
    alpha = alpha * (1 - opened + opened * (0.75 - 0.65 * course.level) ** 2)
    damaged = 1 - 0.5 * min(z["focal"], 1) * np.array([-1, 1]) * z["focal_side"] * (z["focal_lobe"] != "frontal")
    health = np.minimum(damaged, 1)
    left, right = (topography(s * 0.38, -0.85, 0.42) * h for s, h in zip((-1, 1), health, strict=True))
    posterior = (0.7 * z["alpha_uv"]) ** 2 * (left**2 + right**2 + (left + right) ** 2)
    yield Part(posterior, _rhythm(z["alpha_hz"], 0.35), alpha)
    front = sum(topography(s * 0.45, 0.6, 0.3) ** 2 * np.exp(-s * z["asymmetry"]) for s in (-1, 1))
    yield Part(front * (3 + 0.15 * z["alpha_uv"]) ** 2, _rhythm(z["alpha_hz"] + 0.3, 0.7), alpha)
    fast = sum(topography(s * 0.5, 0.4, 0.5) ** 2 for s in (-1, 1)) * 0.8**2 + WHOLE**2 * 0.6**2
    yield Part(fast * z["beta_uv"] ** 2, _rhythm(z["beta_hz"], 1.8), _by(drawn.BETA, course))
    yield Part(CENTRE**2 * z["theta_uv"] ** 2, _rhythm(5.8, 0.7), _by(drawn.THETA, course))
    yield Part(FRONT**2 * z["frontal_alpha_uv"] ** 2, _rhythm(11, 0.5), 1.0)
    yield Part(np.ones(19), 26 / HZ**1.6, 1.0)


def _slowing(z: dict[str, Any], course: Course) -> Iterator[Part]:
    depth = (0.4 + 1.2 * course.level) ** 2 if z["in_icu"] else 1.0
    places = sum(topography(x, y, 0.6) ** 2 for x in (-0.45, 0.45) for y in (-0.5, 0.5))
    degree = z["slowing"] + 0.2 * z["in_icu"]
    yield Part(places, slow(7.0, 60 * degree**1.5)(HZ) * (HZ < 14), depth)
    if z["focal"]:
        density = slow(z["focal_hz"], 420 * z["focal"] ** 2)(HZ) * (3 * z["focal_hz"] > HZ)
        yield Part(lobe(z["focal_side"], z["focal_lobe"], 0.38) ** 2, density, 1.0)


def _sleep(z: dict[str, Any], course: Course) -> Iterator[Part]:
    if z["coma"]:
        return
    n2, t = course.stage == N2, _clock(1.3)
    yield Part(topography(0, -0.1, 0.8) ** 2, _rhythm(5.0, 0.9), _by(drawn.SLEEP_THETA_UV, course))
    yield Part(topography(0, 0.45, 0.75) ** 2, _rhythm(1.0, 0.45), _by(drawn.SLOW_WAVE_UV, course))
    complexes = -95 * bump(t, 0.25, 0.09) + 60 * bump(t, 0.65, 0.2)
    yield Part(topography(0, 0.35, 0.6) ** 2, _train(complexes, 2.5), n2 * 1.0)
    rate = min(z["spindle_rate"] / max(n2.mean(), 0.2), 25)
    yield Part(topography(0, 0.2, 0.5) ** 2, _train(34 * spindle(_clock(1.1)), rate), n2 * 1.0)
    vertex = -70 * bump(_clock(0.5), 0.15, 0.035) + 25 * bump(_clock(0.5), 0.28, 0.06)
    yield Part(topography(0, 0.1, 0.4) ** 2, _train(vertex, 4), (course.stage == N1) * 1.0)
    t = _clock(4)
    saw = 22 * (1 - 2 * np.abs((2.6 * t) % 1 - 0.3)) * np.hanning(len(t)) ** 0.5
    yield Part(topography(0, 0.15, 0.5) ** 2, _train(saw, 2), (course.stage == REM) * 1.0)


def _events(z: dict[str, Any], course: Course) -> Iterator[Part]:
    """Transients of wakefulness, and discharges."""
    sharp, waking = spike_and_wave(_clock(0.5)), np.isin(course.stage, (W, COMA))
    clustered = 0.3 + 0.7 * course.sharp
    density = _train(drawn.TRANSIENT_UV * sharp, drawn.TRANSIENTS_A_MINUTE)
    yield Part(topography(0, -0.5, 0.55) ** 2, density, course.sharp * waking)
    if z["spike_rate"]:
        yield Part(lobe(z["spike_side"], z["spike_lobe"], 0.3) ** 2, _train(110 * sharp, z["spike_rate"]), clustered)
    yield Part((FRONT + 0.35) ** 2, _train(120 * sharp, 6 * z["wave_rate"]), clustered)
    yield Part((FRONT + 0.4) ** 2, _train(75 * triphasic(_clock(0.6)), 60 * z["gpd_hz"]), 1.0)
    if z["lpd_hz"]:
        yield Part(lobe(z["spike_side"], z["spike_lobe"], 0.5) ** 2, _train(130 * sharp, 60 * z["lpd_hz"]), 1.0)
    t = _clock(5)
    rhythmic = 45 * np.sin(2 * np.pi * 2.1 * t) * np.hanning(len(t)) ** 0.5
    yield Part(topography(0, 0.7, 0.7) ** 2, _train(rhythmic, 12 * z["grda_share"]), 1.0)


def seizure_lobe(z: dict[str, Any], fit: int) -> str:
    """Where a seizure of a minute is: 1 where it begins or ends, 2 in the frontal lobe, which 1 may be itself."""
    return z["spike_lobe"] if fit == 1 else ("frontal" if z["spike_lobe"] != "frontal" else "temporal")


def _seizures(z: dict[str, Any], course: Course) -> Array:
    """(19, F, m) of a rhythm that grows, slows from 7 to 2.5 Hz and widens in the course of 0.8 of a minute."""
    power = np.zeros((19, len(HZ), len(course)))
    part = (np.arange(200) + 0.5) / 200
    size = 110 * part**0.6 * np.clip(20 * (1 - part), 0, 1)
    wide = 0.8 * np.clip(2 * part - 0.8, 0, 1)
    for i in np.flatnonzero(course.fit):
        place = functools.partial(lobe, z["spike_side"], seizure_lobe(z, int(course.fit[i])))
        at = (place(width=0.3)[:, None] + place(width=0.7)[:, None] * wide) * size  # (19, 200)
        for harmonic, share in ((1, 0.5), (2, 0.35**2 / 2)):
            bins = np.clip(((harmonic * (7 - 4.5 * part) - 1) / STEP).astype(int), 0, len(HZ) - 1)
            spread = np.eye(len(HZ))[bins] / STEP / len(part)  # (200, F)
            power[:, :, i] += 0.8 * share * at**2 @ spread
    return power
