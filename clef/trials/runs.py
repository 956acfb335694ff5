"""One run, checked: its array against its list of pictures, its captions and what its JSON says of it.

Shapes: n trials of a run · C electrodes · S samples.
"""

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from clef.trials.captions import FILE, Caption, image_key
from clef.trials.cells import read_cells
from clef.trials.layout import Run
from clef.trials.sidecar import read_sidecar

COLUMN = "FilePath"
AT_ONCE = 16
"""Trials that are read together."""


@dataclasses.dataclass(frozen=True)
class CheckedRun:
    """A run that can be used.

    images: of each trial, as `image_key` names them · shape: (n, C, S) · electrodes: their names, if they are told
    digest: of all samples, 16 hex digits: the same recording elsewhere has the same
    """

    run: Run
    images: list[str]
    shape: tuple[int, int, int]
    electrodes: tuple[str, ...] | None
    digest: str


def check_run(run: Run, captions: Mapping[str, Caption]) -> CheckedRun:
    """Read a run once and check it. Raises ValueError with one line that names the file and what to do."""
    array = open_array(run.array, run.name(run.array))
    trials, channels, samples = array.shape
    electrodes = read_sidecar(run.sidecar, run.name(run.sidecar), run.rate, channels)
    name = run.name(run.images)
    images = [image_key(row[0]) for _, row in read_cells(run.images, name, (COLUMN,))]
    if len(images) != trials:
        raise ValueError(
            f"{run.name(run.array)}: {trials} trials, but {len(images)} rows in {run.images.name}; a row per trial is "
            f"needed, in the same order"
        )
    without = [row for row, image in enumerate(images, 1) if image not in captions]
    if without:
        raise ValueError(
            f"{name}: {len(without)} of {trials} pictures have no caption (first: row {without[0]}, "
            f"{images[without[0] - 1]}); add them to {FILE}"
        )
    return CheckedRun(run, images, (trials, channels, samples), electrodes, _digest(array, run.name(run.array)))


def open_array(path: Path, name: str) -> np.ndarray:
    """The trials (n, C, S) of a file, mapped into memory and not read; nothing in it is unpickled.

    Raises ValueError (one line) for what is no whole array of real floating numbers with three axes.
    """
    try:
        array = open_memmap(path, mode="r")
    except (ValueError, OSError, EOFError, SyntaxError, TypeError):  # each of other damage
        raise ValueError(
            f"{name}: not a whole .npy file of numbers; write it again with numpy.save, float32 or float64"
        ) from None
    if array.ndim != 3 or not array.size:
        raise ValueError(f"{name}: shape {array.shape}, expected (trials, electrodes, samples); write it so")
    if array.dtype.kind != "f":
        raise ValueError(f"{name}: numbers are {array.dtype}, expected float32 or float64; convert them")
    return array


def _digest(array: np.ndarray, name: str) -> str:
    """A name for the samples. Raises ValueError if one of them is no number."""
    digest = hashlib.sha256(str(array.shape).encode())
    for first in range(0, len(array), AT_ONCE):
        block = np.ascontiguousarray(array[first : first + AT_ONCE])
        if not (finite := np.isfinite(block).all((1, 2))).all():
            raise ValueError(
                f"{name}: trial {first + int(finite.argmin()) + 1} holds NaN or infinite values; repair or leave out "
                f"the trial, here and in the list of pictures"
            )
        digest.update(block)
    return digest.hexdigest()[:16]
