"""The cohort folder: a valid MEDS dataset plus two tables. Every program reads and writes it through here.

A program that asks more than once holds a `Cohort`, which reads each table when it is first asked for, and only then.

    COHORT/sessions.parquet                  one row per session            (schema: tokenizer.sessions)
    COHORT/reports.parquet                   session_id, text, summary?, summariser?
    COHORT/data/*.parquet                    MEDS events: subject_id, time?, code, numeric_value?, session_id?
    COHORT/metadata/dataset.json             MEDS dataset metadata
    COHORT/metadata/codes.parquet            MEDS code table: code, description?, parent_codes?
    COHORT/metadata/subject_splits.parquet   subject_id, split (train, tuning, held_out: the MEDS words)
    COHORT/metadata/manifest.json            which files belong together (tokenizer.base.manifest)

MEDS: https://github.com/Medical-Event-Data-Standard/meds (version 0.4).
"""

import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

import clef
from tokenizer.base import tables
from tokenizer.base.cli import ConfigError
from tokenizer.base.columns import fit_columns
from tokenizer.base.files import fingerprint, write_json
from tokenizer.base.manifest import (
    MANIFEST,
    check_folder,
    member_digest,
    replace_member,
    write_manifest,
    write_together,
)
from tokenizer.base.tables import check_table, read_table, table_metadata, write_table
from tokenizer.sessions import read_sessions, remedy_of, session_writer

FORMAT = 2
REPORTS = {"session_id": pl.String, "text": pl.String, "summary": pl.String, "summariser": pl.String}
EVENTS = {
    "subject_id": pl.Int64,
    "time": pl.Datetime("us"),
    "code": pl.String,
    "numeric_value": pl.Float32,
    "session_id": pl.String,
}
"""`session_id` is ours, not of MEDS: the recording that an event is about, empty for what is about the person."""
CODES = {"code": pl.String, "description": pl.String, "parent_codes": pl.List(pl.String)}
MEDS_SPLITS = {"train": "train", "val": "tuning", "test": "held_out"}


class Cohort:
    """A cohort folder whose tables are read once, when first asked for. Raises ValueError as the readers below do."""

    def __init__(self, path: str | Path):
        self.path = Path(path)

    @cached_property
    def sessions(self) -> pl.DataFrame:
        """The session table (tokenizer.sessions), checked."""
        return read_sessions(self.path)

    @cached_property
    def events(self) -> pl.DataFrame:
        """All MEDS events: `EVENTS`; empty if the cohort has none."""
        return read_events(self.path)

    @cached_property
    def reports(self) -> pl.DataFrame:
        """Reports, checked against the sessions: `REPORTS`; empty if the cohort has none."""
        return _read_reports(self.path / "reports.parquet", self)

    @cached_property
    def descriptions(self) -> dict[str, str]:
        """Words for codes, where the MEDS code table has them."""
        return read_code_descriptions(self.path)

    @property
    def is_synthetic(self) -> bool:
        """Whether its people were drawn by a program, by the name of its MEDS dataset."""
        path = self.path / "metadata" / "dataset.json"
        if not path.is_file():
            return False
        try:
            return "synthetic" in json.loads(path.read_text(encoding="utf-8"))["dataset_name"].lower()
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ValueError(
                f"{path}: no MEDS dataset metadata with a `dataset_name`; {remedy_of(self.path)}"
            ) from None

    @cached_property
    def fingerprint(self) -> str:
        """A short name for the labels it gives: its sessions (not the recordings' bytes) and its events by code."""
        sessions = self.sessions.drop("path", "reading").sort("session_id")
        counts = [pl.len(), pl.col("subject_id").n_unique()]
        if self.events["session_id"].count():  # cohorts of before there was that column keep their name
            counts += [pl.col("session_id").drop_nulls().sort().str.join("\n")]
        codes = self.events.group_by("code").agg(counts).sort("code")
        return fingerprint(sessions.write_csv(), codes.write_csv())


def session_row(cohort: Cohort, session: str) -> dict[str, Any]:
    """A session's row of the table. Raises ConfigError if the cohort lacks it."""
    rows = cohort.sessions.filter(pl.col("session_id") == session)
    if not len(rows):
        some = ", ".join(cohort.sessions["session_id"][:3])
        raise ConfigError(f"session={session}: name one of the {len(cohort.sessions)} of cohort=, as {some}")
    return rows.row(0, named=True)


