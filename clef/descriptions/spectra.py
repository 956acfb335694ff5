"""Spectra of a session's segments: power density per electrode and 10 s, of seconds that can be believed alone.

Welch 1967: the mean of periodograms of 4-s Hann windows every second, those that lie wholly in the segment and touch no
second that is invalid, flat or loud. 0.25 Hz apart, up to 75 Hz.

C = 19 electrodes · S samples · T seconds · N segments · F = 301 bins.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tokenizer.filters import RATE
from tokenizer.quality.filtered import spans
from tokenizer.quality.measures import LOUD_UV
from tokenizer.quality.raw import FLAT_UV
from tokenizer.recording import Session

Array = NDArray[np.float32]
SEGMENT, WINDOW = 10, 4
"""Seconds of a segment, and of a window in it."""
HZ = np.arange(301) / WINDOW
"""Frequencies of the bins, 0 to 75 Hz."""
LEAST_WINDOWS = 3
"""Windows, of seven, without which a segment of an electrode is not measured."""


def usable_seconds(session: Session, bad: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Seconds of each electrode that can be believed: (C, T) bool; bad (C,) bool electrodes have none."""
    span = spans(session)
    believed = (session.valid >= 1 - 1e-6) & (span >= FLAT_UV) & (span <= LOUD_UV)
    return believed & (session.channel_ok & ~bad)[:, None]


def segment_spectra(session: Session, usable: NDArray[np.bool_]) -> Array:
    """Power density (C, N, F) in µV²/Hz, NaN where it is not measured; N whole segments up to the last usable second.

    usable (C, T) bool as of `usable_seconds`.
    """
    count = segments(usable)
    spectra = np.full((len(usable), count, len(HZ)), np.nan, np.float32)
    for electrode in np.flatnonzero(usable[:, : count * SEGMENT].any(1)):
        signal = session.signal[electrode, : count * SEGMENT * RATE]
        spectra[electrode] = _one(signal, usable[electrode, : count * SEGMENT])
    return spectra


def segments(usable: NDArray[np.bool_]) -> int:
    """Whole segments up to the last usable second of any electrode; usable (C, T) bool."""
    seconds = np.flatnonzero(usable.any(0))
    return (int(seconds[-1]) + 1) // SEGMENT if len(seconds) else 0


def _one(signal: Array, usable: NDArray[np.bool_]) -> Array:
    """The segments (N, F) of one electrode: signal (S,) µV, usable (T,) bool."""
    from scipy import fft

    window, starts = _window(), SEGMENT - WINDOW + 1
    views = np.lib.stride_tricks.sliding_window_view(signal.reshape(-1, SEGMENT * RATE), WINDOW * RATE, axis=1)
    pieces = views[:, ::RATE]  # (N, 7, 800)
    pieces = (pieces - pieces.mean(-1, keepdims=True)) * window
    power = fft.rfft(pieces, axis=-1)[..., : len(HZ)]
    density = power.real**2 + power.imag**2
    whole = np.lib.stride_tricks.sliding_window_view(usable.reshape(-1, SEGMENT), WINDOW, axis=1).all(-1)
    assert whole.shape[1] == starts
    counted = whole.sum(1)
    mean = (density * whole[..., None]).sum(1) / np.maximum(counted, 1)[:, None]
    return np.where((counted >= LEAST_WINDOWS)[:, None], mean, np.nan)


@lru_cache(maxsize=1)
def _window() -> Array:
    """Hann window (800,), scaled so that |rfft|² is the one-sided density in µV²/Hz."""
    shape = np.hanning(WINDOW * RATE + 1)[:-1]
    return (shape * np.sqrt(2 / RATE / (shape**2).sum())).astype(np.float32)
