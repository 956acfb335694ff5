"""Quantitative EEG of one recording: what a clinician measures of its spectrum, each quantity with its name.

| quantity | unit | of what | how |
|---|---|---|---|
| level, its sd | dB µV²/Hz, dB | band x electrode | mean and sd over valid seconds; the sd holds spikes |
| share | part of the power | band x electrode | mean over pieces |
| median and edge frequency | Hz | electrode | below them lie 50 and 95 % of a piece's power; mean over pieces |
| asymmetry | dB | band x pair | left minus right electrode |
| asymmetry size, largest asymmetry | dB | band | mean and largest of all pairs, without sign: a focus has either side |
| gradient | dB | band | frontal minus posterior electrodes |
| ratio | dB | two bands | mean level of all electrodes in one minus the other |
| alpha peak, its height | Hz, dB | posterior electrodes | above the straight line through the rest of the spectrum |
| … sd | as above | as above, one for all electrodes or pairs | spread over pieces |

The spread of shares, and that of edges and asymmetries one by one, added noise to the scores of real people: left out.

A piece is ten seconds, whose power is added before a ratio is taken: single seconds scatter too much, and of the whole
recording one burst of muscle would be the spectrum. All is finite: a missing electrode takes the mean of the
recording's own, a pair or a region without electrodes is 0, so that nothing of other people comes in.

B bands · C = 19 electrodes · F = 128 bins of 0.25 Hz · K bins that are used · T valid frames · P pieces.
"""

import functools
import itertools
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tokenizer.cells import HZ, channel_indices
from tokenizer.channels import CHANNELS

Array = NDArray[np.floating]
Bands = dict[str, tuple[float, float]]

BANDS: Bands = {
    **{"low delta": (0.5, 2), "delta": (2, 4), "theta": (4, 8)},
    **{"alpha": (8, 13), "beta": (13, 20), "high beta": (20, 32)},
}
LEFT, RIGHT = ("Fp1", "F7", "F3", "C3", "T3", "T5", "P3", "O1"), ("Fp2", "F8", "F4", "C4", "T4", "T6", "P4", "O2")
PAIRS = tuple(zip(LEFT, RIGHT, strict=True))
FRONT_CHANNELS, BACK_CHANNELS = ("Fp1", "Fp2", "F3", "F4", "Fz"), ("O1", "O2", "P3", "P4", "Pz")
PIECE = 10
"""Frames of a piece."""
EDGES = {"median frequency": 0.5, "edge frequency": 0.95}
RATIOS = (("delta", "alpha"), ("theta", "alpha"), ("theta", "beta"))
ALPHA = (6, 13.5)
"""Hz in which the posterior rhythm is looked for: it slows below 8 Hz before it is lost."""
BESIDE_ALPHA = ((2, 5.5), (15, 30))


def quantities(spec: Array, ok: NDArray[np.bool_], blank_below: float = 0.0) -> dict[str, float]:
    """Every quantity by name, of valid frames (C, F, T) in dB; ok (C,) bool, the electrodes there are, one at least.

    Nothing below `blank_below` Hz is looked at; the names, and their order, depend on it alone.
    """
    bands = used_bands(blank_below)
    used = max(BANDS["low delta"][0], blank_below) <= HZ
    levels = np.stack([band_level(spec, low, high) for low, high in bands.values()])  # (B, C, T)
    parts = _pieces(10 ** (spec[:, used] / np.float32(10)))
    parts /= parts.sum(1, keepdims=True)  # (C, K, P), of all power in a piece
    slow = _pieces(levels)
    return (
        _named("level", _filled(levels.mean(2), ok), bands, CHANNELS)
        | _named("level sd", _filled(levels.std(2), ok), bands, CHANNELS)
        | _named("share", _filled(_shares(parts, HZ[used], bands), ok), bands, CHANNELS)
        | _edges(parts, HZ[used], ok)
        | _alpha(spec[:, used], parts, HZ[used], ok)
        | _asymmetry(slow, bands, ok)
        | _gradient(slow, bands, ok)
        | _ratios(slow[:, ok].mean(1), bands)
    )


@functools.cache
def feature_names(blank_below: float = 0.0) -> tuple[str, ...]:
    """The names of all quantities, in order: `level alpha O1`, `asymmetry delta Fp1-Fp2`, …"""
    return tuple(quantities(np.zeros((19, len(HZ), PIECE), np.float32), np.ones(19, bool), blank_below))


def used_bands(blank_below: float) -> Bands:
    """Bands (Hz) without what lies below `blank_below` Hz."""
    return {name: (max(low, blank_below), high) for name, (low, high) in BANDS.items() if high > blank_below}


def band_level(spec: Array, low: float, high: float) -> Array:
    """Mean dB over the bins in [low, high) Hz: (C, F, T) -> (C, T)."""
    return spec[:, (low <= HZ) & (high > HZ)].mean(1, dtype=np.float64)


def _pieces(frames: Array) -> Array:
    """Means of pieces: (…, T) -> (…, P); frames after the last whole piece are left out, unless there is none."""
    size = min(PIECE, frames.shape[-1])
    whole = frames.shape[-1] // size * size
    return frames[..., :whole].reshape(*frames.shape[:-1], -1, size).mean(-1)


