"""A table that is made row by row from recordings and kept as it grows, so that the same command goes on from there."""

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from tokenizer.base.progress import track
from tokenizer.base.tables import read_table, table_metadata, write_table

log = logging.getLogger(__name__)
SAVE_EVERY = 64
Make = Callable[[pl.DataFrame], Iterable[dict[str, Any]]]


def keep_rows(
    path: Path,
    schema: Mapping[str, Any],
    key: dict[str, str],
    sessions: pl.DataFrame,
    make: Make,
    word: str = "reading",
) -> pl.DataFrame:
    """A row of `schema` per session, in their order: those that `path` holds under the same `key`, the others made now.

    sessions: with `session_id` · make: sessions still to do -> their rows, in order · word: what the bar says
    `schema` has `session_id` and `refused`, why there is nothing in the other columns; that is counted and said.
    """
    done = pl.DataFrame(schema=schema)
    if path.is_file() and key.items() <= table_metadata(path).items():
        done = read_table(path, "remove it; its recordings are read again")
    todo = sessions.filter(~pl.col("session_id").is_in(done["session_id"].implode()))
    new: list[dict[str, Any]] = []
    for i, row in enumerate(track(make(todo), word, len(todo))):
        new.append(row)
        if len(new) == SAVE_EVERY or i + 1 == len(todo):
            done, new = pl.concat([done, pl.DataFrame(new, schema=schema)]), []
            write_table(path, done, key)
    kept = sessions.select("session_id").join(done, on="session_id", how="left", maintain_order="left")
    if len(refused := kept["refused"].drop_nulls()):
        log.info("%d of %d recordings could not be used (first: %s)", len(refused), len(kept), refused[0])
    return kept
