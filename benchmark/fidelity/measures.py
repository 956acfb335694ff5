"""What of one recording a tokenizer's codes keep: sums over its cells, from which any group's numbers follow.

X is the original spectrogram, Y the one rebuilt from the codes, in dB. Invalid frames and missing channels count
nowhere. A **cell** is the mean over 8 bins (2 Hz) x 10 frames (10 s) of one channel; it counts if all its frames are
valid.

- **Raw error**: mean |X − Y| per bin and frame. Three-taper log power of a stationary Gaussian process scatters
  around its expectation with sd 2.73 dB, so that even the expectation itself has an error of 2.14 dB: the floor.
  Beside it the error of the recording's own median spectrum, which knows nothing of time.
- **Cell error**: mean |x − y| of cells x, y, and that of the recording's own median per channel and row. A cell
  scatters with sd 0.88 dB (0–2 Hz: 1.0 to 1.1), so the floor is 0.70 dB.
- **Dynamics**: x, y are now cells minus their mean over the recording; V is the variance of the true course, N that
  of the scatter, c = Cov(scatter, y). R² = 1 − (mean (x − y)² − N + 2c) / (mean x² − N): the expected spectrum gets
  1, a static one 0, a copy of the original 1 − N / V. *Credited*: the same without 2c and with N = 0.88² dB², as if
  y knew nothing of the scatter in x. It does: codes are computed from x, and electrodes share their scatter, which
  makes it cheap to code; a copy gets 1 + N / V.
- **Copied share** of the scatter, c / N, from *twins*: of a signal s, A = (s(t) + s(t+τ)) / √2 and B = (s(t) −
  s(t+τ)) / √2 are independent recordings of one spectrum if s is Gaussian and locally stationary. With cells a, b of
  both, and yA, yB of what the codes of each give back: N = Var(a − b) / 2 and c = Cov(a, yA) − Cov(b, yA), the mean
  of both ways. τ = 12 s, so that no frame of a cell shares samples with a frame of the same cell of the other twin.
  What is not Gaussian (a spike, a blink) stands in both twins and counts as true course. Where the spectrum changes
  by D dB within τ the twins' scatter correlates by about tanh²(0.115 D), which makes N and c smaller together.
- **Left–right asymmetry**: mean over time of the cells of a left channel minus those of its partner, in each of 16
  rows. **Antero-posterior gradient**: mean of Fp1 Fp2 F3 F4 Fz minus mean of O1 O2 P3 P4 Pz, of those there are.
- **Band power**: mean dB in 1–4, 4–8, 8–13 and 13–30 Hz over 60 s; a block counts with 30 valid frames.
- **Alpha peak** of the mean spectrum of O1 O2 P3 P4 (two at least): what rises above a straight line in dB over log
  frequency, fitted to 2–6 and 15–30 Hz. From its largest bin within 7–13 Hz, a peak if both neighbours are lower,
  the centre of mass of the run of bins above half its height (a narrow rhythm is a plateau 1 Hz wide under these
  tapers).

Shapes: C = 19 channels · F = 128 bins · T frames, a multiple of 10 · R = 16 rows · W' columns whose frames are all
valid.
"""

import numpy as np
from numpy.typing import NDArray

from tokenizer.cells import BANDS, BLOCK, HZ, Array, cells, channel_indices

ALPHA_CHANNELS = ("O1", "O2", "P3", "P4")
LEAST_COLUMNS = 4
"""Columns without which a recording has no dynamics."""


def measure(
    original: NDArray[np.float32], rebuilt: NDArray[np.float32], valid: NDArray[np.bool_], ok: NDArray[np.bool_]
) -> dict[str, Array]:
    """Everything above but twins, of one recording: spectrograms (C, F, T) in dB, valid (T,), ok (C,) bool.

    raw (3,): sums of |error| and of |error of the median spectrum|, and their count · cell (3, C, R): the same of cells
    single (3, C, R): sums of squares of error and original, centred, and degrees of freedom
    level (2, C, R), band (2, 4, C): means over time of original and rebuilt, NaN where there is none
    blocks (4, 4, C): sums over blocks of squared error, original, its square, and their count
    alpha (2, 2): peak (Hz) and its height (dB) of both · artefact (): largest rise of one electrode over the others, dB
    """
    x, y = original[:, :, valid], rebuilt[:, :, valid]
    errors = np.abs(x - y), np.abs(x - np.median(x, axis=2, keepdims=True))
    cx, cy = cells(original, valid), cells(rebuilt, valid)
    bands = np.stack([band_levels(x), band_levels(y)])  # (2, 4, C, T')
    return {
        "raw": np.array([*(e[ok].sum(dtype=np.float64) for e in errors), x[ok].size]),
        "cell": _cell_errors(cx, cy) * ok[:, None],
        "single": _single(cx, cy) * ok[:, None],
        "level": _mean_or_nan(np.stack([cx, cy]), ok[:, None]),
        "band": _mean_or_nan(bands, ok),
        "blocks": _blocks(original, rebuilt, valid) * ok,
        "alpha": np.array([alpha_peak(s, ok) for s in (x, y)]),
        "artefact": np.array(solitary_rise(cx[ok]).max() if cx[ok].size else np.nan),
    }


