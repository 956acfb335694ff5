"""The description of a session: all that can be stated of it, as statements, rows of a table, and sentences.

    from clef.descriptions.description import describe
    print(describe(tokenizer.read("recording.edf")).text())

For research only: what is said is what was measured, and nothing of it is a diagnosis.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clef.descriptions.measured import FEWEST, measure
from clef.descriptions.parts import part_statements
from clef.descriptions.sentences import sentence
from clef.descriptions.spectra import SEGMENT
from clef.descriptions.statements import SCOPES, Scope, Statement
from clef.descriptions.table import row
from clef.descriptions.whole import Whole
from tokenizer.quality.measures import measure_session
from tokenizer.recording import Raw, RecordingError, Session


@dataclass(frozen=True)
class Description:
    """The statements on a session, from its segments to its whole; one of kind "recording" if it is too short."""

    statements: list[Statement]

    def of(self, scope: Scope) -> list[Statement]:
        """The statements of one scope, in order of time."""
        return [statement for statement in self.statements if statement.scope == scope]

    def rows(self, finest: Scope = "segment") -> list[dict[str, Any]]:
        """Rows of `descriptions.parquet` for this session, down to the scope `finest`."""
        scopes = SCOPES[SCOPES.index(finest) :]
        return [row(statement, sentence(statement)) for statement in self.statements if statement.scope in scopes]

    def sentences(self, scope: Scope = "session") -> list[str]:
        """Sentences of one scope, in order of time and, within it, of a report."""
        return [sentence(statement) for statement in self.of(scope)]

    def text(self) -> str:
        """What is stated of the whole session, as one paragraph."""
        return " ".join(self.sentences())


def describe(
    session: Session, quality: list[dict[str, Any]] | None = None, eyes: NDArray[np.int_] | None = None
) -> Description:
    """Describe a session from its signal.

    quality: rows of `tokenizer.quality.measures`, by which bad electrodes are left out · eyes (T,): 1 closed, 0 open,
    −1 not known, of each second; None if nobody says.
    """
    if reason := too_short(session):
        return refused(reason)
    measured = measure(session, quality, eyes)
    if not measured.enough.any():
        return refused(f"no 10 s with {FEWEST} usable electrodes")
    parts = [s for scope in ("segment", "minute") for s in part_statements(measured, scope)]
    return Description([*parts, *Whole(measured).statements()])


def refused(reason: str) -> Description:
    """The description of a recording that cannot be described."""
    return Description([Statement("session", 0, 0, "recording", None, forbidden=reason)])


def too_short(session: Session) -> str | None:
    """Why a session holds no segment, None if it does."""
    seconds = np.flatnonzero(session.valid >= 1 - 1e-6)
    if len(seconds) and seconds[-1] + 1 >= SEGMENT:
        return None
    return f"{session.seconds:.1f} s of signal; expected a segment of {SEGMENT} s or more"


def description_rows(session: Session, raw: Raw, min_channels: int, finest: Scope) -> list[dict[str, Any]]:
    """Rows of a session that was read, for `read_many`; whatever goes wrong is a RecordingError, and stops no other."""
    try:
        return describe(session, measure_session(session, raw, min_channels)).rows(finest)
    except Exception as error:  # its text may hold a path or a name
        reason = f"describing it failed unexpectedly ({type(error).__name__}); please report it"
        raise RecordingError("recording", reason) from None
