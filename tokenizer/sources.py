"""A recording file as named channels that can be read piece by piece, and the error of one that cannot be used."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Unit = Literal["uV", "0.1uV", "mV", "V"]
MICROVOLTS: dict[str, float] = {"uV": 1.0, "0.1uV": 0.1, "mV": 1e3, "V": 1e6}
"""µV in one step of the units a person can state."""


class RecordingError(ValueError):
    """A recording that cannot be used. `str(error)` names the file; `error.reason` does not, and may be stored."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class Segment:
    """Samples recorded without a gap."""

    first: int
    """Index of its first sample, the file's samples counted without gaps."""
    samples: int
    onset: float
    """Seconds from the recording's start."""


@dataclass(frozen=True)
class Source:
    """A recording as its file describes it; nothing but the header has been read."""

    name: str
    """File name without its folder, for messages."""
    channels: list[str]
    rates: list[float]
    """Hz, one per channel; all NaN-free and positive."""
    load: Callable[[int, int, int], NDArray[np.float32]]
    """(channel, first sample, samples) -> (samples,) float32 in µV."""
    segments: Callable[[float], list[Segment]]
    """Sampling rate of a channel -> its gap-free segments, in order of time."""
    start: datetime | None = None
    notes: list[str] = field(default_factory=list)
