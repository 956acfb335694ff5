"""The multitaper spectrogram in dB: what the tokenizer sees of a signal.

Thomson 1982: the mean of periodograms under orthogonal tapers (discrete prolate spheroidal sequences), each weighted
by its eigenvalue, as in `mne.time_frequency.psd_array_multitaper(bandwidth=1, low_bias=True, normalization="full")`.
4-s windows every second, three tapers of 1 Hz bandwidth, one-sided density in µV²/Hz, 128 bins of 0.25 Hz below 32 Hz.

C channels · S samples · F = 128 frequency bins · T frames (1 s).
"""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tokenizer.filters import RATE
from tokenizer.recording import Session

WINDOW, HOP, BINS = 4 * RATE, RATE, 128
HALF_BANDWIDTH_TIMES_WINDOW, MIN_EIGENVALUE = 2.0, 0.9
"""NW: 2 NW − 1 tapers keep nearly all their power within ± 0.5 Hz; the next one leaks and is left out."""
FLOOR, CEILING, TINY = -40.0, 40.0, 1e-10
"""Clamp in dB, and the µV²/Hz added before the logarithm."""
COLUMN = 10
"""Frames under one token; a session's spectrogram is a whole number of such columns."""
CHUNK = 128  # windows at once on a processor: what fits the second-level cache
GPU_CHUNK = 1 << 14  # and on a graphics card: enough to fill it, 0.4 GB


