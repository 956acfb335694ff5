"""The EEG of one session from its latents: a caricature a neurophysiologist recognises, not a model of the brain.

`render` draws 19 electrodes in µV, referential, as a reader would see them: background, rhythms and states first,
then discharges, then what a lesion or a drug does to all of it, then artefacts. Negative is surface-negative.
The slowing has the shape of the background below its upper frequency, so that how much slow activity there is
cannot be confused with the amplifier's high-pass filter.
"""

from collections.abc import Callable

import numpy as np

from clef.importers.synthetic.waves import (
    XY,
    Canvas,
    Streams,
    bump,
    conduction,
    lobe,
    spike_and_wave,
    spindle,
    topography,
    triphasic,
)
from tokenizer.channels import CHANNELS

MIXING = conduction(0.42)
FRONT, CENTRE = topography(0, 0.6, 0.55), topography(0, 0.05, 0.5)
WHOLE = np.full(19, 0.9, np.float32) + 0.25 * FRONT


def render(z: dict, rate: int, seconds: int, mains: int, streams: Streams) -> np.ndarray:
    """(19, n) float32 µV at `rate` Hz, not yet filtered: the EEG of `z`, one row of its `latents`."""
    canvas = Canvas(streams, rate, seconds)
    states = draw_states(canvas, z)
    _rhythms(canvas, z, states)
    _slowing(canvas, z)
    _sleep(canvas, z, states)
    always = np.ones(canvas.seconds, bool)
    discharges(canvas, z, lambda per_minute: canvas.scatter(always, per_minute))
    _seizures(canvas, z)
    brain = canvas.mix() + MIXING @ canvas.noise(lambda f: 26 / f**1.6, 0.2, 55, 19)
    brain *= (z["voltage"] * gains(z))[:, None]
    if z["suppression"]:
        brain *= bursts(canvas, np.full(seconds, z["suppression"]))
    add_artefacts(canvas, z, states, mains)
    brain += canvas.mix()
    add_muscle(canvas, z, brain)
    return brain


