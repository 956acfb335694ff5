"""Band-pass, mains notch and resampling to 200 Hz in one FFT pass over a gap-free segment.

All three are linear, so the segment's spectrum is multiplied once by the squared magnitude of the classical digital
filters (bilinear Butterworth high- and low-pass of order 4, second-order notch), which is what running them forward
and backward does, and cut or extended to the new rate. Each end is continued by reflection for at least 10 s. The
plain chain (scipy `sosfiltfilt`, `filtfilt`, `resample`) is in `tests/reference.py`.
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
REFLECTED = 10.0
"""Seconds of reflected signal at each end of a segment."""
BATCH = 4
"""Channels per transform: scipy's FFT handles four in the time of two."""
USABLE = 0.45
"""Filters at or above this share of the sampling rate are left out: a bilinear filter is distorted there."""
METHOD = f"fft: butterworth {ORDER} {HIGH_PASS}-{LOW_PASS} Hz both ways, notch Q {NOTCH_Q:g}, to {RATE} Hz"
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

    `signal` (C, n) in any unit at `rate` Hz; per channel a mean spectrum over 4-s windows, the median over channels.
    """
    size = round(4 * rate)
    if signal.shape[1] < size:
        return Hum(0, 0.0)
    windows = signal[:, : signal.shape[1] // size * size].reshape(len(signal), -1, size)
    windows = (windows - windows.mean(-1, keepdims=True)) * np.hanning(size).astype(np.float32)
    power = (np.abs(np.fft.rfft(windows)) ** 2).mean(1) + 1e-20
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


def clean(segment: Array, rate: float, mains: int) -> Array:
    """Filter a gap-free segment and resample it to 200 Hz.

    `segment` (C, n) at `rate` Hz, any unit; `mains` 50, 60 or 0 for no notch. Returns (C, ceil(200 n / rate)) float32
    in the same unit; sample j is at j / 200 s after the segment's first sample. Quickest for C = `BATCH`.
    """
    from scipy import fft

    channels, samples = segment.shape
    before, total, total_out = _lengths(samples, rate)
    padded = np.zeros((-(-channels // BATCH) * BATCH, total), np.float32)
    around = ((0, 0), (before, total - before - samples))
    padded[:channels] = np.pad(segment, around, mode="reflect" if samples > 1 else "edge")
    _level_ends(padded, round(rate))
    spectrum = fft.rfft(padded, overwrite_x=True)[:, : total_out // 2 + 1]
    spectrum *= _gain(total, rate, mains)[: spectrum.shape[1]]
    resampled = fft.irfft(spectrum, n=total_out, overwrite_x=True)
    first = round(before * RATE / rate)
    last = first + ceil(samples * RATE / rate - 1e-6)
    return resampled[:channels, first:last] * np.float32(total_out / total)


def _lengths(samples: int, rate: float) -> tuple[int, int, int]:
    """Reflected samples in front, and the lengths of both transforms: they stand exactly as rate to 200."""
    from scipy.fft import next_fast_len

    ratio = (Fraction(rate).limit_denominator(1000) / RATE).limit_denominator(100_000)
    p, q = ratio.numerator, ratio.denominator
    before = ceil(REFLECTED * rate / p) * p
    blocks = next_fast_len(ceil((before + samples + ceil(REFLECTED * rate)) / p), real=True)
    return before, blocks * p, blocks * q


def _level_ends(padded: Array, window: int) -> None:
    """Take away the line through both ends: the FFT then wraps around without a step. The high-pass removes lines."""
    window = max(1, min(window, padded.shape[1] // 4))
    left, right = padded[:, :window].mean(1), padded[:, -window:].mean(1)
    padded -= np.linspace(0, 1, padded.shape[1], dtype=np.float32) * (right - left)[:, None] + left[:, None]


@lru_cache(maxsize=8)
def _gain(total: int, rate: float, mains: int) -> Array:
    """Gain (total // 2 + 1,) of all filters run forward and backward, at the frequencies of a transform of `total`.

    Bilinear transform: tan(π f / rate) takes the place of f in the analogue Butterworth; notch: Orfanidis 1996, 11.3.
    """
    angle = np.pi * np.arange(total // 2 + 1) / total  # half the digital frequency in radians
    warped = np.tan(np.minimum(angle, np.pi / 2 - 1e-6))
    warped[0] = 1e-12
    gain = 1 / (1 + (np.tan(np.pi * HIGH_PASS / rate) / warped) ** (2 * ORDER))
    if USABLE * rate > LOW_PASS:
        gain /= 1 + (warped / np.tan(np.pi * LOW_PASS / rate)) ** (2 * ORDER)
    for line in range(mains, ceil(USABLE * rate), mains) if mains else ():
        gain *= _notch(2 * angle, 2 * np.pi * line / rate)
    gain[0] = 0
    gain = gain.astype(np.float32)
    gain.flags.writeable = False  # it is shared by all callers
    return gain


def _notch(omega: NDArray[np.floating], centre: float) -> NDArray[np.floating]:
    distance = np.cos(omega) - np.cos(centre)
    distance[distance == 0] = 1e-12
    return 1 / (1 + (np.tan(centre / NOTCH_Q / 2) * np.sin(omega) / distance) ** 2)
