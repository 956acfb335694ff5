"""The importer of a folder of recordings with a CSV of labels: a site of a cohort folder.

    python -m clef.importers.folder root=DIR labels=FILE.csv site=NAME out=COHORT targets=[diagnosis]

The CSV has one line per recording. `file` (relative to `root`) and `subject` are required; `session` (its name in the
cohort; else the file's), `age` or `age_years`, `sex`, `start` (ISO 8601), `setting` and `split` are understood; each
column named in `targets` becomes the event `LABEL//<site>//<column>//<value>`; the rest is left out and counted.
"""

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import polars as pl

from clef.importers.importing import (
    ImportConfig,
    Recording,
    import_recordings,
    parse_age,
    parse_setting,
    parse_sex,
    parse_time,
)
from tokenizer.base.cli import program
from tokenizer.base.values import MISSING
from tokenizer.recording import Unit

log = logging.getLogger(__name__)

PARSERS: dict[str, Callable[[str | None], Any]] = {
    "age": parse_age,
    "sex": parse_sex,
    "start": parse_time,
    "setting": parse_setting,
}
UNDERSTOOD = ("file", "subject", "session", "split", "age_years", *PARSERS)


@dataclass
class FolderImport(ImportConfig):
    root: Path = MISSING
    """Folder that the `file` column of the labels starts from."""
    labels: Path = MISSING
    """CSV with one line per recording; columns `file` and `subject` at least."""
    site: str = MISSING
    """Name of the hospital or lab; part of every session id and label."""
    targets: list[str] = field(default_factory=list)
    """Columns of the labels that become events, as [a,b]."""
    rate: float | None = None
    """Sampling rate in Hz, for files that do not say it (CSV)."""
    unit: Unit | None = None
    """Unit of the numbers in the files, where they do not say it or say it wrongly."""


def main(config: FolderImport) -> int:
    """Import one folder."""
    labels = read_labels(config)
    left_out: dict[str, list[str]] = defaultdict(list)
    recordings = []
    for row in labels.iter_rows(named=True):
        if row["file"] is None or row["subject"] is None:
            left_out["a line without file or subject"].append(row["file"] or "no file")
        else:
            recordings.append(_recording(config, row))
    _say_columns(config, labels)
    import_recordings(recordings, config.site, config, left_out)
    return 0


def read_labels(config: FolderImport) -> pl.DataFrame:
    """The labels CSV as text, checked: it has the required columns and the targets."""
    if not config.root.is_dir():
        raise ValueError(f"root={config.root}: there is no such folder")
    if not config.labels.is_file():
        raise ValueError(f"labels={config.labels}: there is no such file; expected a CSV with columns file and subject")
    try:
        table = pl.read_csv(config.labels, infer_schema=False, encoding="utf8-lossy")
    except pl.exceptions.PolarsError:  # polars' own words may hold cells of the file
        raise ValueError(
            f"{config.labels.name}: not a CSV; expected a line of column names, then lines with as many cells, "
            f"text with commas in double quotes"
        ) from None
    table = table.rename({c: c.strip().lstrip("\ufeff") for c in table.columns}).with_columns(
        pl.all().str.strip_chars()
    )
    for column in ("file", "subject", *config.targets):
        if column not in table.columns:
            near = get_close_matches(column, table.columns, 1, 0.7)  # all of them may be a line of data
            raise ValueError(
                f"{config.labels.name}: no column {column!r} among {len(table.columns)}"
                + (f"; did you mean {near[0]!r}?" if near else "; its first line must name the columns")
            )
    return table.with_columns(pl.all().replace("", None))


def _recording(config: FolderImport, row: dict[str, Any]) -> Recording:
    path = config.root / row["file"]
    understood = {column: parse(_given(column, row)) for column, parse in PARSERS.items()}
    targets = [(column, row[column]) for column in config.targets if row[column] is not None]
    return Recording(
        path=path,
        shown=row["file"],
        subject=row["subject"],
        session=row.get("session") or path.stem,
        split=row.get("split"),
        reading={k: v for k, v in (("rate", config.rate), ("unit", config.unit)) if v is not None},
        events=[(understood["start"], f"LABEL//{config.site}//{c}//{value}", None) for c, value in targets],
        **understood,
    )


def _given(column: str, row: dict[str, Any]) -> str | None:
    return row.get(column) or (row.get("age_years") if column == "age" else None)


def _say_columns(config: FolderImport, labels: pl.DataFrame) -> None:
    """Columns that were not imported, and values that were not understood."""
    ignored = [c for c in labels.columns if c not in (*UNDERSTOOD, *config.targets)]
    if ignored:
        log.info("%d columns not imported: %s (name them in targets= to have labels)", len(ignored), ", ".join(ignored))
    rows = labels.to_dicts()
    for column, parse in PARSERS.items():
        lost = sum(bool(_given(column, row)) and parse(_given(column, row)) is None for row in rows)
        if lost:
            log.info("%s: %d values not understood, left empty", column, lost)


if __name__ == "__main__":
    program(FolderImport, main, "clef.importers.folder")
