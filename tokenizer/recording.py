"""A recording on its way: the file as named channels (`Source`), one session of it (`Session`), the error of one that
cannot be used.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Unit = Literal["uV", "0.1uV", "mV", "V"]
SECONDS = 1280
"""Length of a session in s."""
MICROVOLTS: dict[str, float] = {"uV": 1.0, "0.1uV": 0.1, "mV": 1e3, "V": 1e6}
"""µV in one step of the units a person can state."""


class RecordingError(ValueError):
    """A recording that cannot be used. `str(error)` names the file; `error.reason` does not, and may be stored."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name, self.reason = name, reason

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return RecordingError, (self.name, self.reason)  # what a worker process sends


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


@dataclass
class Session:
    """One session, ready for `tokenizer.multitaper`."""

    signal: NDArray[np.float32]
    """(19, 256000) µV at 200 Hz, filtered; zero where nothing was recorded."""
    valid: NDArray[np.float32]
    """(1280,) share of real samples in each second."""
    channel_ok: NDArray[np.bool_]
    """(19,) whether the electrode was recorded, stayed within ±0.3 V, and is not flat after filtering."""
    start: datetime | None
    """When the first sample was recorded, as the file says; often a placeholder."""
    notes: list[str]
    """What a person should know of this recording, one line each; no names, no paths."""
    rate: float
    """Hz, as recorded."""
    seconds: float
    """Real seconds in `signal`."""
    channels_in_file: int
    mains_hz: int
    """50 or 60, or 0 if no notch was applied."""
    mains_level: float
    """dB of the mains line over its neighbourhood, before the notch."""


@dataclass(frozen=True)
class Raw:
    """The electrodes of a session as recorded: not filtered, not resampled."""

    file: Source
    picks: dict[int, int]
    """Electrode (row of `Session.signal`) -> channel of the file."""
    rate: float
    """Hz."""
    segments: list[Segment]
    """Gap-free stretches, their onsets in s of the session."""

    def load(self, electrode: int) -> list[NDArray[np.float32]]:
        """The samples of one electrode in µV, an array per segment."""
        return [self.file.load(self.picks[electrode], s.first, s.samples) for s in self.segments]
