"""The EEG of a session with a course: what `signals.render` draws, following the session's minutes.

Stages, by the AASM's manual as a caricature: W alpha that eye opening blocks; N1 theta for alpha, slow eye movements,
vertex waves; N2 spindles and K-complexes; N3 slow waves above 75 µV; REM low voltage, sawtooth waves, rapid eye
movements, little muscle. Noise and events are drawn as in `signals`, whose parts that know no time are used here, too.
"""

import numpy as np

from clef.importers.synthetic.course import COMA, N1, N2, N3, REM, Course, W, course_of
from clef.importers.synthetic.signals import (
    CENTRE,
    FRONT,
    MIXING,
    WHOLE,
    add_artefacts,
    add_focal_slowing,
    add_muscle,
    bursts,
    discharges,
    gains,
    slow,
)
from clef.importers.synthetic.waves import Canvas, Streams, bump, lobe, spike_and_wave, spindle, topography

#             W    N1    N2    N3   REM  coma
ALPHA = (1.00, 0.25, 0.06, 0.03, 0.12, 1.00)
BETA = (1.00, 0.80, 0.70, 0.40, 0.80, 1.00)
THETA = (1.00, 1.60, 1.60, 1.00, 1.40, 1.00)
SLEEP_THETA_UV = (0, 11, 9, 6, 6, 0)
SLOW_WAVE_UV = (0, 0, 10, 42, 0, 0)
MUSCLE = (1.0, 0.5, 0.35, 0.3, 0.12, 0.6)
TRANSIENT_UV, TRANSIENTS_A_MINUTE = 38.0, 5.0
"""Benign sharp transients: everybody has them, a third as large as spikes."""


class Minutes:
    """The course of a session second by second, and its envelopes on a canvas."""

    def __init__(self, canvas: Canvas, z: dict):
        self.canvas, self.course = canvas, course_of(z, canvas.seconds)
        self.stage = self.each("stage", self.course.rest)
        self.level, self.sharp = self.each("level", 0.5), self.each("sharp", 1.0)
        self.open = self._eyes_open()

    def each(self, name: str, rest: float) -> np.ndarray:
        """(seconds,) a field of the course."""
        return self.course.each_second(name, self.canvas.seconds, rest)

    def by_stage(self, values: tuple[float, ...]) -> np.ndarray:
        """(seconds,) a value of each stage, smoothed over three seconds: no stage begins within one."""
        levels = np.array(values, np.float32)[self.stage]
        return np.convolve(np.pad(levels, 1, mode="edge"), np.full(3, 1 / 3, np.float32), "valid")

    def alpha(self) -> np.ndarray:
        """(seconds,) gain of the alpha rhythm: its level in waking minutes, less while eyes are open."""
        level = np.where(self.stage == W, 0.45 + 1.1 * self.level, 1.0)
        blocked = np.where(self.open, 0.75 - 0.65 * self.level, 1.0)
        return self.by_stage(ALPHA) * level * blocked

    def _eyes_open(self) -> np.ndarray:
        opens = np.zeros(self.canvas.seconds, bool)
        for i, (opening, opened) in enumerate(zip(self.course.opening, self.course.opened, strict=True)):
            at = int(i * self.course.unit + opening)
            opens[at : at + round(float(opened))] = True
        return opens & (self.stage == W)


