"""What an attribution says in a few numbers: a curve over frequency, a course over time, a map of the scalp per band.

All of them are sums of an attribution of cells (C, F, T), in the unit of its target.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tokenizer.cells import BANDS, HZ
from tokenizer.channels import CHANNELS

COLUMNS = {"method": pl.String, "of": pl.String, "name": pl.String, "start": pl.Float64, "stop": pl.Float64}
COLUMNS |= {"share": pl.Float64, "unit": pl.String}


def frequency_curve(cells: NDArray) -> NDArray[np.float64]:
    """Sum over electrodes and time of (C, F, T): (F,), per bin of 0.25 Hz."""
    return cells.sum((0, 2))


def time_course(cells: NDArray, seconds: int = 1) -> NDArray[np.float64]:
    """Sum over electrodes and frequencies, per so many seconds: (C, F, T) -> (T / seconds,) rounded up."""
    course = cells.sum((0, 1))
    return np.add.reduceat(course, range(0, len(course), seconds))


def scalp_maps(cells: NDArray) -> NDArray[np.float64]:
    """Sum over time and the bins of each of `tokenizer.cells.BANDS`: (C, F, T) -> (C, 4)."""
    spectrum = cells.sum(2)
    return np.stack([spectrum[:, (low <= HZ) & (high > HZ)].sum(1) for low, high in BANDS.values()], axis=1)


def band_shares(curve: NDArray) -> dict[str, float]:
    """Sum of a frequency curve (128,) or of rows of 2 Hz (16,) in each band."""
    hz = HZ if len(curve) == len(HZ) else (np.arange(len(curve)) + 0.5) * 32 / len(curve)
    return {band: float(curve[(low <= hz) & (high > hz)].sum()) for band, (low, high) in BANDS.items()}


def table(method: str, unit: str, curve: NDArray, course: NDArray, seconds: float, maps: NDArray) -> pl.DataFrame:
    """All of it as rows: `of` frequency (Hz), time (s) or electrode (its band's Hz), `share` in the target's unit."""
    rows = []
    for of, values, step in (("frequency", curve, 32 / len(curve)), ("time", course, seconds)):
        rows += [(method, of, "", i * step, (i + 1) * step, float(v), unit) for i, v in enumerate(values)]
    for c, name in enumerate(CHANNELS):
        rows += [(method, "electrode", name, *BANDS[band], float(maps[c, k]), unit) for k, band in enumerate(BANDS)]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")
