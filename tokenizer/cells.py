"""Cells: the spectrogram averaged over 8 bins (2 Hz) x 10 frames (10 s), which is what one token can say of a channel.

Three-taper log power of a stationary Gaussian process scatters around its expectation with sd 2.73 dB: even the
expectation has an error of 2.14 dB per bin. A cell scatters with sd 0.88 dB, so the floor of its error is 0.70 dB.

Shapes: C = 19 channels · F = 128 bins · T frames, a multiple of 10 · R = 16 rows · W' columns whose frames are all
valid.
"""

import numpy as np
from numpy.typing import NDArray

from tokenizer.channels import CHANNELS

Array = NDArray[np.float64]
BANDS = {"delta": (1.0, 4.0), "theta": (4.0, 8.0), "alpha": (8.0, 13.0), "beta": (13.0, 30.0)}
"""Hz, the upper end left out. Of cells, a band has the rows whose middle lies in it."""
RAW_FLOOR_DB, CELL_FLOOR_DB, CELL_NOISE_DB = 2.14, 0.70, 0.88
BINS_PER_CELL, FRAMES_PER_CELL, ROWS, BLOCK = 8, 10, 16, 60
HZ = np.arange(128) / 4
ROW_HZ = np.arange(ROWS) * 2 + 1.0


def channel_indices(names: tuple[str, ...]) -> list[int]:
    """Indices of electrodes."""
    return [CHANNELS.index(name) for name in names]


def rows_of(band: str) -> NDArray[np.bool_]:
    """Which of the 16 rows of cells belong to a band, (16,) bool."""
    low, high = BANDS[band]
    return (low <= ROW_HZ) & (high > ROW_HZ)


def cells(spec: NDArray[np.float32], valid: NDArray[np.bool_]) -> Array:
    """Cells of the columns whose frames are all valid: (C, F, T) dB, (T,) bool -> (C, R, W')."""
    split = spec.reshape(len(spec), ROWS, BINS_PER_CELL, -1, FRAMES_PER_CELL)
    return split.mean((2, 4), dtype=np.float64)[:, :, valid.reshape(-1, FRAMES_PER_CELL).all(1)]
