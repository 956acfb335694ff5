"""A folder of recordings and a CSV of labels -> a cohort folder.

    python -m clef.importers.folder root=DIR labels=FILE.csv site=NAME out=COHORT targets=[diagnosis]

The CSV has one line per recording. `file` (relative to `root`) and `subject` are required; `age` or `age_years`, `sex`,
`start` (ISO 8601), `setting` and `split` are understood; each column named in `targets` becomes the event
`LABEL//<site>//<column>//<value>`; the rest is left out and counted. Several folders imported into the same `out`
become one cohort; importing a site again replaces that site's rows. A recording that cannot be read is left out, with
the reason, and never stops the import.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from omegaconf import MISSING

from clef.cohort import EVENTS, read_code_descriptions, read_events, read_reports, write_cohort
from tokenizer.cli import program
from tokenizer.progress import track
from tokenizer.recordings import check_file
from tokenizer.sessions import SCHEMA, SETTINGS, SPLITS, read_sessions, split_of, subject_number
from tokenizer.sources import RecordingError, Unit

log = logging.getLogger(__name__)

UNDERSTOOD = ("file", "subject", "age", "age_years", "sex", "start", "setting", "split")
SEXES = {"f": "F", "female": "F", "m": "M", "male": "M"}


@dataclass
class Config:
    root: Path = MISSING
    """Folder that the `file` column of the labels starts from."""
    labels: Path = MISSING
    """CSV with one line per recording; columns `file` and `subject` at least."""
    site: str = MISSING
    """Name of the hospital or lab; part of every session id and label."""
    out: Path = MISSING
    """Cohort folder to write, or to add to."""
    targets: list[str] = field(default_factory=list)
    """Columns of the labels that become events, as [a,b]."""
    rate: float | None = None
    """Sampling rate in Hz, for files that do not say it (CSV)."""
    unit: Unit | None = None
    """Unit of the numbers in the files, where they do not say it or say it wrongly."""
    min_channels: int = 8
    """Fewest of the 19 electrodes a recording must have."""
    min_seconds: float = 10.0
    """Shortest recording to take."""
    seed: int = 0
    """Seed of the split, for subjects without an official one."""


def main(config: Config) -> int:
    """Import one folder; returns 1 if no recording could be used."""
    labels = read_labels(config)
    left_out: dict[str, list[str]] = defaultdict(list)
    kept = _keep_readable(config, labels, left_out)
    _say_left_out(left_out)
    if not kept:
        raise ValueError(
            f"{config.labels.name}: none of {len(labels)} recordings could be imported; see the lines above"
        )
    sessions = _sessions(config, kept)
    cohort, events, reports, words = _merge(config, sessions, _events(config, kept))
    write_cohort(config.out, config.out.resolve().name, cohort, events, reports, words)
    _say_columns(config, labels, kept)
    _say_cohort(config, sessions, cohort, len(labels))
    return 0


def read_labels(config: Config) -> pl.DataFrame:
    """The labels CSV as text, checked: required columns, known targets, one known split per subject."""
    if not config.root.is_dir():
        raise ValueError(f"root={config.root}: there is no such folder")
    if not config.labels.is_file():
        raise ValueError(f"labels={config.labels}: there is no such file; expected a CSV with columns file and subject")
    if not config.site or "/" in config.site:
        raise ValueError(f"site={config.site!r}: expected a short name without /")
    try:
        table = pl.read_csv(config.labels, infer_schema=False, encoding="utf8-lossy")
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"{config.labels.name}: not a CSV ({str(error).splitlines()[0]})") from None
    table = table.rename({c: c.strip().lstrip("\ufeff") for c in table.columns}).with_columns(
        pl.all().str.strip_chars()
    )
    for column in ("file", "subject", *config.targets):
        if column not in table.columns:
            raise ValueError(f"{config.labels.name}: no column {column!r}; it has {', '.join(table.columns)}")
    return table.with_columns(pl.all().replace("", None))


def _keep_readable(config: Config, labels: pl.DataFrame, left_out: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Rows whose recording is there and whose header can be read; the reasons of the others go to `left_out`."""
    kept, seen = [], set()
    for row in track(labels.iter_rows(named=True), "checking recordings", len(labels)):
        if row["file"] is None or row["subject"] is None:
            left_out["a line without file or subject"].append(row["file"] or "")
            continue
        path = (config.root / row["file"]).resolve()
        if path in seen:
            left_out["a file named on an earlier line too"].append(row["file"])
            continue
        seen.add(path)
        try:
            check_file(path, config.min_channels, config.min_seconds, config.rate, config.unit)
        except RecordingError as error:
            left_out[error.reason].append(row["file"])
            continue
        kept.append(row | {"path": path})
    return kept


