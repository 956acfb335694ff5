"""The table `quality.parquet`: one row per session and channel; see docs/quality.md for its columns.

Rows finished by a run that was stopped lie in `OUT/quality.parts/` and are taken up by the next run. A session that
could not be read has 19 rows too, with a `reason` and nothing measured.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl

from tokenizer.base.files import fingerprint
from tokenizer.base.tables import check_table, json_metadata, read_table, table_metadata, write_table
from tokenizer.channels import CHANNELS

FORMAT = 2
WORDS, NUMBERS = pl.List(pl.String), pl.Float32
SCHEMA = {
    "session_id": pl.String,
    "channel": pl.String,
    "recorded": pl.Boolean,
    **dict.fromkeys(("flat_share", "clipped_share", "saturated_share", "railing_share", "loud_share"), NUMBERS),
    **dict.fromkeys(("mains_share", "common_share", "pops_per_minute", "amplitude_uv"), NUMBERS),
    "nearest": pl.String,
    **dict.fromkeys(("nearest_uv2", "nearest_share", "usable_seconds", "usable_share"), NUMBERS),
    "flags": WORDS,
    **dict.fromkeys(("session_seconds", "session_usable_seconds", "session_common_share"), NUMBERS),
    "session_common_seconds": NUMBERS,
    "session_mains_hz": pl.Int32,
    "session_flags": WORDS,
    "reason": pl.String,
    "recording": pl.String,
}


def read_quality(path: str | Path) -> pl.DataFrame:
    """Read a `quality.parquet`. Raises ValueError with one line if it is something else."""
    table = read_table(path, "remove it and run python -m clef.quality again")
    check_table(path, table_metadata(path).get("clef.format"), FORMAT)
    if missing := [name for name in SCHEMA if name not in table.columns]:
        raise ValueError(f"{path}: columns {', '.join(missing)} are missing; run python -m clef.quality again")
    return table


def recording_name(cohort: str, row: dict[str, Any]) -> str:
    """A fingerprint of a session's file (path, size, reading): a recording that changed is measured again."""
    path = Path(cohort) / row["path"]
    size = path.stat().st_size if path.is_file() else -1
    return fingerprint(str(path), str(size), row["reading"] or "")


def refused_rows(reason: str) -> list[dict[str, Any]]:
    """The 19 rows of a session that could not be read."""
    return [{"channel": channel, "reason": reason} for channel in CHANNELS]


class Finished:
    """What is measured already in the folder `out`, by earlier runs with the same settings.

    Raises ValueError if what lies there was measured with others.
    """

    def __init__(self, out: Path, settings: dict[str, Any]) -> None:
        self.out, self.settings, self.parts = out, settings, out / "quality.parts"
        self.frames = [pl.DataFrame(schema=SCHEMA)]
        """The newest rows of a session count."""
        table, parts = out / "quality.parquet", sorted(self.parts.glob("*.parquet"))
        for path in [table, *parts] if table.is_file() else parts:
            self._check(path)
            self.frames.append(read_quality(path).select(*SCHEMA))

    def _check(self, path: Path) -> None:
        before = json_metadata(path, "clef.settings")
        if differing := [f"{k} (was {before.get(k)}, now {v})" for k, v in self.settings.items() if before.get(k) != v]:
            raise ValueError(f"out={self.out}: measured with other settings: {', '.join(differing)}; give another out")

    def measured(self) -> dict[str, str]:
        """Session -> fingerprint of its recording, of all that could be read."""
        read = self.newest().filter(pl.col("reason").is_null())
        return dict(read.select("session_id", "recording").unique().iter_rows())

    def newest(self) -> pl.DataFrame:
        """All rows, 19 of each session."""
        return pl.concat(self.frames).unique(["session_id", "channel"], keep="last", maintain_order=True)

    def add(self, rows: list[dict[str, Any]]) -> None:
        """Take in rows of some sessions and keep them aside on disk."""
        if rows:
            self.frames.append(pl.DataFrame(rows, schema=SCHEMA))
            number = sum(1 for _ in self.parts.glob("*.parquet"))
            write_table(self.parts / f"{number:06d}.parquet", self.frames[-1], self._metadata())

    def close(self, session_ids: list[str]) -> pl.DataFrame:
        """Write `quality.parquet` with the rows of these sessions, in their order, and return it."""
        order = pl.DataFrame({"session_id": session_ids}, schema={"session_id": pl.String})
        table = order.join(self.newest(), on="session_id", how="inner", maintain_order="left_right").select(*SCHEMA)
        write_table(self.out / "quality.parquet", table, self._metadata())
        shutil.rmtree(self.parts, ignore_errors=True)
        return table

    def _metadata(self) -> dict[str, str]:
        return {"clef.format": str(FORMAT), "clef.settings": json.dumps(self.settings)}