def _named(name: str, values: Array, *labels: Iterable[str]) -> dict[str, float]:
    """Values by name, `labels` being those of each axis."""
    rows = itertools.product(*labels)
    return {" ".join((name, *row)): value for row, value in zip(rows, values.ravel().tolist(), strict=True)}


def _filled(values: Array, ok: NDArray[np.bool_]) -> Array:
    """Values (…, C) with a missing electrode at the mean of the others."""
    return np.where(ok, values, values[..., ok].mean(-1, keepdims=True))


def _shares(parts: Array, hz: Array, bands: Bands) -> Array:
    """Part of the power in each band, mean over pieces: (C, K, P) -> (B, C)."""
    whole = parts.mean(2)
    return np.stack([whole[:, (low <= hz) & (high > hz)].sum(1) for low, high in bands.values()])


def _edges(parts: Array, hz: Array, ok: NDArray[np.bool_]) -> dict[str, float]:
    """Frequencies below which a share of the power lies, of each electrode, and how much they change."""
    below = parts.cumsum(1)
    values = {}
    for name, share in EDGES.items():
        at = np.minimum((below < share).sum(1), len(hz) - 1)[:, None]  # (C, 1, P), the bin that reaches the share
        reached, own = np.take_along_axis(below, at, 1), np.take_along_axis(parts, at, 1)
        edge = (hz[at] + 0.125 - 0.25 * (reached - share) / own)[:, 0]  # bins are 0.25 Hz wide around their frequency
        values |= _named(name, _filled(edge.mean(1), ok), CHANNELS)
        values[f"{name} sd"] = float(edge[ok].std(1).mean())
    return values


def _alpha(spec: Array, parts: Array, hz: Array, ok: NDArray[np.bool_]) -> dict[str, float]:
    """Frequency and height of the posterior rhythm, and how much its centre of gravity moves."""
    inside = (hz >= ALPHA[0]) & (hz < ALPHA[1])
    beside = np.any([(hz >= low) & (hz < high) for low, high in BESIDE_ALPHA], axis=0)
    if hz[0] > BESIDE_ALPHA[0][0]:
        return {}  # blanked: no line without what lies below the rhythm
    back = _of(BACK_CHANNELS, ok) if _of(BACK_CHANNELS, ok).any() else ok
    level, octaves = spec[back].mean((0, 2), dtype=np.float64), np.log2(hz)
    above = np.maximum(level - np.polyval(np.polyfit(octaves[beside], level[beside], 1), octaves), 0)[inside]
    # the centre of what is near the highest bin: the highest alone jumps by bins, and by hertz where two are as high
    near = np.where(abs(hz[inside] - hz[inside][above.argmax()]) <= 1.5, above**2, 0) + 1e-9
    centre = (parts[back].mean(0)[inside] * hz[inside, None]).sum(0) / parts[back].mean(0)[inside].sum(0)
    return {
        "alpha peak": float((near * hz[inside]).sum() / near.sum()),
        "alpha peak height": float(above.max()),
        "alpha centre sd": float(centre.std()),
    }


def _asymmetry(slow: Array, bands: Bands, ok: NDArray[np.bool_]) -> dict[str, float]:
    """Left minus right of each pair, (B, C, P) -> mean over pieces, its size, its spread; 0 where one is missing."""
    left, right = channel_indices(LEFT), channel_indices(RIGHT)
    pairs = ok[left] & ok[right]
    by = np.where(pairs[:, None], slow[:, left] - slow[:, right], 0)
    size, count = abs(by.mean(2)), max(1, pairs.sum())
    return (
        _named("asymmetry", by.mean(2), bands, ["-".join(pair) for pair in PAIRS])
        | _named("asymmetry size", size.sum(1) / count, bands)
        | _named("largest asymmetry", size.max(1), bands)
        | _named("asymmetry sd", by.std(2).sum(1) / count, bands)
    )


def _gradient(slow: Array, bands: Bands, ok: NDArray[np.bool_]) -> dict[str, float]:
    """Front minus back, (B, C, P) -> mean and sd over pieces; 0 where one of the regions is missing."""
    front, back = _of(FRONT_CHANNELS, ok), _of(BACK_CHANNELS, ok)
    both = front.any() and back.any()
    by = slow[:, front].mean(1) - slow[:, back].mean(1) if both else np.zeros_like(slow[:, 0])
    return _named("gradient", by.mean(1), bands) | _named("gradient sd", by.std(1), bands)


def _ratios(slow: Array, bands: Bands) -> dict[str, float]:
    """Ratios of bands in dB, (B, P) -> mean and sd over pieces; those whose bands are both used."""
    names, values = list(bands), {}
    for one, other in (pair for pair in RATIOS if set(pair) <= set(bands)):
        by = slow[names.index(one)] - slow[names.index(other)]
        values |= {f"ratio {one}/{other}": float(by.mean()), f"ratio {one}/{other} sd": float(by.std())}
    return values


def _of(names: tuple[str, ...], ok: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which electrodes of a region the recording has."""
    return np.isin(np.arange(len(CHANNELS)), channel_indices(names)) & ok
