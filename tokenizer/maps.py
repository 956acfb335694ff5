"""Topographic maps of band power as numbers: the log power of each electrode in each band, over ten seconds.

A picture of a head is these numbers drawn between the electrodes: it adds nothing that could be found by, so none is
drawn. Log power is the mean in dB over the bins of a band and the seconds of a segment. The level, the mean of all
numbers of a map, is taken out: tokens do not hold it (tokenizer.level), and it would find people by their amplifier.

Shapes: C = 19 electrodes · F = 128 bins of 0.25 Hz · T seconds · n segments of 10 s · M = 4 bands x C numbers of a map.
"""

import numpy as np
from numpy.typing import NDArray

from tokenizer.cells import FRAMES_PER_CELL, HZ
from tokenizer.channels import CHANNELS

BANDS = {"delta": (1.0, 4.0), "theta": (4.0, 8.0), "alpha": (8.0, 13.0), "beta": (13.0, 32.0)}
"""Hz, the upper end left out; spectrograms end below 32 Hz, so there is no gamma."""
NUMBERS = len(BANDS) * len(CHANNELS)
EVERY_OTHER = slice(0, FRAMES_PER_CELL, 2)


def band_maps(
    spec: NDArray[np.float32], seconds: slice = slice(None), channel_ok: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Maps (n, M) of a spectrogram (C, F, 10 n) dB, band by band, without their level.

    seconds: which of the ten of a segment count · channel_ok (C,): a missing electrode's numbers are NaN, and no part
    of the level
    """
    segments = spec.reshape(len(spec), len(HZ), -1, FRAMES_PER_CELL)[..., seconds].mean(-1)  # (C, F, n)
    bands = [segments[:, (low <= HZ) & (high > HZ)].mean(1) for low, high in BANDS.values()]  # (C, n) each
    maps = np.concatenate(bands).T
    if channel_ok is not None:
        maps[:, ~np.tile(channel_ok, len(BANDS))] = np.nan
    return (maps - np.nanmean(maps, 1, keepdims=True)).astype(np.float32)