def render_course(z: dict, rate: int, seconds: int, mains: int, streams: Streams) -> np.ndarray:
    """(19, n) float32 µV at `rate` Hz, not yet filtered: the EEG of `z`, a row of latents that has a course."""
    canvas = Canvas(streams, rate, seconds)
    minutes = Minutes(canvas, z)
    _rhythms(canvas, z, minutes)
    _slowing(canvas, z, minutes)
    if not z["coma"]:
        _sleep(canvas, z, minutes)
    _transients(canvas, minutes)
    # as clustered as the benign transients; periodic ones are there all the time
    discharges(canvas, z, lambda per_minute: _scatter(canvas, 0.3 + 0.7 * minutes.sharp, per_minute))
    _seizures(canvas, z, minutes.course)
    brain = canvas.mix() + MIXING @ canvas.noise(lambda f: 26 / f**1.6, 0.2, 55, 19)
    brain *= (z["voltage"] * gains(z))[:, None]
    if z["suppression"]:
        deeper = np.clip(z["suppression"] + 0.7 * (minutes.level - 0.5), 0.1, 0.93)
        brain *= bursts(canvas, deeper)
    states = {"open": minutes.open, "drowsy": np.isin(minutes.stage, (N1, N2, N3, REM))}
    add_artefacts(canvas, z, states, mains, rolling=(minutes.stage == N1).astype(np.float32))
    brain += canvas.mix()
    tone = minutes.by_stage(MUSCLE)
    runs = np.where(
        np.arange(seconds) % minutes.course.unit < 0.4 * minutes.course.unit, minutes.each("muscle", 0.7), 0.7
    )
    add_muscle(canvas, z, brain, tone * runs)
    return brain


def _rhythms(canvas: Canvas, z: dict, minutes: Minutes) -> None:
    awake = canvas.envelope(minutes.alpha())
    beta, theta = canvas.envelope(minutes.by_stage(BETA)), canvas.envelope(minutes.by_stage(THETA))
    damaged = 1 - 0.5 * min(z["focal"], 1) * np.array([-1, 1]) * z["focal_side"] * (z["focal_lobe"] != "frontal")
    shared = canvas.rhythm(z["alpha_hz"], 0.35, 0.7 * z["alpha_uv"])
    for side, health in zip((-1, 1), np.minimum(damaged, 1), strict=True):
        own = canvas.rhythm(z["alpha_hz"], 0.35, 0.7 * z["alpha_uv"])
        canvas.add(topography(side * 0.38, -0.85, 0.42) * np.float32(health), (own + shared) * awake)
        frontal = canvas.rhythm(z["alpha_hz"] + 0.3, 0.7, 3.0 + 0.15 * z["alpha_uv"]) * awake
        canvas.add(topography(side * 0.45, 0.6, 0.3) * np.float32(np.exp(-side * z["asymmetry"] / 2)), frontal)
        canvas.add(topography(side * 0.5, 0.4, 0.5), canvas.rhythm(z["beta_hz"], 1.8, 0.8 * z["beta_uv"]) * beta)
    canvas.add(WHOLE, canvas.rhythm(z["beta_hz"], 1.8, 0.6 * z["beta_uv"]) * beta)
    canvas.add(CENTRE, canvas.rhythm(5.8, 0.7, z["theta_uv"]) * theta)
    if z["frontal_alpha_uv"]:
        canvas.add(FRONT, canvas.rhythm(11.0, 0.5, z["frontal_alpha_uv"]))


def _slowing(canvas: Canvas, z: dict, minutes: Minutes) -> None:
    """As without a course, but in intensive care the slowing follows the depth of each minute."""
    depth = canvas.envelope(0.4 + 1.2 * minutes.level) if z["in_icu"] else np.float32(1)
    degree = z["slowing"] + 0.2 * z["in_icu"]
    for place in ((-0.45, 0.5), (0.45, 0.5), (-0.45, -0.5), (0.45, -0.5)):
        canvas.add(topography(*place, 0.6), canvas.noise(slow(7.0, 60 * degree**1.5), 0.2, 14)[0] * depth)
    add_focal_slowing(canvas, z)


