"""Regions of the scalp: which electrodes lie in each, and the spectrogram of each as the mean of those recorded.

Shapes: C = 19 channels · G = 6 regions · F = 128 bins of 0.25 Hz · T frames of 1 s.
"""

import numpy as np
from numpy.typing import NDArray

from tokenizer.cells import BANDS, HZ, Array, cells, channel_indices, rows_of

REGIONS = {
    "frontal": ("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8"),
    "central": ("C3", "Cz", "C4"),
    "left temporal": ("T3", "T5"),
    "right temporal": ("T4", "T6"),
    "parietal": ("P3", "Pz", "P4"),
    "occipital": ("O1", "O2"),
}
"""All 19 electrodes, each in one region."""
FRONT_TO_BACK = (
    *("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T3", "C3", "Cz"),
    *("C4", "T4", "T5", "P3", "Pz", "P4", "T6", "O1", "O2"),
)


def electrodes_of(region: str, ok: NDArray[np.bool_]) -> list[int]:
    """Channel indices of a region's electrodes that carried a signal; ok (C,) bool."""
    return [i for i in channel_indices(REGIONS[region]) if ok[i]]


def region_means(spec: NDArray[np.float32], valid: NDArray[np.bool_], ok: NDArray[np.bool_]) -> Array:
    """Mean over each region's electrodes: (C, F, T) dB, valid (T,), ok (C,) -> (G, F, T) dB, NaN where none is."""
    means = np.full((len(REGIONS), *spec.shape[1:]), np.nan)
    for g, region in enumerate(REGIONS):
        if picks := electrodes_of(region, ok):
            means[g] = spec[picks].mean(0, dtype=np.float64)
    return np.where(valid, means, np.nan)


def band_levels(spec: NDArray[np.float32], valid: NDArray[np.bool_], ok: NDArray[np.bool_]) -> dict[str, Array]:
    """Mean dB of each band over the valid frames: band -> (C,), NaN for electrodes that are not ok."""
    if not valid.any():
        return {band: np.full(len(spec), np.nan) for band in BANDS}
    mean = np.where(ok[:, None], spec[:, :, valid].mean(2, dtype=np.float64), np.nan)
    return {band: mean[:, (low <= HZ) & (high > HZ)].mean(1) for band, (low, high) in BANDS.items()}


def cell_errors(
    recorded: NDArray[np.float32], rebuilt: NDArray[np.float32], valid: NDArray[np.bool_], ok: NDArray[np.bool_]
) -> dict[str, dict[str, float | None]]:
    """Mean |rebuilt − recorded| of cells of 2 Hz x 10 s, in dB: region -> band -> error, None where there is no cell.

    Two rows more: "all electrodes", and "constant spectrum", the same error of each electrode's own median over time
    in place of the codes: what a description without any course of time would reach.
    """
    x, y = cells(recorded, valid), cells(rebuilt, valid)
    constant = np.median(x, axis=2, keepdims=True) if x.shape[2] else x
    everywhere = np.flatnonzero(ok).tolist()
    table = {region: _by_band(np.abs(x - y), electrodes_of(region, ok)) for region in REGIONS}
    table["all electrodes"] = _by_band(np.abs(x - y), everywhere)
    return table | {"constant spectrum": _by_band(np.abs(x - constant), everywhere)}


def _by_band(errors: Array, electrodes: list[int]) -> dict[str, float | None]:
    known = bool(electrodes) and errors.shape[2] > 0
    return {band: float(errors[electrodes][:, rows_of(band)].mean()) if known else None for band in BANDS}
