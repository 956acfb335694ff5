"""Texts on stretches of sessions: what a narrator learns from, what it is held against, and what it writes.

A table as `clef.describe` writes it (`clef.descriptions.table`), whose sentences on a minute (or segment of 10 s) are
joined; by the rule of captions, without numbers in brackets, amplitudes and artefacts.
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from clef.descriptions.captions import captioned
from clef.descriptions.table import FORMAT, SCHEMA
from tokenizer.base.tables import write_table
from tokenizer.store import Tokens
from tokenizer.stretches import MINUTE

log = logging.getLogger(__name__)
PartScope = Literal["minute", "segment"]
COLUMNS: dict[PartScope, int] = {"minute": MINUTE, "segment": 1}
"""Columns of 10 s that a text is on."""
SECONDS = 10


class Place(NamedTuple):
    """A stretch of a session: its number counts stretches from the session's beginning."""

    session: str
    number: int


def texts_of(path: str | Path, scope: PartScope) -> dict[Place, str]:
    """The text on each stretch that a table (or the folder of a `descriptions.parquet`) states something of.

    Raises ValueError with one line if there is no such table, or it has nothing of that scope.
    """
    rows, length = captioned(path, scope), SECONDS * COLUMNS[scope]
    if not len(rows):
        raise ValueError(f"{path}: has no text on any {scope}; run python -m clef.describe with finest={scope}")
    columns = rows.select("session_id", "start", "text").iter_rows()
    return {Place(session, round(start) // length): text for session, start, text in columns}


def places_in(tokens: Tokens, texts: dict[Place, str], scope: PartScope) -> dict[int, list[int]]:
    """Row of a store in memory -> numbers of its stretches that have a text and at least one valid column, in order."""
    rows = {str(name): row for row, name in enumerate(tokens.session_id)}
    places: dict[int, list[int]] = {}
    for place in sorted(texts):
        row = rows.get(place.session)
        if row is not None and tokens.valid[row][_columns(place.number, scope)].any():
            places.setdefault(row, []).append(place.number)
    return dict(sorted(places.items()))


def valid_places(tokens: Tokens, scope: PartScope) -> dict[int, list[int]]:
    """Row of a store in memory -> numbers of its stretches with a valid column, in order."""
    known = {}
    for row, valid in enumerate(tokens.valid):
        numbers = np.unique(np.flatnonzero(valid) // COLUMNS[scope]).tolist()
        if numbers:
            known[row] = numbers
    return known


def _columns(number: int, scope: PartScope) -> slice:
    return slice(number * COLUMNS[scope], (number + 1) * COLUMNS[scope])


def write_texts(target: str | Path, rows: Iterable[tuple[Place, str]], scope: PartScope) -> None:
    """Write texts as a table that `texts_of` reads, whole or not at all."""
    length = SECONDS * COLUMNS[scope]
    plain = [
        {"session_id": place.session, "scope": scope, "start": place.number * length, "kind": "narrative"}
        | {"stop": (place.number + 1) * length, "present": True, "numbers": [], "text": text, "recording": ""}
        for place, text in rows
    ]
    write_table(target, pl.DataFrame(plain, schema=SCHEMA), {"clef.format": str(FORMAT)})