def _sleep(canvas: Canvas, z: dict, minutes: Minutes) -> None:
    stage = minutes.stage
    canvas.add(
        topography(0, -0.1, 0.8), canvas.rhythm(5.0, 0.9, 1.0) * canvas.envelope(minutes.by_stage(SLEEP_THETA_UV))
    )
    slow_waves = canvas.rhythm(1.0, 0.45, 1.0) * canvas.envelope(minutes.by_stage(SLOW_WAVE_UV))
    canvas.add(topography(0, 0.45, 0.75), slow_waves)
    t = canvas.clock(0.5)
    vertex = -70 * bump(t, 0.15, 0.035) + 25 * bump(t, 0.28, 0.06)
    canvas.add(topography(0, 0.1, 0.4), canvas.train(canvas.scatter(stage == N1, 4), vertex))
    t = canvas.clock(1.3)
    complexes = -95 * bump(t, 0.25, 0.09) + 60 * bump(t, 0.65, 0.2)
    canvas.add(topography(0, 0.35, 0.6), canvas.train(canvas.scatter(stage == N2, 2.5), complexes))
    dense = stage == N2 if z["spindle_rate"] > 0 else np.zeros(canvas.seconds, bool)
    rate = min(z["spindle_rate"] / max(dense.mean(), 0.2), 25)
    canvas.add(topography(0, 0.2, 0.5), canvas.train(canvas.scatter(dense, rate), 34 * spindle(canvas.clock(1.1))))
    _rem(canvas, stage == REM)


def _rem(canvas: Canvas, rem: np.ndarray) -> None:
    """Sawtooth waves in runs, and rapid eye movements: opposite deflections at F7 and F8."""
    t = canvas.clock(4)
    saw = 22 * (1 - 2 * np.abs((2.6 * t) % 1 - 0.3)) * np.hanning(len(t)) ** 0.5
    canvas.add(topography(0, 0.15, 0.5), canvas.train(canvas.scatter(rem, 2), saw.astype(np.float32)))
    t = canvas.clock(0.8)
    jerk = 90 * np.clip(t / 0.05, 0, 1) * np.exp(-t / 0.35)
    eyes = topography(-0.85, 0.65, 0.3) - topography(0.85, 0.65, 0.3)
    for side in (-1, 1):
        canvas.add(side * eyes, canvas.train(canvas.scatter(rem, 6), jerk.astype(np.float32), 0.4))


def _scatter(canvas: Canvas, weight: np.ndarray, per_minute: float) -> np.ndarray:
    """Times (s) of events at a mean rate of `per_minute` times `weight` (seconds,)."""
    counts = canvas.events.poisson(per_minute / 60 * weight)
    return np.repeat(np.arange(canvas.seconds), counts) + canvas.events.random(int(counts.sum()))


def _transients(canvas: Canvas, minutes: Minutes) -> None:
    times = _scatter(canvas, minutes.sharp * np.isin(minutes.stage, (W, COMA)), TRANSIENTS_A_MINUTE)
    shape = TRANSIENT_UV * spike_and_wave(canvas.clock(0.5))
    canvas.add(topography(0, -0.5, 0.55), canvas.train(times, shape))


def _seizures(canvas: Canvas, z: dict, course: Course) -> None:
    """In each minute of a seizure a rhythm that grows, slows from 7 to 2.5 Hz and widens, over one of two lobes."""
    for i in np.flatnonzero(course.fit):
        t = canvas.clock(0.8 * course.unit)
        part = t / t[-1]
        phase = 2 * np.pi * np.cumsum(7 - 4.5 * part) / canvas.rate + 0.3 * np.sin(9 * part)
        wave = np.sin(phase) + 0.35 * np.sin(2 * phase + 0.8)  # sharply contoured, as seizures are
        grown = (110 * part**0.6 * wave * np.clip(20 * (1 - part), 0, 1)).astype(np.float32)
        place = z["spike_lobe"] if course.fit[i] == 1 else ("frontal" if z["spike_lobe"] != "frontal" else "temporal")
        start = [(i + 0.1) * course.unit]
        canvas.add(lobe(z["spike_side"], place, 0.3), canvas.train(start, grown, 0.1))
        spread = grown * np.clip(2 * part - 0.8, 0, 1).astype(np.float32)
        canvas.add(lobe(z["spike_side"], place, 0.7), canvas.train(start, 0.8 * spread, 0.1))
