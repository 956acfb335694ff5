"""What recordings show, in sentences with their numbers: the table OUT/descriptions.parquet and OUT/descriptions.txt.

    python -m clef.describe recordings=FILE_OR_DIR out=DIR
    python -m clef.describe cohort=COHORT out=DIR

Per 10 s, per minute and per session: power in six bands, dominant band and trend, posterior rhythm, slowing,
suppression, energy, artefact; measured from the signal alone (docs/describe.md). What cannot be measured is said to be
so. A recording that cannot be read is a row with the reason; the exit code is then 1. A stopped run goes on where it
was; sessions that were added or whose recording changed are described when the same command is given again. For
research only.

A session of 20 minutes takes a little over a second of one core to read and describe, 260,000 of them some 80 hours.
"""

import functools
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from clef.descriptions.description import description_rows, refused
from clef.descriptions.statements import Scope
from clef.descriptions.table import NAME, Described
from clef.sources import recordings_in
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import check_out, fingerprint, write_text
from tokenizer.base.progress import track
from tokenizer.reading.many import read_many
from tokenizer.reading.read import Job, ReadingConfig, row_jobs
from tokenizer.recording import RecordingError
from tokenizer.sessions import read_sessions

log = logging.getLogger(__name__)
PART = 64
"""Sessions whose rows are put aside together."""
NOTICE = "For research only: measurements of a signal in words, no medical report, and nothing here is a diagnosis.\n"


@dataclass
class DescribeConfig:
    """Settings of `python -m clef.describe`: a session of 20 minutes takes about a second of one processor."""

    out: str = "???"
    """Folder of descriptions.parquet and descriptions.txt; made if absent."""
    recordings: str | None = None
    """A recording, or a folder searched for recordings; sessions are called by their paths below it."""
    cohort: str | None = None
    """Cohort whose sessions are described; instead of recordings=."""
    finest: Scope = "segment"
    """The shortest stretches in the table: segment (10 s), minute or session."""
    workers: int = 1
    """Processes that read recordings beside this one."""
    reading: ReadingConfig = field(default_factory=ReadingConfig)
    """How recordings become sessions."""


def main(config: DescribeConfig) -> int:
    """Describe, write, sum up; 1 if a recording could not be read."""
    if (config.recordings is None) == (config.cohort is None):
        raise ConfigError("give either recordings=FILE_OR_DIR or cohort=COHORT")
    check_out(config.out, "folder")
    named, out = named_jobs(config), Path(config.out)
    described = Described(out, config.reading.to_json() | {"finest": config.finest})
    files = {name: recording_fingerprint(job) for name, job in named}
    before = described.recordings()
    todo = [(name, job) for name, job in named if before.get(name) != files[name]]
    then = functools.partial(description_rows, min_channels=config.reading.min_channels, finest=config.finest)
    results = read_many([job for _, job in todo], then, config.workers)
    pending: list[dict[str, Any]] = []
    try:
        numbered = zip(todo, results, strict=True)
        for i, ((name, _), rows) in enumerate(track(numbered, "describe", len(named), len(named) - len(todo)), 1):
            rows = refused(rows.reason).rows() if isinstance(rows, RecordingError) else rows
            pending += [row | {"session_id": name, "recording": files[name]} for row in rows]
            if i % PART == 0:
                described.add(pending)
                pending = []
    finally:  # also at Ctrl-C
        described.add(pending)
    return _report(out, described.close([name for name, _ in named]), len(todo))


def _report(out: Path, table: pl.DataFrame, now: int) -> int:
    """Write the sentences on each session, sum up; 1 if a recording could not be described."""
    whole = table.filter(pl.col("scope") == "session").group_by("session_id", maintain_order=True)
    paragraphs = [f"{name}\n" + "\n".join(rows["text"]) for (name,), rows in whole]
    write_text(out / "descriptions.txt", NOTICE + "\n" + "\n\n".join(paragraphs) + "\n")
    refusals = table.filter(pl.col("kind") == "recording")
    for session, reason in refusals.select("session_id", "forbidden").head(20).iter_rows():
        log.warning("not described: %s: %s", session, reason)
    if len(refusals) > 20:
        log.warning("… and %d more; the column forbidden of the table has them all", len(refusals) - 20)
    log.info("wrote %s (%d statements on %d sessions, %d of them described now, %d refused) and descriptions.txt",
             out / NAME, len(table), len(paragraphs), now, len(refusals))  # fmt: skip
    log.info("next: read descriptions.txt beside the pages of the same sessions (python -m clef.view), or align a "
             "model with them: python -m clef.pretrain stage=align … align.descriptions=%s", out)  # fmt: skip
    return int(len(refusals) > 0)


def recording_fingerprint(job: Job) -> str:
    """A fingerprint of a recording's file: its path, its size, and how it is read."""
    path = Path(job.source)
    return fingerprint(str(path), str(path.stat().st_size if path.is_file() else -1), str(job.config.to_json()))


def named_jobs(config: DescribeConfig) -> list[tuple[str, Job]]:
    """The recordings that are asked for, with the names of their sessions, in order."""
    if config.cohort is not None:
        sessions = read_sessions(config.cohort)
        return list(zip(sessions["session_id"], row_jobs(config.cohort, sessions, config.reading), strict=True))
    root = Path(config.recordings or "")
    if not root.exists():
        raise ValueError(f"recordings={root}: there is no such file or folder; check the path")
    if root.is_file():
        return [(root.name, Job(root, config.reading))]
    return [(file.relative_to(root).as_posix(), Job(file, config.reading)) for file in recordings_in(root)]


if __name__ == "__main__":
    program(DescribeConfig, main, "clef.describe")
