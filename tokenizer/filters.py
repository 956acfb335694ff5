"""Band-pass, mains notch and resampling to 200 Hz in one FFT pass over a gap-free segment.

All three are linear, so the segment's spectrum is multiplied once by the squared magnitude of the classical digital
filters (bilinear Butterworth high- and low-pass of order 4, second-order notch), which is what running them forward
and backward does, and cut or extended to the new rate. Each end is continued by 30 s of reflected signal: after 10 s
the 0.1 Hz high-pass still carries a tenth of what lies beyond, and the session's first seconds below 1 Hz would hang on
it. The plain chain (scipy `sosfiltfilt`, `filtfilt`, `resample`) is in `tests/reference.py`. We differ from it in that
the high-pass forgets: of a step by 1 mV, a loose electrode or a damaged stretch, it would still show 0.1 µV after 30 s.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

RATE = 200
"""Samples per second after filtering."""
HIGH_PASS, LOW_PASS, ORDER, NOTCH_Q = 0.1, 75.0, 4, 30.0
REFLECTED = 30.0
"""Seconds of reflected signal at each end of a segment."""
FADES, FORGOTTEN = 26.0, 29.9
"""Seconds from a sample at which the high-pass begins to forget it, and at which it has."""
EDGE = 0.6
"""Hz over which the spectrum ends at half the lower of both rates: if it broke off, spikes would ring for minutes."""
CLIP_UV = 3e5
"""0.3 V from the median: what goes further is no potential of a head, and is cut down to this."""
DOUBLE_PRECISION_UV = 3e4
"""From here on transforms are in double precision: in single, a millionth of the largest sample lies on all others."""
BATCH = 4
"""Channels per transform: scipy's FFT handles four in the time of two."""
USABLE = 0.45
"""Filters at or above this share of the sampling rate are left out: a bilinear filter is distorted there."""
METHOD = (
    f"one FFT: Butterworth {ORDER}, {HIGH_PASS}-{LOW_PASS} Hz, both ways, within {FORGOTTEN:g} s; notch Q {NOTCH_Q:g}, "
    f"both ways; to {RATE} Hz; ends reflected for {REFLECTED:g} s"
)
"""The filtering in words, for stores."""

Mains = Literal["auto", "50", "60", "none"]
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Hum:
    """What the mains left in a recording."""

    hz: int
    """50 or 60, or 0 if neither stands out."""
    level: float
    """dB of the stronger of the two lines over its neighbourhood (negative: somebody filtered it before us)."""


