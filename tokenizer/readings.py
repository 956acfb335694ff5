"""Sessions of a cohort as spectrograms: the one way recordings enter training and encoding."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from tokenizer.multitaper import session_spectrogram
from tokenizer.reading.read import read_row
from tokenizer.recording import RecordingError

if TYPE_CHECKING:
    import polars as pl  # a reading worker does without


@dataclasses.dataclass
class ReadingConfig:
    """How a recording becomes a session."""

    crop: Literal["start", "middle"] = "start"
    """Which 1,280 s of a longer recording are used."""
    mains: Literal["auto", "50", "60", "none"] = "auto"
    """Mains frequency to notch out, in Hz; auto decides per recording."""
    min_channels: int = 8
    """A recording with fewer of the 19 electrodes is refused."""
    min_seconds: float = 10.0
    """A recording with fewer real seconds is refused."""


@dataclasses.dataclass
class Reading:
    """One session as the network sees it, or the reason why not.

    spec (19, 128, T) float32 dB, T a multiple of 10 · valid (T,) bool · channel_ok (19,) bool · reason "" if readable
    """

    spec: Tensor
    valid: Tensor
    channel_ok: Tensor
    reason: str = ""


class Spectrograms(torch.utils.data.Dataset):
    """Row number of a session table -> Reading. Bad recordings come back with a reason, they raise nothing."""

    def __init__(self, cohort: str | Path, sessions: "pl.DataFrame", config: ReadingConfig):
        self.cohort, self.config = cohort, config
        self.rows = sessions.select("session_id", "path", "reading").to_dicts()  # plain: a worker does without polars

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Reading:
        try:
            session = read_row(self.cohort, self.rows[index], **dataclasses.asdict(self.config))
        except RecordingError as error:
            return Reading(torch.zeros(19, 128, 0), torch.zeros(0).bool(), torch.zeros(19).bool(), error.reason)
        spec, valid = session_spectrogram(session)
        return Reading(spec, torch.as_tensor(valid), torch.as_tensor(session.channel_ok))
