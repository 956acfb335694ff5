"""`descriptions.parquet`, the table of what was stated on many sessions: one row per statement.

| column     | meaning                                                                                            |
|------------|----------------------------------------------------------------------------------------------------|
| session_id | as in the cohort, or the recording's path below the folder that was given                          |
| scope      | segment (10 s), minute or session                                                                  |
| start, stop| s from the session's beginning                                                                     |
| kind       | what is stated, one of `statements.KINDS`                                                          |
| present    | whether it was seen; empty where it was not measured                                               |
| lobe, side | where: frontal, temporal, central, parietal or occipital; left or right; empty: nowhere in         |
|            | particular                                                                                         |
| band       | delta, theta, alpha, beta, gamma or high gamma, where the statement is on one                      |
| numbers    | what it rests on: a list of name, value, unit                                                      |
| text       | the sentence                                                                                       |
| forbidden  | why nothing can be said; empty where something is                                                  |
| recording  | a fingerprint of the file's path and size: one that changed is described again                     |

Absence is stated of whole sessions only: a segment or minute without a row of a kind did not show it, one with
`forbidden` could not. A session that could not be read or is shorter than a segment has one row of kind "recording".
Rows of a run that was stopped lie in `OUT/descriptions.parts/` and are taken up by the next run.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl

from clef.descriptions.statements import Statement
from tokenizer.base.tables import check_table, json_metadata, read_table, table_metadata, write_table

FORMAT = 1
NUMBER = pl.Struct({"name": pl.String, "value": pl.Float32, "unit": pl.String})
SCHEMA = {
    "session_id": pl.String,
    "scope": pl.String,
    **dict.fromkeys(("start", "stop"), pl.Float32),
    "kind": pl.String,
    "present": pl.Boolean,
    **dict.fromkeys(("lobe", "side", "band"), pl.String),
    "numbers": pl.List(NUMBER),
    **dict.fromkeys(("text", "forbidden", "recording"), pl.String),
}
NAME = "descriptions.parquet"


def row(statement: Statement, text: str) -> dict[str, Any]:
    """A row of the table as a dictionary of plain values, without its session and recording."""
    numbers = [{"name": n, "value": float(v), "unit": u} for n, v, u in statement.numbers]
    plain = {name: getattr(statement, name) for name in SCHEMA if hasattr(statement, name)}
    return plain | {"numbers": numbers, "text": text}


def read_descriptions(path: str | Path) -> pl.DataFrame:
    """Read a `descriptions.parquet`. Raises ValueError with one line if it is something else."""
    table = read_table(path, "remove it and run python -m clef.describe again")
    check_table(path, table_metadata(path).get("clef.format"), FORMAT)
    if missing := [name for name in SCHEMA if name not in table.columns]:
        raise ValueError(f"{path}: columns {', '.join(missing)} are missing; run python -m clef.describe again")
    return table


class Described:
    """What is described already in the folder `out`, by earlier runs with the same settings.

    Raises ValueError if what lies there was made with others.
    """

    def __init__(self, out: Path, settings: dict[str, Any]) -> None:
        self.out, self.settings, self.parts = out, settings, out / "descriptions.parts"
        self.frames = [pl.DataFrame(schema=SCHEMA)]
        table, parts = out / NAME, sorted(self.parts.glob("*.parquet"))
        for path in [table, *parts] if table.is_file() else parts:
            self._check(path)
            self.frames.append(read_descriptions(path).select(*SCHEMA))

    def _check(self, path: Path) -> None:
        before = json_metadata(path, "clef.settings")
        if odd := [f"{k} (was {before.get(k)}, now {v})" for k, v in self.settings.items() if before.get(k) != v]:
            raise ValueError(f"out={self.out}: described with other settings: {', '.join(odd)}; give another out")

    def recordings(self) -> dict[str, str]:
        """Session -> fingerprint of its recording, of all that were described."""
        known = pl.concat(self.frames).filter(pl.col("kind") != "recording")
        return dict(known.select("session_id", "recording").unique(maintain_order=True).iter_rows())

    def add(self, rows: list[dict[str, Any]]) -> None:
        """Take in the rows of some sessions and keep them aside on disk."""
        if rows:
            self.frames.append(pl.DataFrame(rows, schema=SCHEMA))
            number = sum(1 for _ in self.parts.glob("*.parquet"))
            write_table(self.parts / f"{number:06d}.parquet", self.frames[-1], self._metadata())

    def close(self, sessions: list[str]) -> pl.DataFrame:
        """Write the table with the rows of these sessions, in their order, and return it."""
        newest: dict[str, pl.DataFrame] = {}
        for frame in self.frames:
            newest |= {str(key[0]): rows for key, rows in frame.group_by("session_id", maintain_order=True)}
        table = pl.concat([pl.DataFrame(schema=SCHEMA), *(newest[name] for name in sessions if name in newest)])
        write_table(self.out / NAME, table, self._metadata())
        shutil.rmtree(self.parts, ignore_errors=True)
        return table

    def _metadata(self) -> dict[str, str]:
        return {"clef.format": str(FORMAT), "clef.settings": json.dumps(self.settings)}