def find_hum(signal: Array, rate: float, threshold: float = 6.0) -> Hum:
    """The mains frequency of a recording: the line, 50 or 60 Hz, that stands out by more than `threshold` dB.

    `signal` (C, n) µV at `rate` Hz; per channel the median spectrum of 4-s windows, then the median over channels.
    """
    size = round(4 * rate)
    if signal.shape[1] < size:
        return Hum(0, 0.0)
    rows = np.array(signal[:, : signal.shape[1] // size * size])
    for row in rows:
        bring_into_range(row)
    windows = rows.reshape(len(rows), -1, size)
    windows = (windows - windows.mean(-1, keepdims=True)) * np.hanning(size).astype(np.float32)
    # the median: the mains are in every window, whatever a movement or a loose electrode does to some of them
    power = np.median(np.abs(np.fft.rfft(windows)) ** 2, 1) + 1e-20
    hz = np.fft.rfftfreq(size, 1 / rate)
    levels = {line: _line_level(power, hz, line) for line in (50, 60) if line < USABLE * rate}
    if not levels:
        return Hum(0, 0.0)
    line = max(levels, key=levels.__getitem__)
    return Hum(line if levels[line] > threshold else 0, levels[line])


def _line_level(power: NDArray[np.floating], hz: NDArray[np.floating], line: int) -> float:
    distance = np.abs(hz - line)
    around = np.median(power[:, (distance > 1.5) & (distance < 6)], 1)
    return float(np.median(10 * np.log10(power[:, distance <= 0.5].max(1) / around)))


def left_out(rate: float, mains: int) -> list[str]:
    """Which filters a recording at `rate` Hz cannot have, one line each."""
    lines = []
    if rate * USABLE <= LOW_PASS:
        lines.append(
            f"sampled at {rate:g} Hz: no low-pass at {LOW_PASS:g} Hz (needs more than {LOW_PASS / USABLE:.0f} Hz)"
        )
    if mains and rate * USABLE <= mains:
        lines.append(f"sampled at {rate:g} Hz: no notch at {mains} Hz (needs more than {mains / USABLE:.0f} Hz)")
    return lines


def bring_into_range(samples: Array) -> int:
    """Cut one channel (n,) µV down to ±0.3 V around its median, in place; how many samples went further.

    A channel that stays within ±0.3 V of zero is left as it is.
    """
    # amplifiers that pass DC add up to some 0.5 V of electrode offset. It is taken out only where it is in the way: the
    # high-pass removes it anyhow, and taking it out everywhere would change ordinary recordings in their last digits
    if samples.max() <= CLIP_UV and samples.min() >= -CLIP_UV:
        return 0
    samples -= np.median(samples)
    beyond = np.count_nonzero(np.abs(samples) > CLIP_UV)
    np.clip(samples, -CLIP_UV, CLIP_UV, out=samples)
    return beyond


def clean(segment: Array, rate: float, mains: int) -> Array:
    """Filter a gap-free segment and resample it to 200 Hz.

    `segment` (C, n) µV at `rate` Hz; `mains` 50, 60 or 0 for no notch. Returns (C, ceil(200 n / rate)) float32 µV;
    sample j is at j / 200 s after the segment's first sample.
    """
    cleaner = Cleaner(segment.shape[1], rate, mains)
    out = np.empty((len(segment), cleaner.samples_out), np.float32)
    for first in range(0, len(segment), BATCH):
        part = segment[first : first + BATCH]
        cleaner.inlet[: len(part)] = part
        out[first : first + BATCH] = cleaner.run(len(part))
    return out


class Cleaner:
    """`clean` for segments of one length, `BATCH` channels at a time, in memory that is used again.

    Write channels into the rows of `inlet` (BATCH, n), then `run`. Fresh memory would cost as much as the transforms.
    """

    def __init__(self, samples: int, rate: float, mains: int, late: float = 0.0) -> None:
        """`late`: seconds from the first sample to the first output sample, less than one of these lasts."""
        self.before, total, self.total_out = _lengths(samples, rate)
        self.window = max(1, min(round(rate), total // 4))
        self.padded = np.zeros((BATCH, total), np.float32)
        self.inlet = self.padded[:, self.before : self.before + samples]
        self.ramp = np.linspace(0, 1, total, dtype=np.float32)
        self.gain = _gain(total, self.total_out, rate, mains)
        if late:  # between two samples: a shift in time is a turn of every frequency's phase
            turns = np.arange(len(self.gain)) * (rate / total * late)
            self.gain = (self.gain * np.exp(2j * np.pi * turns)).astype(np.complex64)
        self.first = round(self.before * RATE / rate)
        self.clipped = np.zeros(BATCH, int)
        """Samples of each row that `run` cut down to ±0.3 V."""
        self.samples_out = max(0, ceil((samples / rate - late) * RATE - 1e-6))

    def run(self, channels: int) -> Array:
        """The first `channels` rows of the inlet, filtered and at 200 Hz: (channels, samples_out)."""
        from scipy import fft

        self.clipped[:] = [bring_into_range(row) for row in self.inlet]
        self._reflect()
        self._level_ends()
        double = max(self.padded.max(), -self.padded.min()) > DOUBLE_PRECISION_UV
        spectrum = fft.rfft(self.padded.astype(np.float64) if double else self.padded)[:, : len(self.gain)]
        spectrum *= self.gain
        resampled = fft.irfft(spectrum, n=self.total_out, overwrite_x=True)
        return resampled[:channels, self.first : self.first + self.samples_out]

    def _reflect(self) -> None:
        """Continue both ends by reflection, over and over where the segment is shorter than what is to be filled."""
        samples, after = self.inlet.shape[1], self.padded.shape[1] - self.before - self.inlet.shape[1]
        if samples > max(self.before, after):
            self.padded[:, : self.before] = self.inlet[:, self.before : 0 : -1]
            self.padded[:, self.before + samples :] = self.inlet[:, -2 : -2 - after : -1]
        else:
            around = ((0, 0), (self.before, after))
            self.padded[:] = np.pad(self.inlet, around, mode="reflect" if samples > 1 else "edge")

    def _level_ends(self) -> None:
        """Take away the line through both ends: the FFT then wraps without a step. The high-pass removes lines."""
        for row in self.padded:
            left, right = row[: self.window].mean(), row[-self.window :].mean()
            row -= self.ramp * (right - left)
            row -= left


def _lengths(samples: int, rate: float) -> tuple[int, int, int]:
    """Reflected samples in front, and the lengths of both transforms: they stand exactly as rate to 200."""
    from scipy.fft import next_fast_len

    # whole blocks of p samples become q samples each: only so both transforms last equally long
    ratio = (Fraction(rate).limit_denominator(1000) / RATE).limit_denominator(100_000)
    p, q = ratio.numerator, ratio.denominator
    before = ceil(REFLECTED * rate / p) * p
    blocks = next_fast_len(ceil((before + samples + ceil(REFLECTED * rate)) / p), real=True)
    return before, blocks * p, blocks * q


@lru_cache(maxsize=1)
def _high_pass() -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Frequencies from 0 to 2 Hz, and the gain of the high-pass run forward and backward, its memory cut short.

    What it takes away of a signal is a sum of its echoes. Those beyond `FORGOTTEN` seconds are left out, and what this
    changes at the lowest frequencies is taken back: neither an offset nor a drift up to the fifth power of time passes.
    """
    rate, size = 4, 40_000
    hz = np.fft.rfftfreq(size, 1 / rate)
    # forward and backward: |H|², so 1 / (1 + (f / cutoff)^8) is the low-pass that the high-pass takes away
    echoes = np.fft.irfft(1 / (1 + (hz / HIGH_PASS) ** (2 * ORDER)))
    away = np.abs(np.fft.fftfreq(size, rate / size))
    window = 0.5 + 0.5 * np.cos(np.pi * np.clip((away - FADES) / (FORGOTTEN - FADES), 0, 1))
    powers = (away / FORGOTTEN)[:, None] ** np.array([0, 2, 4]) * (away < FORGOTTEN)[:, None]
    echoes *= window
    # the least change that gives the echoes the even moments of a unit pulse, 1, 0 and 0; their odd ones are 0
    weighted = window[:, None] * powers
    echoes += weighted @ np.linalg.solve(powers.T @ weighted, [1, 0, 0] - echoes @ powers)
    return hz, 1 - np.fft.rfft(echoes).real


@lru_cache(maxsize=8)
def _gain(total: int, total_out: int, rate: float, mains: int) -> Array:
    """Gain of all filters run forward and backward, and of going from `total` to `total_out` samples.

    At the frequencies that transforms of both lengths have: (min(total, total_out) // 2 + 1,). Bilinear transform:
    tan(π f / rate) takes the place of f in the analogue Butterworth; notch: Orfanidis 1996, 11.3.
    """
    angle = np.pi * np.arange(min(total, total_out) // 2 + 1) / total  # half the digital frequency in radians
    warped, hz = np.tan(np.minimum(angle, np.pi / 2 - 1e-6)), angle * rate / np.pi
    gain, low, end = np.ones(len(hz)), hz < 2, hz > min(rate, RATE) / 2 - EDGE
    gain[low] = np.interp(hz[low], *_high_pass())
    gain[end] *= 0.5 - 0.5 * np.cos(np.pi / EDGE * np.maximum(0, min(rate, RATE) / 2 - hz[end]))
    if USABLE * rate > LOW_PASS:
        gain /= 1 + (warped / np.tan(np.pi * LOW_PASS / rate)) ** (2 * ORDER)
    for line in range(mains, ceil(USABLE * rate), mains) if mains else ():
        gain *= _notch(2 * angle, 2 * np.pi * line / rate)
    gain[0] = 0  # exactly: an offset can be a thousand times as large as the EEG
    gain = (gain * (total_out / total)).astype(np.float32)
    gain.flags.writeable = False  # it is shared by all callers
    return gain


def _notch(omega: NDArray[np.floating], centre: float) -> NDArray[np.floating]:
    distance = np.cos(omega) - np.cos(centre)
    distance[distance == 0] = 1e-12  # at the line itself the gain is 0, by a division that does not warn
    return 1 / (1 + (np.tan(centre / NOTCH_Q / 2) * np.sin(omega) / distance) ** 2)
