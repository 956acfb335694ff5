"""Readings: sessions as spectrograms, in the form in which they enter training and encoding."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from tokenizer.multitaper import session_spectrogram
from tokenizer.reading.read import ReadingConfig, read_row
from tokenizer.recording import Raw, RecordingError, Session
from tokenizer.reference import Reference, referenced

if TYPE_CHECKING:
    import polars as pl  # a reading worker does without


@dataclasses.dataclass
class Reading:
    """One session as the network sees it, or the reason why not.

    spec (19, 128, T) float32 dB, T a multiple of 10 · valid (T,) bool · channel_ok (19,) bool · reason "" if readable
    reference: what its electrodes are measured against
    """

    spec: Tensor
    valid: Tensor
    channel_ok: Tensor
    reason: str = ""
    reference: Reference = "recorded"


def reading_of(session: Session, raw: Raw | None = None, *, reference: Reference = "recorded") -> Reading:
    """A session as the network sees it; `raw`, which `read_many` hands over, is not needed."""
    spec, valid = session_spectrogram(referenced(session, reference))
    return Reading(spec, valid, torch.as_tensor(session.channel_ok), reference=reference)


def refused(error: RecordingError) -> Reading:
    """A recording that cannot be used."""
    return Reading(torch.zeros(19, 128, 0), torch.zeros(0).bool(), torch.zeros(19).bool(), error.reason)


class Spectrograms:
    """Row number of a session table -> Reading. Bad recordings come back with a reason, they raise nothing."""

    def __init__(
        self,
        cohort: str | Path,
        sessions: "pl.DataFrame",
        config: ReadingConfig,
        reference: Reference = "recorded",
    ):
        self.cohort, self.config, self.reference = cohort, config, reference
        self.rows = sessions.select("session_id", "path", "reading").to_dicts()  # plain: a worker does without polars

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Reading:
        try:
            return reading_of(read_row(self.cohort, self.rows[index], self.config), reference=self.reference)
        except RecordingError as error:
            return refused(error)
