"""The quality of every session of a cohort: the table OUT/quality.parquet and one page, OUT/quality.png.

The table has a row per session and electrode (docs/quality.md): flat, clipped, saturated, railing, mains, common mode,
electrode pops, usable seconds, and flags. A recording that cannot be read is a line and rows with the reason; the exit
code is then 1. A stopped run goes on where it was; sessions added to the cohort, recordings that changed and those that
could not be read are measured when the same command is given again.
"""

import functools
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from clef.pages.quality_table import Finished, recording_name, refused_rows
from tokenizer.base.cli import program
from tokenizer.base.files import check_out
from tokenizer.base.progress import track
from tokenizer.quality.measures import measure_or_refuse
from tokenizer.reading.many import read_many
from tokenizer.reading.read import ReadingConfig, row_jobs
from tokenizer.recording import RecordingError
from tokenizer.sessions import read_sessions

log = logging.getLogger(__name__)
PART = 64
"""Sessions whose rows are put aside together."""


@dataclass
class QualityConfig:
    """Settings of `python -m clef.quality`."""

    cohort: str = "???"
    """Cohort folder with sessions.parquet."""
    out: str = "???"
    """Folder of quality.parquet and quality.png; made if absent. The same command goes on in it."""
    good: str | None = None
    """A folder for a copy of the cohort without the sessions that are suspicious or cannot be read."""
    workers: int = 2
    """Processes that read recordings."""
    reading: ReadingConfig = field(default_factory=ReadingConfig)
    """How recordings become sessions, as in tokenizer.encode; a second is usable with min_channels usable channels."""


def main(config: QualityConfig) -> int:
    """Measure what is still to do, write the table and the page, and sum them up."""
    check_out(config.out, "folder")
    sessions = read_sessions(config.cohort)
    finished = Finished(Path(config.out), config.reading.to_json())
    names = {row["session_id"]: recording_name(config.cohort, row) for row in sessions.iter_rows(named=True)}
    measured_as = finished.measured()
    todo = sessions.filter([measured_as.get(i) != names[i] for i in sessions["session_id"]])
    jobs = row_jobs(config.cohort, todo, config.reading)
    then = functools.partial(measure_or_refuse, min_channels=config.reading.min_channels)
    results = read_many(jobs, then, config.workers)
    pending: list[dict[str, Any]] = []
    try:
        numbered = zip(todo["session_id"], results, strict=True)
        for i, (session, rows) in enumerate(track(numbered, "quality", len(sessions), len(sessions) - len(todo)), 1):
            rows = refused_rows(rows.reason) if isinstance(rows, RecordingError) else rows
            pending += [{"session_id": session} | row | {"recording": names[session]} for row in rows]
            if i % PART == 0:
                finished.add(pending)
                pending = []
    finally:  # also at Ctrl-C
        finished.add(pending)
    table = finished.close(sessions["session_id"].to_list())
    return _report(config, sessions, table, len(todo))


def _report(config: QualityConfig, sessions: pl.DataFrame, table: pl.DataFrame, measured: int) -> int:
    """Draw the page, copy the good sessions if asked to, sum up; 1 if a recording could not be read."""
    from clef.pages.quality import draw

    out = Path(config.out)
    draw(table, sessions, Path(config.cohort).resolve().name, out / "quality.png")
    each = table.unique("session_id", maintain_order=True)
    refused = each.filter(pl.col("reason").is_not_null())
    suspicious = each.filter(pl.col("session_flags").list.len() > 0)
    for session, reason in refused.select("session_id", "reason").head(20).iter_rows():
        log.warning("not read: %s: %s", session, reason)
    if len(refused) > 20:
        log.warning("… and %d more; the column reason of the table has them all", len(refused) - 20)
    flags = suspicious["session_flags"].explode().value_counts(sort=True).iter_rows()
    log.info(
        "wrote %s (%d sessions, %d of them measured now) and quality.png: %d suspicious%s, %d not read",
        out / "quality.parquet", len(each), measured, len(suspicious),
        f" ({', '.join(f'{n} {flag}' for flag, n in flags)})" if len(suspicious) else "", len(refused),
    )  # fmt: skip
    left_out = pl.concat([refused, suspicious])
    if config.good:
        _copy_good(config, sessions.join(left_out, on="session_id", how="anti"))
    elif len(left_out):
        log.info("next: look at quality.png; good=COHORT2 with the same command writes a cohort without these sessions")
    else:
        log.info("next: look at quality.png, then python -m clef.pretrain stage=tokenizer cohort=%s", config.cohort)
    return 1 if len(refused) else 0


def _copy_good(config: QualityConfig, sessions: pl.DataFrame) -> None:
    """Write the cohort `config.good`: these sessions, and the reports and records of their people."""
    from clef.cohort import read_code_descriptions, read_events, read_reports, write_cohort

    if not len(sessions):
        raise ValueError(f"good={config.good}: no session is left that is neither suspicious nor unreadable")
    if Path(config.good).resolve() == Path(config.cohort).resolve():
        raise ValueError(f"good={config.good}: this is the cohort itself; name another folder")
    root = Path(config.cohort).resolve()
    paths = [str(root / path) for path in sessions["path"]]  # the files stay where they are
    reports = read_reports(config.cohort).join(sessions, on="session_id", how="semi")
    events = read_events(config.cohort).join(sessions, on="subject_id", how="semi")
    descriptions = read_code_descriptions(config.cohort)
    name, sessions = f"{root.name}, good sessions", sessions.with_columns(path=pl.Series(paths))
    write_cohort(config.good, name, sessions, events, reports if len(reports) else None, descriptions)
    log.info("wrote %s: %d sessions; next: python -m clef.pretrain stage=tokenizer cohort=%s out=RUN",
             config.good, len(sessions), config.good)  # fmt: skip


if __name__ == "__main__":
    program(QualityConfig, main, "clef.quality")
