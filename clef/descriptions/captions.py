"""Captions: what was stated of whole sessions, as the texts that sessions are aligned with where there are no reports.

Numbers in brackets are left out, since they are of the recording and not of the language; so are statements on
amplitudes and energy, which depend on the reference, and on artefacts, by which a model would learn the amplifier.
"""

import logging
import re
from pathlib import Path

import polars as pl

from clef.descriptions.statements import Scope
from clef.descriptions.table import NAME, read_descriptions
from tokenizer.base.files import fingerprint

log = logging.getLogger(__name__)
LEFT_OUT = ("recording", "region", "power", "energy", "artefact")
BRACKETS = re.compile(r" \([^()]*\)")


def captions(path: str | Path) -> dict[str, str]:
    """A caption for each session of a `descriptions.parquet`, or of the folder that holds it; absent where nothing is.

    Raises ValueError with one line if there is no such table.
    """
    rows = captioned(path, "session").select("session_id", "text")
    return dict(rows.iter_rows())


def captioned(path: str | Path, scope: Scope) -> pl.DataFrame:
    """The rows of `caption_rows` of a `descriptions.parquet`, or of the folder that holds it.

    Raises ValueError with one line if there is no such table.
    """
    return caption_rows(_table(path), scope)


def digest(path: str | Path) -> str:
    """A name for all that such a table says. Raises ValueError with one line if there is none."""
    return fingerprint(_table(path).select("session_id", "scope", "start", "kind", "text").write_csv())


def _table(path: str | Path) -> pl.DataFrame:
    return read_descriptions(Path(path) / NAME if Path(path).is_dir() else path)


def caption_rows(table: pl.DataFrame, scope: Scope) -> pl.DataFrame:
    """session_id, start, stop and text of each session, minute or segment that something is stated of, in order."""
    kept = table.filter(pl.col("scope") == scope, pl.col("present").is_not_null(), ~pl.col("kind").is_in(LEFT_OUT))
    texts = [BRACKETS.sub("", text) for text in kept["text"]]
    kept = kept.with_columns(pl.Series("text", texts, pl.String))
    place = ["session_id"] if scope == "session" else ["session_id", "start"]
    firsts = [pl.col(name).first() for name in ("start", "stop") if name not in place]
    return kept.group_by(place, maintain_order=True).agg(*firsts, pl.col("text").str.join(" "))


def captions_of(path: str | Path, sessions: pl.Series) -> dict[str, str]:
    """The captions of these sessions. Raises ValueError if there is none; how many have none is logged."""
    known = captions(path)
    kept = {session: known[session] for session in sessions if session in known}
    if not kept:
        raise ValueError(
            f"{path}: describes no session of the cohort; run python -m clef.describe on the cohort that is trained on"
        )
    log.info("%d captions of descriptions, %d sessions without any", len(kept), len(sessions) - len(kept))
    return kept
