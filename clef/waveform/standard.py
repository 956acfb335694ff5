"""The units of windows: as they are, by a session's own spread, or by that of a cohort's training sessions."""

import functools
from pathlib import Path

import numpy as np
import polars as pl

from clef.waveform.cutting import Cutting
from clef.waveform.preparation import Preparation
from tokenizer.reading.many import read_many
from tokenizer.reading.read import ReadingConfig, row_jobs
from tokenizer.recording import Raw, RecordingError, Session

SCALED = 32
"""Sessions from which mean and spread of a cohort are taken."""


class Standardised:
    """Windows of a session in the units a network takes: cut, then shifted and scaled as its `standard` says."""

    def __init__(self, cut: Cutting, standard: str, shift: float, scale: float) -> None:
        self.cut, self.standard, self.shift, self.scale = cut, standard, shift, scale

    def __call__(self, session: Session, raw: Raw | None = None) -> np.ndarray:
        """Windows (n, C, S) float32. Raises RecordingError as `Cutting`."""
        windows = self.cut(session)
        shift, scale = self.shift, self.scale
        if self.standard == "session":
            shift, scale = float(windows.mean()), float(windows.std())
        if not scale > 0:
            raise RecordingError("session", "it is flat, so its windows cannot be brought to one spread")
        return (windows - np.float32(shift)) / np.float32(scale)


def standardised(
    cohort: str | Path, sessions: pl.DataFrame, cut: Cutting, made: Preparation, workers: int
) -> Standardised:
    """What cuts sessions and brings them to the units of `made`, those of the cohort's training sessions if it says so.

    Raises ValueError in one line if a cohort's units are wanted and none of its sessions can be cut.
    """
    shift, scale = made.shift, made.scale
    if made.standard == "cohort":
        shift, scale = cohort_scale(cohort, sessions, cut, workers)
    return Standardised(cut, made.standard, shift, scale)


def cohort_scale(cohort: str | Path, sessions: pl.DataFrame, cut: Cutting, workers: int) -> tuple[float, float]:
    """Mean and standard deviation of all samples of up to `SCALED` training sessions, spread over the cohort.

    Of a cohort without training sessions, of any: two numbers for all its people together, without a label.
    Raises ValueError in one line if none of them can be cut.
    """
    train = sessions.filter(pl.col("split") == "train") if (sessions["split"] == "train").any() else sessions
    train = train.select("session_id", "path", "reading")
    some = train[np.unique(np.linspace(0, len(train) - 1, min(SCALED, len(train))).round().astype(int)).tolist()]
    read = list(read_many(row_jobs(cohort, some, ReadingConfig()), functools.partial(_moments, cut), workers))
    moments = [each for each in read if not isinstance(each, RecordingError)]
    if not moments:
        raise ValueError(f"none of {len(some)} sessions of the cohort could be cut into windows: {read[0].reason}")
    count, total, squares = np.sum(moments, axis=0)
    mean = total / count
    return float(mean), float(np.sqrt(squares / count - mean**2))


def _moments(cut: Cutting, session: Session, raw: Raw | None = None) -> np.ndarray:
    windows = cut(session).astype(np.float64)
    return np.array([windows.size, windows.sum(), np.square(windows).sum()])