def write_cohort(
    out: str | Path,
    name: str,
    sessions: pl.DataFrame,
    events: pl.DataFrame,
    reports: pl.DataFrame | None = None,
    descriptions: dict[str, str] | None = None,
) -> None:
    """Write a whole cohort folder from its tables; `sessions.parquet` comes last, so a cohort that has it is whole.

    `descriptions` maps codes to words ("ICD10CM//G40.909" -> "Epilepsy, unspecified").
    """
    out = Path(out)
    events = fit_columns(events, EVENTS, ("subject_id", "code"), "events").sort(
        "subject_id", "time", "code", "session_id", nulls_last=False
    )
    words = descriptions or {}
    codes = events.select("code").unique().sort("code")
    codes = codes.with_columns(
        pl.Series("description", [words.get(c) for c in codes["code"]], pl.String),
        pl.lit(None, pl.List(pl.String)).alias("parent_codes"),
    )
    splits = sessions.select("subject_id", pl.col("split").replace_strict(MEDS_SPLITS)).unique().sort("subject_id")
    meta = {"dataset_name": name, "etl_name": "clef-eeg", "etl_version": clef.__version__, "meds_version": "0.4.0"}
    writers = {"data/0.parquet": _writer(events)}
    if reports is not None:
        reports = fit_columns(reports, REPORTS, ("session_id", "text"), "reports")
        writers["reports.parquet"] = _writer(reports, {"clef.format": str(FORMAT)})
    writers |= {
        "metadata/codes.parquet": _writer(codes),
        "metadata/subject_splits.parquet": _writer(splits),
        "metadata/dataset.json": lambda path: write_json(path, meta),
        "sessions.parquet": session_writer(sessions),
    }
    write_together(out, writers)
    if reports is None:
        (out / "reports.parquet").unlink(missing_ok=True)  # of an earlier import


def write_reports(cohort: str | Path, reports: pl.DataFrame) -> None:
    """Write the reports of a cohort anew, as when they got summaries; its other tables stay as they are."""
    reports = fit_columns(reports, REPORTS, ("session_id", "text"), "reports")
    replace_member(Path(cohort), "reports.parquet", _writer(reports, {"clef.format": str(FORMAT)}))


def seal(cohort: str | Path) -> None:
    """Accept the tables of a cohort folder as they are: for somebody who changed one on purpose.

    Writes their digests and the manifest anew. Raises ValueError (one line) for a table that cannot be read.
    """
    cohort = Path(cohort)
    for path in (table for table in _members(cohort) if table.suffix == ".parquet"):
        tables.seal(path)
    write_manifest(cohort, {path.relative_to(cohort).as_posix(): [member_digest(path)] for path in _members(cohort)})


def _members(cohort: Path) -> list[Path]:
    """The files of a cohort folder that its manifest lists, where they are there."""
    files = [p for p in (cohort / "metadata").glob("*") if p.suffix in (".parquet", ".json") and p != cohort / MANIFEST]
    return sorted([*cohort.glob("*.parquet"), *cohort.glob("data/**/*.parquet"), *files])


def _writer(frame: pl.DataFrame, metadata: dict[str, str] | None = None) -> Callable[[Path], None]:
    return lambda path: write_table(path, frame, metadata)


def read_events(cohort: str | Path) -> pl.DataFrame:
    """All MEDS events of a cohort: subject_id, time?, code, numeric_value?, session_id?; empty if it has none."""
    check_folder(Path(cohort), remedy_of(cohort))
    files = sorted((Path(cohort) / "data").glob("**/*.parquet"))
    if not files:
        return pl.DataFrame(schema=EVENTS)
    required = ("subject_id", "code")
    return pl.concat([fit_columns(read_table(file, remedy_of(cohort)), EVENTS, required, str(file)) for file in files])


def read_reports(cohort: str | Path) -> pl.DataFrame:
    """Reports of a cohort: session_id, text, summary?, summariser?; empty if it has none.

    Raises ValueError if a report belongs to no session of the cohort or two to one.
    """
    return Cohort(cohort).reports


def _read_reports(path: Path, cohort: Cohort) -> pl.DataFrame:
    if not path.is_file():
        return pl.DataFrame(schema=REPORTS)
    table = read_table(path, remedy_of(path.parent))
    check_table(path, table_metadata(path).get("clef.format"), FORMAT)
    reports = fit_columns(table, REPORTS, ("session_id", "text"), str(path))
    strangers = reports.join(cohort.sessions, on="session_id", how="anti")
    if len(strangers):
        raise ValueError(
            f"{path}: {len(strangers)} reports name a session that is not in sessions.parquet "
            f"(first: {strangers['session_id'][0]!r}); remove them or add the sessions"
        )
    if reports["session_id"].is_duplicated().any():
        raise ValueError(f"{path}: a session has more than one report; join them into one text per session")
    return reports


def read_code_descriptions(cohort: str | Path) -> dict[str, str]:
    """Words for the codes of a cohort, where its MEDS code table has them."""
    path = Path(cohort) / "metadata" / "codes.parquet"
    if not path.is_file():
        return {}
    wanted = {name: CODES[name] for name in ("code", "description")}
    codes = fit_columns(read_table(path, remedy_of(cohort)), wanted, ("code",), str(path)).drop_nulls()
    return dict(zip(codes["code"], codes["description"], strict=True))
