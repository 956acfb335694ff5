"""The building blocks of a synthetic EEG: places on the scalp, band-limited noise, and the shapes of events.

Sources are few and are mixed to the 19 electrodes by their topographies; noise is made in the frequency domain,
only where it has power. Which random numbers are noise and which decide what happens, `Streams` keeps apart; everything
is float32.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import fft

from tokenizer.channels import CHANNELS

POSITIONS = {"Fp1": (-0.31, 0.95), "Fp2": (0.31, 0.95), "F7": (-0.81, 0.59), "F8": (0.81, 0.59), "F3": (-0.42, 0.5),
          "F4": (0.42, 0.5), "Fz": (0, 0.47), "T3": (-1, 0), "T4": (1, 0), "C3": (-0.5, 0), "C4": (0.5, 0),
          "Cz": (0, 0), "T5": (-0.81, -0.59), "T6": (0.81, -0.59), "P3": (-0.42, -0.5), "P4": (0.42, -0.5),
          "Pz": (0, -0.47), "O1": (-0.31, -0.95), "O2": (0.31, -0.95)}  # fmt: skip
"""Electrode: (right, front) on a disc of radius 1."""
XY = np.array([POSITIONS[name] for name in CHANNELS])
LOBE_POSITIONS = {
    "frontal": (0.55, 0.55),
    "temporal": (0.95, 0.1),
    "parietal": (0.45, -0.45),
    "occipital": (0.35, -0.9),
}


def topography(right: float, front: float, width: float) -> np.ndarray:
    """(19,) gains falling off from a place on the disc, 1 at that place, 0.61 at the distance `width`."""
    return np.exp(-((XY - (right, front)) ** 2).sum(1) / (2 * width**2)).astype(np.float32)


def lobe(side: int, name: str, width: float) -> np.ndarray:
    """(19,) gains around the lobe `name` of the left (−1) or right (1) side."""
    right, front = LOBE_POSITIONS[name]
    return topography(side * right, front, width)


def conduction(width: float) -> np.ndarray:
    """(19, 19) mixing of one independent source under each electrode; every electrode gets unit variance."""
    mixing = np.stack([topography(right, front, width) for right, front in XY], 1)
    return mixing / np.linalg.norm(mixing, axis=1, keepdims=True)


@dataclass(frozen=True)
class Streams:
    """The random numbers of one session: of what happens in it (`events`) and of the noise it happens in.

    As recorded, both come from one generator in the order in which they are drawn. A redraw takes the noise from
    `other_noise`; it draws the recorded noise all the same and throws it away, so that every event after it stays what
    it was.
    """

    events: np.random.Generator
    other_noise: np.random.Generator | None = None

    @classmethod
    def of_session(cls, seed: int, row: int, redraw: int = 0) -> "Streams":
        """Those of session number `row` of the cohort of `seed`: as recorded, or its redraw 1, 2, …"""
        events = np.random.Generator(np.random.SFC64((seed, 1, row)))
        return cls(events, np.random.default_rng((seed, 9, row, redraw)) if redraw else None)

    def noise(self, *shape: int) -> np.ndarray:
        """Standard normal noise of this shape, float32."""
        recorded = self.events.standard_normal(shape, np.float32)
        return recorded if self.other_noise is None else self.other_noise.standard_normal(shape, np.float32)


@dataclass
class Canvas:
    """A session being drawn: parts are (topography (19,), wave (n,) µV) pairs, summed by `mix`.

    Noise goes through `streams.noise`; when, where and how large an event is comes from `events`.
    """

    streams: Streams
    rate: int
    seconds: int
    parts: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)

    @property
    def events(self) -> np.random.Generator:
        return self.streams.events

    @property
    def n(self) -> int:
        return self.rate * self.seconds

    def add(self, gains: np.ndarray, wave: np.ndarray) -> None:
        """Add a wave (n,) in µV at the electrodes' `gains` (19,)."""
        self.parts.append((gains, wave))

    def mix(self) -> np.ndarray:
        """(19, n) µV: the sum of all parts so far, which are then forgotten."""
        mixed = np.stack([g for g, _ in self.parts], 1) @ np.stack([w for _, w in self.parts])
        self.parts.clear()
        return mixed

    def noise(self, density, low: float, high: float, k: int = 1) -> np.ndarray:
        """(k, n) Gaussian noise with the power density `density(hz)` in µV²/Hz between `low` and `high` Hz."""
        size = fft.next_fast_len(self.n, real=True)
        resolution = self.rate / size
        first, last = max(int(low / resolution), 1), min(int(high / resolution) + 1, size // 2)
        scale = np.sqrt(density(np.arange(first, last) * resolution) * size * self.rate) / 2
        spectrum = np.zeros((k, size // 2 + 1), np.complex64)
        draws = self.streams.noise(k, last - first, 2)
        spectrum[:, first:last] = draws.view(np.complex64)[..., 0] * scale.astype(np.float32)
        return fft.irfft(spectrum, size, axis=1)[:, : self.n]

    def rhythm(self, hz: float, spread: float, rms: float) -> np.ndarray:
        """(n,) a waxing and waning rhythm around `hz`, `spread` Hz wide, of `rms` µV."""
        density = lambda f: rms**2 / (spread * np.sqrt(2 * np.pi)) * np.exp(-((f - hz) ** 2) / (2 * spread**2))
        return self.noise(density, max(hz - 4 * spread, 0.3), hz + 4 * spread)[0]

    def envelope(self, levels: np.ndarray) -> np.ndarray:
        """(n,) one level per second (seconds,) joined by straight lines."""
        at = (np.arange(self.n, dtype=np.float32) + 0.5) / self.rate
        return np.interp(at, np.arange(self.seconds) + 0.5, levels).astype(np.float32)

    def train(self, times: np.ndarray, shape: np.ndarray, spread: float = 0.25) -> np.ndarray:
        """(n,) the waveform `shape` (m,) starting at each of `times` (s), its size varying by `spread`."""
        wave = np.zeros(self.n + len(shape), np.float32)
        starts = np.clip((np.asarray(times) * self.rate).astype(int), 0, self.n - 1)
        sizes = np.exp(spread * self.events.standard_normal(len(starts))).astype(np.float32)
        np.add.at(wave, starts[:, None] + np.arange(len(shape)), sizes[:, None] * shape)
        return wave[: self.n]

    def clock(self, seconds: float) -> np.ndarray:
        """(m,) the times of a waveform that lasts `seconds`."""
        return np.arange(int(seconds * self.rate), dtype=np.float32) / self.rate

    def scatter(self, allowed: np.ndarray, per_minute: float) -> np.ndarray:
        """Times (s) of events at a mean rate, in those seconds where `allowed` (seconds,) bool."""
        seconds = np.flatnonzero(allowed)
        count = self.events.poisson(per_minute * len(seconds) / 60) if len(seconds) else 0
        return np.sort(self.events.choice(seconds, count) + self.events.random(count)) if count else np.zeros(0)

    def periodic(self, hz: float, jitter: float = 0.08) -> np.ndarray:
        """Times (s) of complexes repeating at `hz` with relative `jitter` of each interval."""
        steps = (1 + jitter * self.events.standard_normal(int(self.seconds * hz))) / hz
        times = np.cumsum(np.clip(steps, 0.3 / hz, 2 / hz))
        return times[times < self.seconds - 1]


def bump(t: np.ndarray, at: float, width: float) -> np.ndarray:
    """A Gaussian wave over `t` (s) with its peak of 1 at `at`."""
    return np.exp(-((t - at) ** 2) / (2 * width**2)).astype(np.float32)


def spike_and_wave(t: np.ndarray) -> np.ndarray:
    """A sharp negative spike of −1 after 0.06 s and the slow wave after it."""
    return -bump(t, 0.06, 0.013) + 0.3 * bump(t, 0.1, 0.016) - 0.5 * bump(t, 0.24, 0.065)


def triphasic(t: np.ndarray) -> np.ndarray:
    """A blunt complex with three phases, the second (positive) the largest."""
    return -0.4 * bump(t, 0.08, 0.025) + bump(t, 0.17, 0.04) - 0.5 * bump(t, 0.36, 0.08)


def spindle(t: np.ndarray, hz: float = 13.0) -> np.ndarray:
    """A spindle of the length of `t`."""
    return (np.sin(2 * np.pi * hz * t) * np.hanning(len(t))).astype(np.float32)