def draw_states(canvas: Canvas, z: dict) -> dict[str, np.ndarray]:
    """Seconds (seconds,) bool with `open` eyes and of `drowsy`; eyes open for about a fifth of the waking time."""
    is_open, drowsy = np.zeros(canvas.seconds, bool), np.zeros(canvas.seconds, bool)
    rng = canvas.events
    while drowsy.mean() < z["drowsy_share"] - 10 / canvas.seconds:
        start = int(rng.integers(0, canvas.seconds))
        drowsy[start : start + int(rng.integers(20, 60))] = True
        drowsy[np.flatnonzero(drowsy)[int(z["drowsy_share"] * canvas.seconds) + 1 :]] = False
    if not z["coma"]:
        for _ in range(1 + canvas.seconds // 75):
            start = int(rng.integers(0, canvas.seconds))
            is_open[start : start + int(rng.integers(10, 25))] = True
    return {"open": is_open & ~drowsy, "drowsy": drowsy}


def _rhythms(canvas: Canvas, z: dict, states: dict) -> None:
    awake = canvas.envelope(np.where(states["open"], 0.2, np.where(states["drowsy"], 0.3, 1.0)))
    damaged = 1 - 0.5 * min(z["focal"], 1) * np.array([-1, 1]) * z["focal_side"] * (z["focal_lobe"] != "frontal")
    shared = canvas.rhythm(z["alpha_hz"], 0.35, 0.7 * z["alpha_uv"])
    for side, health in zip((-1, 1), np.minimum(damaged, 1), strict=True):
        own = canvas.rhythm(z["alpha_hz"], 0.35, 0.7 * z["alpha_uv"])
        canvas.add(topography(side * 0.38, -0.85, 0.42) * np.float32(health), (own + shared) * awake)
        frontal = canvas.rhythm(z["alpha_hz"] + 0.3, 0.7, 3.0 + 0.15 * z["alpha_uv"])
        canvas.add(topography(side * 0.45, 0.6, 0.3) * np.float32(np.exp(-side * z["asymmetry"] / 2)), frontal)
        canvas.add(topography(side * 0.5, 0.4, 0.5), canvas.rhythm(z["beta_hz"], 1.8, 0.8 * z["beta_uv"]))
    canvas.add(WHOLE, canvas.rhythm(z["beta_hz"], 1.8, 0.6 * z["beta_uv"]))
    canvas.add(CENTRE, canvas.rhythm(5.8, 0.7, z["theta_uv"]))
    if z["frontal_alpha_uv"]:
        canvas.add(FRONT, canvas.rhythm(11.0, 0.5, z["frontal_alpha_uv"]))


def _slowing(canvas: Canvas, z: dict) -> None:
    """Polymorphic delta and theta, shaped like the background below an upper frequency: everywhere, or over a lobe."""
    for place in ((-0.45, 0.5), (0.45, 0.5), (-0.45, -0.5), (0.45, -0.5)):
        canvas.add(topography(*place, 0.6), canvas.noise(slow(7.0, 60 * z["slowing"] ** 1.5), 0.2, 14)[0])
    add_focal_slowing(canvas, z)


def add_focal_slowing(canvas: Canvas, z: dict) -> None:
    """Slowing over one lobe, and rhythmic delta."""
    if z["focal"]:
        wave = canvas.noise(slow(z["focal_hz"], 420 * z["focal"] ** 2), 0.2, 3 * z["focal_hz"])[0]
        canvas.add(lobe(z["focal_side"], z["focal_lobe"], 0.38), wave)
    if z["grda_share"]:
        starts = canvas.scatter(np.ones(canvas.seconds, bool), 12 * z["grda_share"])
        t = canvas.clock(5)
        wave = np.sin(2 * np.pi * 2.1 * t) * np.hanning(len(t)) ** 0.5
        canvas.add(topography(0, 0.7, 0.7), canvas.train(starts, 45 * wave.astype(np.float32)))


def slow(hz: float, power: float):
    """Density (µV²/Hz) by frequency of slow activity below `hz`."""
    return lambda f: power / f**1.6 / (1 + (f / hz) ** 6)


def _sleep(canvas: Canvas, z: dict, states: dict) -> None:
    if states["drowsy"].any():
        drowsy = canvas.envelope(states["drowsy"].astype(np.float32))
        canvas.add(topography(0, -0.1, 0.8), canvas.rhythm(5.0, 0.9, 11) * drowsy)
        t = canvas.clock(0.5)
        vertex = -70 * bump(t, 0.15, 0.035) + 25 * bump(t, 0.28, 0.06)
        canvas.add(topography(0, 0.1, 0.4), canvas.train(canvas.scatter(states["drowsy"], 4), vertex))
    where = states["drowsy"] if states["drowsy"].any() else np.ones(canvas.seconds, bool)
    rate = min(z["spindle_rate"] / max(where.mean(), 0.2), 25)
    canvas.add(topography(0, 0.2, 0.5), canvas.train(canvas.scatter(where, rate), 34 * spindle(canvas.clock(1.1))))


def discharges(canvas: Canvas, z: dict, scatter: Callable[[float], np.ndarray]) -> None:
    """Spikes, spike-and-wave and periodic discharges; `scatter`: events a minute -> times (s) of the first two."""
    t = canvas.clock(0.5)
    if z["spike_rate"]:
        times = scatter(z["spike_rate"])
        canvas.add(lobe(z["spike_side"], z["spike_lobe"], 0.3), canvas.train(times, 110 * spike_and_wave(t)))
    if z["wave_rate"]:
        starts = scatter(z["wave_rate"])
        beats = [np.arange(canvas.events.integers(3, 10)) / 3.0 + start for start in starts]
        times = np.concatenate([np.zeros(0), *beats])
        canvas.add(FRONT + 0.35, canvas.train(times[times < canvas.seconds - 1], 120 * spike_and_wave(t), 0.15))
    if z["gpd_hz"]:
        canvas.add(FRONT + 0.4, canvas.train(canvas.periodic(z["gpd_hz"]), 75 * triphasic(canvas.clock(0.6)), 0.15))
    if z["lpd_hz"]:
        times = canvas.periodic(z["lpd_hz"], 0.12)
        canvas.add(lobe(z["spike_side"], z["spike_lobe"], 0.5), canvas.train(times, 130 * spike_and_wave(t), 0.15))


def _seizures(canvas: Canvas, z: dict) -> None:
    """A rhythm that grows, slows from 7 to 2 Hz and spreads, then stops."""
    for _ in range(int(z["seizures"])):
        t = canvas.clock(min(canvas.events.uniform(30, 60), canvas.seconds / 4))
        part = t / t[-1]
        wave = np.sin(2 * np.pi * np.cumsum(7 - 5 * part) / canvas.rate + 0.3 * np.sin(9 * part))
        grown = (110 * part**0.7 * wave * np.clip(20 * (1 - part), 0, 1)).astype(np.float32)
        start = canvas.events.uniform(0, canvas.seconds - t[-1] - 1)
        canvas.add(lobe(z["spike_side"], z["spike_lobe"], 0.35), canvas.train([start], grown, 0.1))
        spread = grown * np.clip(2 * part - 1, 0, 1).astype(np.float32)
        canvas.add(lobe(z["spike_side"], z["spike_lobe"], 0.9), canvas.train([start], spread, 0.1))


def gains(z: dict) -> np.ndarray:
    """(19,) what a collection of blood or a hole in the skull does to the voltage of one side."""
    side = np.clip(2.5 * XY[:, 0] * z["defect_side"], 0, 1)
    hole = topography(0.7 * z["defect_side"], 0.05, 0.35)
    return ((1 - z["attenuation"] * side) * (1 + 0.7 * z["breach"] * hole)).astype(np.float32)


def bursts(canvas: Canvas, suppression: np.ndarray) -> np.ndarray:
    """(n,) gain: bursts of 1–3 s between suppressions, which take the share `suppression` (seconds,) of the time."""
    levels, at = np.full(canvas.seconds, 0.06, np.float32), 0.0
    while at < canvas.seconds:
        length = canvas.events.uniform(1, 3)
        levels[int(at) : int(at + length) + 1] = 1.3
        share = float(suppression[min(int(at), canvas.seconds - 1)])
        at += length + canvas.events.uniform(0.6, 1.4) * 2.5 * share / (1 - share)
    return canvas.envelope(levels)


def add_artefacts(
    canvas: Canvas, z: dict, states: dict[str, np.ndarray], mains: int, rolling: np.ndarray | None = None
) -> None:
    """Blinks, slow eye movements where `rolling` (seconds,) or else where drowsy, drift, tremor, hum, electrodes."""
    t = canvas.clock(0.5)
    eyes = topography(-0.3, 1.15, 0.3) + topography(0.3, 1.15, 0.3)
    blinks = np.where(states["open"], z["blink_rate"], 0.15 * z["blink_rate"] * (1 - z["coma"]) * ~states["drowsy"])
    times = canvas.scatter(canvas.events.random(canvas.seconds) < blinks / 60, 60)
    canvas.add(eyes, canvas.train(times, 150 * bump(t, 0.16, 0.06)))
    rolling = states["drowsy"].astype(np.float32) if rolling is None else rolling
    if rolling.any():
        eye_roll = canvas.rhythm(0.45, 0.08, 18) * canvas.envelope(rolling)
        canvas.add(topography(-0.85, 0.65, 0.3) - topography(0.85, 0.65, 0.3), eye_roll)
    canvas.add(
        np.ones(19, np.float32), canvas.noise(lambda f: z["drift_uv"] ** 2 / (1 + (f / 0.25) ** 4), 0.05, 1.5)[0]
    )
    if z["tremor_uv"]:
        shaking = canvas.envelope(canvas.events.random(canvas.seconds) < 0.7)
        canvas.add(topography(0.6, -0.6, 0.7), canvas.rhythm(4.9, 0.15, z["tremor_uv"]) * shaking)
    if z["breach"]:
        fast = canvas.noise(lambda f: 30 * z["breach"] ** 2 / f * (f > 7), 7, 28)[0]
        canvas.add(topography(0.7 * z["defect_side"], 0.05, 0.3), fast)
    hum = np.sin(2 * np.pi * mains * np.arange(canvas.n) / canvas.rate).astype(np.float32)
    canvas.add((z["mains_uv"] * canvas.events.random(19)).astype(np.float32), hum)
    for channel in canvas.events.integers(0, 19, int(z["pops"])):
        pop = canvas.events.uniform(150, 400) * np.exp(-canvas.clock(1.5) / 0.25)
        one = (np.arange(19) == channel).astype(np.float32)
        canvas.add(one, canvas.train([canvas.events.uniform(0, canvas.seconds - 2)], pop.astype(np.float32)))


def add_muscle(canvas: Canvas, z: dict, eeg: np.ndarray, tone: np.ndarray | None = None) -> None:
    """Add in place: tonic and bursting muscle at the edge of the cap, and the noise of the electrodes.

    tone: (seconds,) factor of the muscle alone; none: 1
    """
    white = canvas.streams.noise(19, canvas.n)
    edge = np.clip(np.linalg.norm(XY, axis=1) - 0.6, 0, None) * (1 - 0.6 * (np.array(CHANNELS) == "O1"))
    busy = np.where(canvas.events.random(canvas.seconds) < 0.05, 6.0, 1.0)
    burst = canvas.envelope(busy if tone is None else busy * tone)
    eeg += white * (z["noise_uv"] + (1.6 * z["muscle"] * edge[:, None] * burst).astype(np.float32))