def _sessions(config: Config, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Session table of the rows kept."""
    taken = _ids_of_others(config)
    splits = _splits(config, rows)
    reading = {k: v for k, v in (("rate", config.rate), ("unit", config.unit)) if v is not None}
    table = []
    for row in rows:
        session_id = _unique(f"{config.site}_{row['path'].stem}", taken)
        subject = subject_number(config.site, row["subject"])
        table.append(
            {
                "session_id": session_id,
                "subject_id": subject,
                "path": str(row["path"]),
                "start_time": _understood("start", row),
                "age": _understood("age", row),
                "sex": _understood("sex", row),
                "site": config.site,
                "setting": _understood("setting", row),
                "split": splits[subject],
                "reading": json.dumps(reading) if reading else None,
            }
        )
    return pl.DataFrame(table, schema=SCHEMA)


def _splits(config: Config, rows: list[dict[str, Any]]) -> dict[int, str]:
    """Split of every subject: the official one of the labels, else a seeded hash of the subject."""
    splits: dict[int, str] = {}
    for row in rows:
        subject, split = subject_number(config.site, row["subject"]), row.get("split")
        if split is None:
            continue
        if split not in SPLITS:
            raise ValueError(f"{config.labels.name}: split is {split!r}, expected one of {', '.join(SPLITS)}")
        if splits.setdefault(subject, split) != split:
            raise ValueError(
                f"{config.labels.name}: the recordings of a subject ({row['file']} among them) stand in two splits, "
                f"{splits[subject]} and {split}; give all recordings of a subject the same split"
            )
    subjects = {subject_number(config.site, row["subject"]) for row in rows}
    return {s: splits.get(s) or split_of(s, config.seed) for s in subjects}


def _events(config: Config, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """MEDS events: the sex and the targets of each subject."""
    events = pl.DataFrame(list(_each_event(config, rows)), schema=EVENTS, orient="row")
    return events.unique(maintain_order=True)


def _each_event(config: Config, rows: list[dict[str, Any]]) -> Iterator[tuple[int, datetime | None, str, None]]:
    for row in rows:
        subject = subject_number(config.site, row["subject"])
        if sex := _understood("sex", row):
            yield subject, None, f"GENDER//{sex}", None
        for column in config.targets:
            if row[column] is not None:
                yield subject, _understood("start", row), f"LABEL//{config.site}//{column}//{row[column]}", None


def _merge(
    config: Config, sessions: pl.DataFrame, events: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame | None, dict[str, str]]:
    """The cohort in `out`, if there is one, with this site's rows replaced."""
    if not (config.out / "sessions.parquet").is_file():
        return sessions, events, None, {}
    old = read_sessions(config.out)
    others = old.filter(pl.col("site").ne_missing(config.site))
    replaced = old.filter(pl.col("site").eq_missing(config.site))["subject_id"].unique()
    known = read_events(config.out).filter(~pl.col("subject_id").is_in(replaced.to_list()))
    cohort = pl.concat([others, sessions])
    reports = read_reports(config.out).join(cohort, on="session_id", how="semi")
    words = read_code_descriptions(config.out)
    return cohort, pl.concat([known, events]), reports if len(reports) else None, words


def _ids_of_others(config: Config) -> set[str]:
    if not (config.out / "sessions.parquet").is_file():
        return set()
    return set(read_sessions(config.out).filter(pl.col("site").ne_missing(config.site))["session_id"])


def _unique(name: str, taken: set[str]) -> str:
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name}_{number}"
    taken.add(unique)
    return unique


def _understood(column: str, row: dict[str, Any]) -> Any:
    """The value of an understood column in a row of the labels; None if it is empty or makes no sense."""
    text = _given(column, row)
    try:
        return PARSERS[column](text) if text else None
    except ValueError:
        return None


def _given(column: str, row: dict[str, Any]) -> str | None:
    return row.get(column) or (row.get("age_years") if column == "age" else None)


def _age(text: str) -> float | None:
    return age if 0 <= (age := float(text)) <= 120 else None


PARSERS: dict[str, Callable[[str], Any]] = {
    "age": _age,
    "sex": lambda text: SEXES.get(text.lower()),
    "start": lambda text: datetime.fromisoformat(text).replace(tzinfo=None),
    "setting": lambda text: text.lower() if text.lower() in SETTINGS else None,
}


def _say_left_out(left_out: dict[str, list[str]], most: int = 20) -> None:
    """Each reason with the number of its files and the first of them."""
    reasons = sorted(left_out.items(), key=lambda item: -len(item[1]))
    for reason, files in reasons[:most]:
        log.info("left out %d (%s): %s", len(files), files[0] + (", …" if len(files) > 1 else ""), reason)
    if len(reasons) > most:
        log.info("left out %d more, for %d other reasons", sum(len(f) for _, f in reasons[most:]), len(reasons) - most)


def _say_columns(config: Config, labels: pl.DataFrame, rows: list[dict[str, Any]]) -> None:
    """Columns that were not imported, and values that were not understood."""
    ignored = [c for c in labels.columns if c not in (*UNDERSTOOD, *config.targets)]
    if ignored:
        log.info("%d columns not imported: %s (name them in targets= to have labels)", len(ignored), ", ".join(ignored))
    for column in PARSERS:
        if lost := [row for row in rows if _given(column, row) and _understood(column, row) is None]:
            log.info("%s: %d values not understood, left empty (first: %r)", column, len(lost), _given(column, lost[0]))


def _say_cohort(config: Config, sessions: pl.DataFrame, cohort: pl.DataFrame, lines: int) -> None:
    """What was written and what to run next."""
    counts = dict(sessions["split"].value_counts().iter_rows())
    splits = ", ".join(f"{counts[s]} {s}" for s in SPLITS if s in counts)
    log.info(
        "wrote %s: %d sessions of %d subjects from site %s (%s); %d of %d lines left out",
        *(config.out, len(sessions), sessions["subject_id"].n_unique(), config.site, splits),
        *(lines - len(sessions), lines),
    )
    log.info("the cohort now holds %d sessions of %d sites", len(cohort), cohort["site"].n_unique())
    log.info("next: python -m clef.pretrain stage=tokenizer cohort=%s out=RUN", config.out)


if __name__ == "__main__":
    program(Config, main, "clef.importers.folder")
