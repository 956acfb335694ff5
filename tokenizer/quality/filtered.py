"""What the filtered session shows of each electrode: pops, what it shares with the others, its amplitude.

C = 19 channels, T = 1280 seconds; `Session.signal` is in µV at 200 Hz.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tokenizer.filters import RATE
from tokenizer.reading.gate import ALIVE, some_seconds

if TYPE_CHECKING:
    from tokenizer.recording import Session

STEP_UV, STEP_SPREADS = 100.0, 6.0
"""A pop's step within 20 ms is larger than 100 µV and than 6 robust standard deviations of the channel's own steps."""
ABRUPT, ALONE, STAYS = 0.5, 0.5, 0.35
"""The channel moves by less than half of it in the same direction 20 ms before and after: large slow waves do not.
Every other channel steps by less than half of it at that moment (within 20 ms): eyes, spikes and the reference have a
field. And 0.35 of it is left 50–150 ms later, as behind a high-pass of up to 1.3 Hz: sharp waves, muscle and the ECG
have gone back by then."""
APART = 40
"""Samples (0.2 s) within which only the largest step counts."""


def pops(session: "Session") -> NDArray[np.int_]:
    """Electrode pops of each channel (C,): abrupt steps at one electrode alone that do not go back at once."""
    from scipy.ndimage import maximum_filter1d

    signal = session.signal
    steps = np.zeros_like(signal)
    steps[:, 2:-2] = signal[:, 4:] - signal[:, :-4]
    real = np.repeat(session.valid == 1, RATE)
    found = np.zeros(len(signal), int)
    if not real.any():
        return found
    size = np.abs(steps) * real
    limit = np.maximum(STEP_UV, STEP_SPREADS * 1.4826 * np.median(size[:, real], axis=1, keepdims=True))
    if not (size > limit).any():
        return found
    close = maximum_filter1d(size, 2 * 4 + 1, axis=1)
    highest = maximum_filter1d(size, 2 * APART + 1, axis=1)
    for c, t in np.argwhere((size == highest) & (size > limit)):
        if t < APART or t >= signal.shape[1] - APART or not real[t - APART : t + APART].all():
            continue
        left = signal[c, t + 10 : t + 30].mean() - signal[c, t - 30 : t - 10].mean()
        abrupt = (steps[c, [t - 4, t + 4]] / steps[c, t]).max() < ABRUPT
        alone = np.delete(close[:, t], c).max() < ALONE * size[c, t]
        found[c] += abrupt and alone and left / steps[c, t] > STAYS
    return found


def spans(session: "Session") -> NDArray[np.float32]:
    """What each channel spans in each second, in µV: (C, T)."""
    return np.ptp(session.signal.reshape(len(session.signal), -1, RATE), axis=2)


def shared(session: "Session") -> NDArray[np.float32]:
    """Share of each channel's power, of 20-ms differences, that goes with the mean of the others: (C,), NaN if not ok.

    0 where taking that mean away leaves as much as before, or more.
    """
    steps = np.diff(some_seconds(session)[..., ::4]).reshape(session.channel_ok.sum(), -1)
    others = (steps.sum(0) - steps) / max(1, len(steps) - 1)
    shares = np.full(len(session.signal), np.nan, np.float32)
    if not steps.size:
        return shares
    left = ((steps - others) ** 2).sum(1) / ((steps**2).sum(1) + 1e-12)
    shares[session.channel_ok] = np.maximum(0, 1 - left)
    return shares


def common_seconds(session: "Session", above: float) -> float:
    """Share of the real seconds in which more than `above` of the power is common to all electrodes."""
    steps = np.diff(session.signal[session.channel_ok].reshape(session.channel_ok.sum(), -1, RATE)[..., ::4])
    whole = session.valid == 1
    share = (steps.mean(0) ** 2).mean(1)[whole] / ((steps**2).mean((0, 2))[whole] + 1e-12)
    return float((share > above).mean()) if whole.any() else 0.0


def nearest(session: "Session") -> tuple[NDArray[np.int_], NDArray[np.float32], NDArray[np.float32]]:
    """For each channel the electrode that differs least from it, how much in µV², and that as a share of its own power.

    (C,) each: −1 and NaN for channels that are flat for half of the time. Below 22 Hz (means of four samples), the
    median over seconds.
    """
    ok = np.flatnonzero(session.channel_ok)
    slow = some_seconds(session).reshape(len(ok), -1, RATE // 4, 4).mean(-1)
    slow -= slow.mean(-1, keepdims=True)
    covariance = np.einsum("ant,bnt->nab", slow, slow) / slow.shape[-1]
    power = np.einsum("naa->na", covariance)
    flat = power <= ALIVE * power.max(0, initial=0)
    between = power[:, :, None] + power[:, None, :] - 2 * covariance
    between[flat[:, :, None] | flat[:, None, :] | np.eye(len(ok), dtype=bool)] = np.inf
    who, uv2, share = np.full(len(session.signal), -1), *np.full((2, len(session.signal)), np.nan, np.float32)
    if between.size:
        distance, relative = np.median(between, 0), np.median(between / (power[:, :, None] + 1e-12), 0)
        known = np.isfinite(distance.min(1))
        rows, at = ok[known], distance.argmin(1)[known]
        who[rows], uv2[rows], share[rows] = ok[at], distance[known, at], relative[known, at]
    return who, uv2, share