def spectrogram(signal: "Tensor | NDArray[np.floating] | Session") -> Tensor:
    """Multitaper spectrogram of `signal` (…, S) in µV at 200 Hz: (…, 128, S // 200) float32 in dB, on its device.

    Frame k is centred on second k (reflected by half a window at both ends), bin b is at b / 4 Hz. Of a Session
    (19, 128, 1280): reflected at its own ends, and −40 dB in frames and channels that are not valid, by which
    `VQGAN.encode` knows them. Raises ValueError for signals shorter than the 2 s that are reflected.
    """
    if isinstance(signal, Session):
        spec, valid = session_spectrogram(signal)
        spec[:, :, ~valid] = FLOOR
        return torch.nn.functional.pad(spec, (0, len(signal.valid) - spec.shape[2]), value=FLOOR)
    signal = torch.as_tensor(signal, dtype=torch.float32)
    if signal.shape[-1] <= WINDOW // 2:
        raise ValueError(f"signal of {signal.shape[-1]} samples: expected more than {WINDOW // 2} (2 s at {RATE} Hz)")
    rows = signal.reshape(-1, signal.shape[-1])
    out = torch.empty(len(rows), BINS, signal.shape[-1] // HOP, device=signal.device)
    _Estimator(signal.device)(rows, out)
    return out.reshape(*signal.shape[:-1], *out.shape[1:])


class _Estimator:
    """As many windows at once as suit the device, in the same memory: fresh memory costs a fifth of the transforms.

    On a processor that is one channel after the other, on a graphics card several channels or sessions together.
    """

    def __init__(self, device: torch.device, chunk: int | None = None) -> None:
        self.weights = tapers().to(device)
        self.chunk = chunk or (CHUNK if device.type == "cpu" else GPU_CHUNK)
        self.centred = torch.empty(self.chunk, WINDOW, device=device)
        self.tapered = torch.empty(self.chunk, len(self.weights), WINDOW, device=device)
        self.spectra = torch.empty(self.chunk, len(self.weights), WINDOW // 2 + 1, dtype=torch.complex64, device=device)
        self.squares = torch.empty(self.chunk, 2 * BINS, device=device)  # real and imaginary part of each bin

    def __call__(self, rows: Tensor, into: Tensor) -> None:
        """Channels (n, S) in µV -> dB, written to `into` (n, F, T)."""
        together = max(1, self.chunk // max(1, into.shape[-1]))
        for first in range(0, len(rows), together):
            self._rows(rows[first : first + together], into[first : first + together])

    def _rows(self, rows: Tensor, into: Tensor) -> None:
        """The windows of all `rows` (n, S) in one line, a chunk at a time."""
        # reflected, not zero: a step to zero would fill the first and last frames at every frequency
        padded = torch.nn.functional.pad(rows, (WINDOW // 2, WINDOW // 2), mode="reflect")
        windows = padded.unfold(-1, WINDOW, HOP)[:, : into.shape[-1]].flatten(0, 1)  # (n T, 800); a view of one row
        power = torch.empty(len(windows), BINS, device=rows.device)
        for first in range(0, len(windows), self.chunk):
            self._power(windows[first : first + self.chunk], power[first : first + self.chunk])
        power[:, 0] /= 2  # 0 Hz has no negative twin to be counted with it
        into.copy_(_decibel(power).unflatten(0, (len(rows), -1)).mT)

    def _power(self, windows: Tensor, power: Tensor) -> None:
        """Windows (n, 800) -> one-sided density (n, F), twice that at 0 Hz."""
        n = len(windows)
        centred, tapered, spectra, squares = (b[:n] for b in (self.centred, self.tapered, self.spectra, self.squares))
        torch.sub(
            windows, windows.mean(-1, keepdim=True), out=centred
        )  # else an electrode's offset fills the lowest bins
        torch.mul(centred[:, None], self.weights, out=tapered)
        torch.fft.rfft(tapered, out=spectra)
        # |a + ib|² summed over tapers, as squares of the interleaved reals: no complex array of its own, no square root
        parts = torch.view_as_real(spectra).flatten(-2)[..., : 2 * BINS]  # (n, tapers, 2 F)
        torch.mul(parts[:, 0], parts[:, 0], out=squares)
        for taper in range(1, parts.shape[1]):
            squares.addcmul_(parts[:, taper], parts[:, taper])
        torch.add(squares[:, 0::2], squares[:, 1::2], out=power)


def _decibel(power: Tensor) -> Tensor:
    return power.add_(TINY).log10_().mul_(10).clamp_(FLOOR, CEILING)


@lru_cache(maxsize=1)
def tapers() -> Tensor:
    """The tapers (3, 800), scaled so that the sum of |rfft|² over them is the one-sided density (above 0 Hz)."""
    shapes, eigenvalues = slepian(WINDOW, HALF_BANDWIDTH_TIMES_WINDOW, 4)
    keep = eigenvalues > MIN_EIGENVALUE
    # 2: one-sided, negative frequencies folded in; / RATE: per Hz, as the tapers have unit norm. Their square roots go
    # into the tapers, so that the weighted mean costs nothing later
    weights = 2 * eigenvalues[keep] / eigenvalues[keep].sum() / RATE
    return torch.as_tensor(shapes[keep] * np.sqrt(weights)[:, None], dtype=torch.float32)


def slepian(size: int, half_bandwidth: float, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Periodic discrete prolate spheroidal sequences (count, size) of unit norm and their eigenvalues.

    Slepian 1978: eigenvectors of a tridiagonal matrix; the eigenvalue is the share of energy within the bandwidth. As
    `scipy.signal.windows.dpss(sym=False)`, which would bring 50 MB of scipy into every reading worker.
    """
    from scipy.linalg import eigh_tridiagonal

    n = np.arange(size + 1)  # periodic: one sample longer, the last one dropped
    w = half_bandwidth / (size + 1)
    diagonal, beside = (size / 2 - n) ** 2 * np.cos(2 * np.pi * w), n[1:] * (size + 1 - n[1:]) / 2
    _, vectors = eigh_tridiagonal(diagonal, beside, select="i", select_range=(size + 1 - count, size))
    shapes = vectors.T[::-1]
    # not diagonalised itself: its eigenvalues crowd at 0 and 1, and their vectors cannot be told apart in float64
    within = 2 * w * np.sinc(2 * w * (n[:, None] - n))
    return shapes[:, :-1], np.einsum("kn,nm,km->k", shapes, within, shapes, optimize=True)


def session_spectrogram(session: Session) -> tuple[Tensor, Tensor]:
    """Spectrogram (19, 128, T) in dB of a session's real part, and which frames are valid, (T,) bool.

    T is the whole seconds of the session, up to its last, rounded up to a multiple of 10: the padding to 1,280 s is
    left out. A frame is valid if its whole 4-s window is real; beyond the session's own ends the window is reflected.
    Invalid seconds and missing channels hold no signal: −40 dB.
    """
    whole = session.valid >= 1 - 1e-6
    seconds = int(np.flatnonzero(whole)[-1]) + 1 if whole.any() else 0
    columns = -(-seconds // COLUMN)
    spec = torch.full((len(session.signal), BINS, columns * COLUMN), FLOOR)
    valid = torch.zeros(columns * COLUMN, dtype=torch.bool)
    if seconds <= WINDOW // 2 // RATE:
        return spec, valid
    estimate = _Estimator(spec.device)
    for channel in np.flatnonzero(session.channel_ok):  # one by one into place: a reading worker must stay small
        one = slice(channel, channel + 1)
        estimate(torch.from_numpy(session.signal[one, : seconds * RATE]), spec[one, :, :seconds])
    valid[:seconds] = torch.as_tensor(valid_frames(whole[:seconds]))
    return spec, valid


def valid_frames(whole: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Frames (T,) whose window touches no unreal second; `whole` (T,) says which seconds are real throughout."""
    half = WINDOW // 2 // RATE
    padded = np.pad(whole, half, mode="symmetric")  # second k - 2 … k + 1 lie under frame k
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * half)[: len(whole)].all(-1)
