"""Where a signal leaps between two samples as no brain does, and its calm part without the leaps.

A loose electrode, an amplifier that overflows or a damaged file leaps by millivolts. A high-pass at 0.1 Hz still shows
0.01 % of a step 30 s away, and more than that of a stretch of noise at an amplifier's limits. The filters are linear:
what the calm part and the rest become add up to what the signal becomes, but the rest's can end where it should.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
LEAP, TIMES = 500.0, 20.0
"""A leap is a difference of two neighbouring samples beyond 500 µV and 20 times the usual one."""
MOST = 1e7
"""µV, 10 V: no leap goes further."""
FAINT = 700.0
"""µV of a step and µV s of a burst, together, up to which leaps need no care: 0.08 µV are left of them after 30 s."""
HELD, GONE = 26.0, 29.9
"""Seconds from a leap up to which its filtered part is kept whole, and at which nothing is left of it."""


@dataclass(frozen=True)
class Leaps:
    """A signal taken apart."""

    calm: Array
    """(n,) µV: levels before and after each leap joined, bursts of leaps replaced by the level before them."""
    spans: list[tuple[int, int]]
    """First sample and stop of each burst of leaps, in order; empty (first = stop) where only the level changes."""


def find_leaps(samples: Array, rate: float, faint: float = FAINT) -> Leaps | None:
    """Take a signal (n,) in µV at `rate` Hz apart; None if it never leaps, or no further than `faint`."""
    steps = np.abs(np.diff(samples))
    if not steps.max(initial=0) > LEAP:
        return None
    leaps = np.flatnonzero(steps > max(LEAP, TIMES * _usual(steps, round(rate))))
    if not leaps.size:
        return None
    bursts = np.split(leaps, np.flatnonzero(np.diff(leaps) > rate) + 1)
    spans = [(int(burst[0]) + 1, int(burst[-1]) + 1) for burst in bursts]
    calm, most = _calm(np.clip(samples, -MOST, MOST), spans, rate)
    return Leaps(calm, spans) if most > faint else None


def _usual(steps: Array, second: int) -> float:
    """The median step of a quiet second: not that of a stretch which is nothing but leaps."""
    whole = steps[: len(steps) // second * second].reshape(-1, second)
    return float(np.quantile(np.median(whole, 1), 0.1)) if whole.size else float(np.median(steps))


def _calm(samples: Array, spans: list[tuple[int, int]], rate: float) -> tuple[Array, float]:
    """The calm part, and the size of the largest leap: µV of its step and µV s of its burst, together."""
    calm, lowered, most = samples.astype(np.float64), 0.0, 0.0
    beside = max(1, round(rate / 4))
    edges = [0, *(edge for span in spans for edge in span), len(samples)]
    for i, (first, stop) in enumerate(spans):
        last, following = edges[2 * i], edges[2 * i + 3]
        before = float(np.median(samples[max(last, first - beside) : first]))
        after = float(np.median(samples[stop : min(following, stop + beside)]))
        burst = float(np.abs(samples[first:stop] - before).sum(dtype=np.float64)) / rate
        most = max(most, abs(after - before) + burst)
        calm[first:stop] = before - lowered
        lowered += after - before
        calm[stop:following] -= lowered
    return calm.astype(np.float32), most


def near(spans: Iterable[tuple[int, int]], rate: float, samples: int, rate_out: float) -> Array:
    """(samples,) at `rate_out` Hz: 1 close to the spans (in samples at `rate` Hz), falling to 0 at 30 s from them."""
    weights, times = np.zeros(samples, np.float32), np.arange(samples) / rate_out
    for first, stop in spans:
        here = slice(*np.searchsorted(times, [first / rate - GONE, stop / rate + GONE]))
        away = np.maximum(first / rate - times[here], times[here] - stop / rate)
        weights[here] = np.maximum(
            weights[here], 0.5 - 0.5 * np.cos(np.pi * np.clip((GONE - away) / (GONE - HELD), 0, 1))
        )
    return weights
