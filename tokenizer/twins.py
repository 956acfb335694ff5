"""Sessions as spectrograms, each with two twins: recordings of one spectrum whose scatter is independent.

The sum and the difference of two independent Gaussian variables of one variance are independent too. So of a recording
s and its own later self, A = (s(t) + s(t+τ)) / √2 and B = (s(t) − s(t+τ)) / √2 have the expected spectrum of s, and
nothing else in common, where s is Gaussian and changes little within τ. Topography and coherence between electrodes are
kept, since all channels are shifted alike; an event shows in both twins, twice, τ apart. benchmark.fidelity.measures
says what they are for, and why τ is 12 s.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tokenizer.filters import RATE
from tokenizer.reading.read import ReadingConfig, read_row
from tokenizer.readings import Reading, reading_of, refused
from tokenizer.recording import RecordingError, Session
from tokenizer.reference import Reference, referenced

SHIFT = 12
"""s between a recording and its later self: a column of tokens (10 s), and half the window of a frame."""


class Twins:
    """Row number of a session table -> the session's own Reading and those of its twins; a refused one has none."""

    def __init__(
        self,
        cohort: str | Path,
        rows: list[dict[str, Any]],
        config: ReadingConfig,
        with_twins: list[bool],
        reference: Reference = "recorded",
    ):
        self.cohort, self.config, self.with_twins, self.rows = cohort, config, with_twins, rows
        self.reference: Reference = reference

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> list[Reading]:
        try:
            session = referenced(read_row(self.cohort, self.rows[index], self.config), self.reference)
        except RecordingError as error:
            return [refused(error)]
        own = [self._reading(session)]
        return own + [self._reading(twin) for twin in twins(session)] if self.with_twins[index] else own

    def _reading(self, session: Session) -> Reading:
        """Of a session that is against the reference already: the sum of two such is so, too."""
        return dataclasses.replace(reading_of(session), reference=self.reference)


def twins(session: Session) -> Iterator[Session]:
    """The sum and the difference of a session and itself `SHIFT` s later, both divided by √2; one after the other."""
    now, later = session.signal[:, : -SHIFT * RATE], session.signal[:, SHIFT * RATE :]
    valid = np.minimum(session.valid[:-SHIFT], session.valid[SHIFT:])
    for combine in (np.add, np.subtract):
        signal = combine(now, later)
        signal *= np.float32(0.5**0.5)
        yield dataclasses.replace(session, signal=signal, valid=valid)
