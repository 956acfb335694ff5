"""Measures of the samples as recorded, which filters hide: flat stretches, cut-off waves, the mains before the notch.

A channel's limits are its own highest and lowest value, where it stays there for some samples: no header is needed, and
files that state a wider range than their amplifier had are found out. (Many files are scaled so that each channel's two
extreme samples are the header's limits: touching those proves nothing.) T = 1280 seconds of the session.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from tokenizer.channels import CHANNELS
from tokenizer.filters import USABLE
from tokenizer.reading.gate import LEAST_LIMIT
from tokenizer.recording import SECONDS, Raw, Segment

FLAT_UV = 0.5
"""A second in which a channel moves less is flat: below the noise of any amplifier with a head on it."""
PLATEAU_SAMPLES = 3
"""Samples at a limit, one after the other, that make a wave's top cut off: a single one is just the highest."""
SATURATED_S = 0.1
"""Seconds at a limit without interruption from which on the amplifier counts as saturated."""
MOST_WINDOWS, WINDOW_S = 64, 4.0
"""The mains are measured in up to 64 windows of 4 s, spread over the session."""


@dataclass(frozen=True)
class ChannelSeconds:
    """One channel, second by second; (T,) each. Seconds without a sample are all False."""

    flat: NDArray[np.bool_]
    """It does not move, and does not sit at a limit."""
    cut_off: NDArray[np.bool_]
    """At least one plateau at a limit."""
    railing: NDArray[np.bool_]
    """At a limit, or at both in turn, for at least half of it."""
    clipped_share: float
    """Samples in plateaus at a limit, of all samples."""
    saturated_share: float
    """Samples in plateaus of at least 0.1 s, of all samples."""


def measure_channel(parts: list[NDArray[np.float32]], segments: list[Segment], rate: float) -> ChannelSeconds:
    """Measure one channel: `parts` in µV, one array per segment of the session.

    A second may lie in two segments, with a gap between them: extremes and counts are joined, then judged.
    """
    high, low = max(p.max() for p in parts), min(p.min() for p in parts)
    # an extreme nearer to zero is a wave of a quiet channel: no amplifier's range is so small
    limits = [high] * bool(high >= LEAST_LIMIT) + [low] * bool(low <= -LEAST_LIMIT)
    top, bottom = np.full(SECONDS, -np.inf), np.full(SECONDS, np.inf)
    samples, at_limit, saturated = np.zeros(SECONDS, int), np.zeros(SECONDS, int), 0
    for part, segment in zip(parts, segments, strict=True):
        seconds, firsts = _seconds_of(segment, rate)
        top[seconds] = np.maximum(top[seconds], np.maximum.reduceat(part, firsts))
        bottom[seconds] = np.minimum(bottom[seconds], np.minimum.reduceat(part, firsts))
        samples[seconds] += np.diff(firsts, append=len(part))
        for plateau in (in_runs(part == limit, PLATEAU_SAMPLES) for limit in limits):
            at_limit[seconds] += np.add.reduceat(plateau, firsts, dtype=int)
            saturated += np.count_nonzero(in_runs(plateau, ceil(SATURATED_S * rate)))
    total, railing = max(1, samples.sum()), (samples > 0) & (at_limit >= samples / 2)
    return ChannelSeconds(
        flat=(samples > 0) & (top - bottom < FLAT_UV) & ~railing,
        cut_off=at_limit > 0,
        railing=railing,
        clipped_share=at_limit.sum() / total,
        saturated_share=saturated / total,
    )


def _seconds_of(segment: Segment, rate: float) -> tuple[slice, NDArray[np.int_]]:
    """The seconds of the session that a segment touches, and its first sample in each."""
    first = int(segment.onset + 1e-6)  # 1e-6 s: onsets are sums of floats, and 2.9999999 is second 3
    last = min(SECONDS, ceil(segment.onset + segment.samples / rate - 1e-6))
    firsts = np.ceil((np.arange(first, last) - segment.onset) * rate - 1e-6).astype(int)
    firsts = np.maximum(firsts, 0)
    inside = firsts < segment.samples
    return slice(first, first + int(inside.sum())), firsts[inside]


def in_runs(mask: NDArray[np.bool_], least: int) -> NDArray[np.bool_]:
    """The true elements of `mask` (n,) that stand in runs of at least `least`."""
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))  # starts and stops of runs take turns
    lengths = edges[1::2] - edges[::2]
    kept = np.zeros(len(mask), bool)
    kept[mask] = np.repeat(lengths >= least, lengths)
    return kept


def mains_shares(raw: Raw, lines: list[int]) -> NDArray[np.floating]:
    """Power of the mains and its multiples, of the power at 1–70 Hz and of these lines: (19,), 0 to 1.

    Per 4-s window what stands within 1 Hz of a line above its neighbourhood (1.5–5 Hz away); the median over windows;
    of several `lines` (Hz) the stronger one. NaN for channels not recorded, where no segment lasts 4 s, and where the
    rate does not hold the line.
    """
    lines, places = [line for line in lines if line < USABLE * raw.rate], _places(raw)
    shares = np.full((max(1, len(lines)), len(CHANNELS)), np.nan)
    for electrode, channel in raw.picks.items() if places else ():
        windows = np.stack([raw.file.load(channel, first, round(WINDOW_S * raw.rate)) for first in places])
        for i, line in enumerate(lines):
            shares[i, electrode] = np.median(_line_share(windows, raw.rate, line))
    return shares[np.nansum(shares, axis=1).argmax()]


def _line_share(windows: NDArray[np.float32], rate: float, line: int) -> NDArray[np.floating]:
    from scipy import fft

    taper = np.hanning(windows.shape[1]).astype(np.float32)
    power = np.abs(fft.rfft((windows - windows.mean(1, keepdims=True)) * taper)) ** 2
    hz = fft.rfftfreq(windows.shape[1], 1 / rate)
    mains, others = np.zeros(len(windows)), (hz >= 1) & (hz <= 70)
    for multiple in range(line, ceil(USABLE * rate), line):
        away = np.abs(hz - multiple)
        # the EEG under the line, from its neighbourhood: a median, as other lines may stand there; periodogram values
        # are χ² with 2 degrees of freedom, whose mean is the median / ln 2
        around = np.median(power[:, (away > 1.5) & (away < 5)], 1) / np.log(2)
        mains += np.maximum(0, power[:, away <= 1].sum(1) - (away <= 1).sum() * around)
        others &= away > 1
    return mains / (mains + power[:, others].sum(1) + 1e-12)


def _places(raw: Raw) -> list[int]:
    """First samples of up to 64 whole windows, evenly spread over the segments."""
    size = round(WINDOW_S * raw.rate)
    every = [f for s in raw.segments for f in range(s.first, s.first + s.samples - size + 1, size)]
    return every[:: max(1, -(-len(every) // MOST_WINDOWS))]