def rises(cx: Array) -> Array:
    """How far each cell is above its electrode's own median over time: (…, R, W') dB -> the same."""
    return cx - np.median(cx, axis=-1, keepdims=True)


def solitary_rise(cx: Array) -> Array:
    """Rise of each electrode, mean over rows, above that of the median electrode: (C, R, W') -> (C, W') dB."""
    rise = rises(cx).mean(1)
    return rise - np.nanmedian(rise, axis=0)


def _mean_or_nan(values: Array, ok: NDArray[np.bool_]) -> Array:
    """Mean over the last axis, NaN where it is empty or the channel is missing."""
    if not values.shape[-1]:
        return np.full(values.shape[:-1], np.nan)
    return np.where(ok, values.mean(-1), np.nan)


def _cell_errors(cx: Array, cy: Array) -> Array:
    if not cx.size:
        return np.zeros((3, *cx.shape[:2]))
    count = np.full(cx.shape[:2], float(cx.shape[-1]))
    return np.stack([np.abs(cx - cy).sum(-1), np.abs(rises(cx)).sum(-1), count])


def _centred(cx: Array) -> Array:
    return cx - cx.mean(-1, keepdims=True)


def _single(cx: Array, cy: Array) -> Array:
    if cx.shape[-1] < LEAST_COLUMNS:
        return np.zeros((3, *cx.shape[:2]))
    x, y = _centred(cx), _centred(cy)
    return np.stack([((x - y) ** 2).sum(-1), (x**2).sum(-1), np.full(cx.shape[:2], cx.shape[-1] - 1.0)])


def measure_twins(
    originals: tuple[NDArray[np.float32], NDArray[np.float32]],
    rebuilts: tuple[NDArray[np.float32], NDArray[np.float32]],
    valid: NDArray[np.bool_],
    ok: NDArray[np.bool_],
) -> Array:
    """Sums over the centred cells of twins: ab, (b yA + a yB)/2, (a yA + b yB)/2, y², x², degrees of freedom (6, C, R).

    originals, rebuilts: the pairs (A, B) of spectrograms (C, F, T) in dB · valid (T,), ok (C,) bool
    """
    a, b, ya, yb = (cells(s, valid) for s in (*originals, *rebuilts))
    if a.shape[-1] < LEAST_COLUMNS:
        return np.zeros((6, *a.shape[:2]))
    a, b, ya, yb = (_centred(c) for c in (a, b, ya, yb))
    products = [a * b, (b * ya + a * yb) / 2, (a * ya + b * yb) / 2, (ya**2 + yb**2) / 2, (a**2 + b**2) / 2]
    freedom = np.full(a.shape[:2], a.shape[-1] - 1.0)
    return np.stack([*(p.sum(-1) for p in products), freedom]) * ok[:, None]


def band_levels(spec: NDArray[np.float32]) -> Array:
    """Mean dB per band: (C, F, T) -> (4, C, T)."""
    inside = [(low <= HZ) & (high > HZ) for low, high in BANDS.values()]
    return np.stack([spec[:, bins].mean(1, dtype=np.float64) for bins in inside])


def _blocks(original: NDArray[np.float32], rebuilt: NDArray[np.float32], valid: NDArray[np.bool_]) -> Array:
    sums = np.zeros((4, len(BANDS), len(original)))
    for first in range(0, len(valid), BLOCK):
        part = slice(first, first + BLOCK)
        if valid[part].sum() >= BLOCK // 2:
            x, y = (band_levels(s[:, :, part][:, :, valid[part]]).mean(-1) for s in (original, rebuilt))
            sums += np.stack([(x - y) ** 2, x, x**2, np.ones_like(x)])
    return sums


def alpha_peak(spec: NDArray[np.float32], ok: NDArray[np.bool_]) -> tuple[float, float]:
    """Frequency (Hz) and height (dB) of the posterior rhythm of (C, F, T'), T' valid frames; NaN without electrodes."""
    electrodes = [i for i in channel_indices(ALPHA_CHANNELS) if ok[i]]
    if len(electrodes) < 2 or not spec.shape[2]:
        return np.nan, np.nan
    level = spec[electrodes].mean((0, 2), dtype=np.float64)
    beside = ((HZ >= 2) & (HZ <= 6)) | ((HZ >= 15) & (HZ <= 30))
    rise = np.full(len(HZ), -np.inf)
    rise[1:] = level[1:] - np.polyval(np.polyfit(np.log(HZ[beside]), level[beside], 1), np.log(HZ[1:]))
    inside = np.flatnonzero((HZ >= 7) & (HZ <= 13))
    top = inside[np.argmax(rise[inside])]
    if rise[top] <= max(rise[top - 1], rise[top + 1], 0):
        return float(HZ[top]), 0.0
    run = (rise > rise[top] / 2) & (HZ > 5) & (HZ < 16)
    first, last = top - np.argmin(run[top::-1]) + 1, top + np.argmin(run[top:])
    weight = rise[first:last] - rise[top] / 2
    return float((HZ[first:last] * weight).sum() / weight.sum()), float(rise[top])
