"""Spectra of a session's segments: power density per electrode and 10 s, of seconds that can be believed alone.

Welch 1967: the mean of periodograms of 4-s Hann windows every second, those that lie wholly in the segment and touch no
second that is invalid, flat or loud. 0.25 Hz apart, up to 75 Hz. And the median of shorter ones, which holds what lasts
and leaves out what comes in bursts.

C = 19 electrodes · S samples · T seconds · N segments · n windows in each · F = 301 bins.
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
SEGMENT, WINDOW, SHORT = 10, 4, 2
"""Seconds of a segment, of a window in it, and of a window of the typical spectrum."""
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


def typical_spectrum(session: Session, usable: NDArray[np.bool_], which: NDArray[np.bool_]) -> Array:
    """The median of the periodograms of 2-s windows, every second, of some segments: (C, F) in µV²/Hz.

    usable (C, T) bool · which (N,) bool. Spindles and discharges of a second or two leave most windows free, so that a
    rhythm in it is one that goes on. Of noise the median lies 1.6 dB below the mean: take ratios from it alone. NaN
    where an electrode has fewer than three such windows.
    """
    spectra = np.full((len(usable), len(HZ)), np.nan, np.float32)
    stop = len(which) * SEGMENT
    for electrode in np.flatnonzero(usable[:, :stop].any(1)):
        signal = session.signal[electrode, : stop * RATE].reshape(-1, SEGMENT * RATE)[which]
        density, whole = _periodograms(signal, usable[electrode, :stop].reshape(-1, SEGMENT)[which], SHORT)
        if whole.sum() >= LEAST_WINDOWS:
            spectra[electrode] = np.median(density[whole], axis=0)
    return spectra


def segments(usable: NDArray[np.bool_]) -> int:
    """Whole segments up to the last usable second of any electrode; usable (C, T) bool."""
    seconds = np.flatnonzero(usable.any(0))
    return (int(seconds[-1]) + 1) // SEGMENT if len(seconds) else 0


def _one(signal: Array, usable: NDArray[np.bool_]) -> Array:
    """The segments (N, F) of one electrode: signal (S,) µV, usable (T,) bool."""
    pieces = (signal.reshape(-1, SEGMENT * RATE), usable.reshape(-1, SEGMENT))
    density, whole = _periodograms(*pieces, WINDOW)
    counted = whole.sum(1)
    mean = (density * whole[..., None]).sum(1) / np.maximum(counted, 1)[:, None]
    return np.where((counted >= LEAST_WINDOWS)[:, None], mean, np.nan)


def _periodograms(signal: Array, usable: NDArray[np.bool_], seconds: int) -> tuple[Array, NDArray[np.bool_]]:
    """Of segments (N, S) µV the density (N, n, F) of each window of `seconds`, and whether it is usable (N, n) bool."""
    from scipy import fft

    views = np.lib.stride_tricks.sliding_window_view(signal, seconds * RATE, axis=1)
    pieces = views[:, ::RATE]  # (N, n, samples)
    pieces = (pieces - pieces.mean(-1, keepdims=True)) * _window(seconds)
    power = fft.rfft(pieces, WINDOW * RATE, axis=-1)[..., : len(HZ)]  # short windows: zeros fill up to 0.25 Hz
    whole = np.lib.stride_tricks.sliding_window_view(usable, seconds, axis=1).all(-1)
    return power.real**2 + power.imag**2, whole


@lru_cache(maxsize=2)
def _window(seconds: int) -> Array:
    """Hann window, scaled so that |rfft|² is the one-sided density in µV²/Hz."""
    shape = np.hanning(seconds * RATE + 1)[:-1]
    return (shape * np.sqrt(2 / RATE / (shape**2).sum())).astype(np.float32)
