"""Measures of the filtered session, per electrode: pops, amplitude, what it shares with the others, its nearest one.

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
NEIGHBOURING_STEP, OTHERS_STEP, LASTING_STEP = 0.5, 0.5, 0.35
"""Shares of a pop's step. The channel moves by less than half of it in the same direction 20 ms before and after: slow
waves, however large, move by more. Every other channel steps by less than half of it at that moment (within 20 ms):
eyes, spikes and the reference have a field. And 0.35 of it is left 50–150 ms later, as behind a high-pass of up to
1.3 Hz: sharp waves, muscle and the ECG have gone back by then."""
ONE_POP = 40
"""Samples (0.2 s) within which only the largest step counts."""


def pops(session: "Session") -> NDArray[np.int_]:
    """Electrode pops of each channel (C,): abrupt steps at one electrode alone that do not go back at once."""
    from scipy.ndimage import maximum_filter1d

    signal = session.signal
    steps = np.zeros_like(signal)
    steps[:, 2:-2] = signal[:, 4:] - signal[:, :-4]  # over 20 ms: sampling rates and filters smear a step over several
    real = np.repeat(session.valid == 1, RATE)
    counts = np.zeros(len(signal), int)
    if not real.any():
        return counts
    size = np.abs(steps) * real
    # 1.4826 x the median of |steps| is the sd of normal ones; the pops themselves hardly move it
    limit = np.maximum(STEP_UV, STEP_SPREADS * 1.4826 * np.median(size[:, real], axis=1, keepdims=True))
    if not (size > limit).any():
        return counts
    close = maximum_filter1d(size, 2 * 4 + 1, axis=1)  # a field reaches other electrodes up to 20 ms earlier or later
    highest = maximum_filter1d(size, 2 * ONE_POP + 1, axis=1)
    for c, t in np.argwhere((size == highest) & (size > limit)):
        if t < ONE_POP or t >= signal.shape[1] - ONE_POP or not real[t - ONE_POP : t + ONE_POP].all():
            continue  # nothing to compare with: the edge of the session or of a gap
        left = signal[c, t + 10 : t + 30].mean() - signal[c, t - 30 : t - 10].mean()
        abrupt = (steps[c, [t - 4, t + 4]] / steps[c, t]).max() < NEIGHBOURING_STEP
        alone = np.delete(close[:, t], c).max() < OTHERS_STEP * size[c, t]
        counts[c] += abrupt and alone and left / steps[c, t] > LASTING_STEP
    return counts


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
    # of differences: they weigh an amplitude by its frequency, so that drifts and sweat do not decide
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
    # two flat channels are as near as can be, without being bridged: they do not count as neighbours
    flat = power <= ALIVE * power.max(0, initial=0)
    between = power[:, :, None] + power[:, None, :] - 2 * covariance  # var(a - b) of all pairs in one product
    between[flat[:, :, None] | flat[:, None, :] | np.eye(len(ok), dtype=bool)] = np.inf
    neighbour, uv2, share = np.full(len(session.signal), -1), *np.full((2, len(session.signal)), np.nan, np.float32)
    if between.size:
        distance, relative = np.median(between, 0), np.median(between / (power[:, :, None] + 1e-12), 0)
        known = np.isfinite(distance.min(1))
        rows, closest = ok[known], distance.argmin(1)[known]
        neighbour[rows], uv2[rows], share[rows] = ok[closest], distance[known, closest], relative[known, closest]
    return neighbour, uv2, share
