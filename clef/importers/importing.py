"""What every importer shares: recordings that were found, checked one by one and written as one site of a cohort.

An importer reads a layout (a folder with labels, BIDS, TUH, HEEDB) into a list of `Recording`s and calls
`import_recordings`. Several imports into the same `out` become one cohort; importing a site again replaces that site's
rows. A recording that cannot be read is left out, with the reason, and never stops the import. Names, birth dates and
local subject numbers stay behind: a subject is the hash of site and local name.
"""

import json
import logging
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from omegaconf import MISSING

from clef.cohort import EVENTS, REPORTS, read_code_descriptions, read_events, read_reports, write_cohort
from tokenizer.progress import track
from tokenizer.recordings import check_file
from tokenizer.sessions import SCHEMA, SETTINGS, SPLITS, read_sessions, split_of, subject_number
from tokenizer.sources import RecordingError

log = logging.getLogger(__name__)

SEXES = {"f": "F", "female": "F", "m": "M", "male": "M"}
Event = tuple[datetime | None, str, float | None]
"""Time, MEDS code, numeric value."""


@dataclass
class ImportConfig:
    """What every importer can be told."""

    out: Path = MISSING
    """Cohort folder to write, or to add to."""
    min_channels: int = 8
    """Fewest of the 19 electrodes a recording must have."""
    min_seconds: float = 10.0
    """Shortest recording to take."""
    workers: int = 4
    """Recordings whose headers are checked at the same time."""
    seed: int = 0
    """Seed of the split, for subjects without an official one."""


@dataclass
class Recording:
    """One recording that an importer found, and what its archive says about it."""

    path: Path
    shown: str
    """How messages name the file: its path within the archive."""
    subject: str
    """The person's name in the archive; only its hash is written."""
    session: str
    """Name of the session within its site; made unique if it is not."""
    start: datetime | None = None
    age: float | None = None
    sex: str | None = None
    setting: str | None = None
    split: str | None = None
    """The official split of the person, if the archive has one."""
    reading: dict[str, Any] = field(default_factory=dict)
    """`rate` and `unit`, where the file does not say them."""
    events: list[Event] = field(default_factory=list)
    report: str | None = None


def import_recordings(
    found: list[Recording],
    site: str,
    config: ImportConfig,
    left_out: dict[str, list[str]] | None = None,
    descriptions: dict[str, str] | None = None,
) -> pl.DataFrame:
    """Check `found`, write those that can be read as `site` of the cohort `config.out`, and say what was done.

    `left_out` holds what the importer itself left out: reason -> names as shown. `descriptions` gives words to event
    codes. Returns the session table of the site. Raises ValueError if no recording is left or a subject stands in two
    splits.
    """
    if not site or "/" in site:
        raise ValueError(f"site={site!r}: expected a short name without /")
    reasons = defaultdict(list, left_out or {})
    kept = _keep_readable(found, config, reasons)
    _say_left_out(reasons)
    lines = len(kept) + sum(map(len, reasons.values()))
    if not kept:
        raise ValueError(f"site {site}: none of {lines} recordings could be imported; see the lines above")
    sessions = _sessions(kept, site, config)
    reports = _reports(kept, sessions)
    cohort = _merge(config.out, site, sessions, _events(kept, site), reports, descriptions or {})
    _say_cohort(config.out, site, sessions, reports, cohort, lines)
    return sessions


def parse_age(text: str | None) -> float | None:
    """Years, None if the text is no plausible age; "90+" and ">89" are 90."""
    text = (text or "").strip()
    try:
        age = 90.0 if text in ("90+", ">89", "> 89", ">=90") else float(text)
    except ValueError:
        return None
    return age if 0 <= age <= 120 else None


def parse_sex(text: str | None) -> str | None:
    """F or M, None for everything else."""
    return SEXES.get((text or "").strip().lower())


def parse_time(text: str | None) -> datetime | None:
    """An ISO 8601 time without its zone, None if the text is none."""
    try:
        return datetime.fromisoformat((text or "").strip()).replace(tzinfo=None)
    except ValueError:
        return None


def parse_setting(text: str | None) -> str | None:
    """One of routine, emu, icu and ambulatory, None for everything else."""
    text = (text or "").strip().lower()
    return text if text in SETTINGS else None


def _keep_readable(found: list[Recording], config: ImportConfig, left_out: dict[str, list[str]]) -> list[Recording]:
    """Recordings whose header can be read, in order; the reasons of the others go to `left_out`."""
    kept, seen = [], set()
    with warnings.catch_warnings(), ThreadPoolExecutor(max(1, config.workers)) as pool:
        warnings.simplefilter("ignore")  # here, once: readers do it too, but not safely from several threads
        checked = pool.map(lambda recording: _refusal(recording, config), found)
        for recording, reason in track(zip(found, checked, strict=True), "checking recordings", len(found)):
            path = recording.path.resolve()
            if reason is None and path in seen:
                reason = "a file that was named before"
            seen.add(path)
            if reason is None:
                kept.append(recording)
            else:
                left_out[reason].append(recording.shown)
    return kept


def _refusal(recording: Recording, config: ImportConfig) -> str | None:
    try:
        check_file(recording.path, config.min_channels, config.min_seconds, **recording.reading)
    except RecordingError as error:
        return error.reason
    return None


def _sessions(recordings: list[Recording], site: str, config: ImportConfig) -> pl.DataFrame:
    """Session table of one site."""
    taken = _ids_of_others(config.out, site)
    splits = _splits(recordings, site, config.seed)
    rows = []
    for recording in recordings:
        subject = subject_number(site, recording.subject)
        rows.append(
            {
                "session_id": _unique(f"{site}_{recording.session}", taken),
                "subject_id": subject,
                "path": str(recording.path.resolve()),
                "start_time": recording.start,
                "age": recording.age,
                "sex": recording.sex,
                "site": site,
                "setting": recording.setting,
                "split": splits[subject],
                "reading": json.dumps(recording.reading) if recording.reading else None,
            }
        )
    return pl.DataFrame(rows, schema=SCHEMA)


def _splits(recordings: Iterable[Recording], site: str, seed: int) -> dict[int, str]:
    """Split of every subject: the official one, else a seeded hash of the subject."""
    splits: dict[int, str | None] = {}
    for recording in recordings:
        subject, split = subject_number(site, recording.subject), recording.split
        if split is not None and split not in SPLITS:
            raise ValueError(f"{recording.shown}: split is {split!r}, expected one of {', '.join(SPLITS)}")
        known = splits.get(subject)
        if known and split and known != split:
            raise ValueError(
                f"the recordings of a subject ({recording.shown} among them) stand in two splits, {known} and {split}; "
                f"give all recordings of a subject the same split"
            )
        splits[subject] = known or split
    return {subject: split or split_of(subject, seed) for subject, split in splits.items()}


def _events(recordings: Iterable[Recording], site: str) -> pl.DataFrame:
    """MEDS events of all subjects, each once."""
    events = pl.DataFrame(list(_each_event(recordings, site)), schema=EVENTS, orient="row")
    return events.unique(maintain_order=True)


def _each_event(recordings: Iterable[Recording], site: str) -> Iterator[tuple[int, datetime | None, str, float | None]]:
    for recording in recordings:
        subject = subject_number(site, recording.subject)
        if recording.sex:
            yield subject, None, f"GENDER//{recording.sex}", None
        for time, code, value in recording.events:
            yield subject, time, code, value


def _reports(recordings: list[Recording], sessions: pl.DataFrame) -> pl.DataFrame:
    texts = [(i, r.report) for i, r in zip(sessions["session_id"], recordings, strict=True) if r.report]
    rows = [{"session_id": session_id, "text": text} for session_id, text in texts]
    return pl.DataFrame(rows, schema=REPORTS)


def _merge(
    out: Path,
    site: str,
    sessions: pl.DataFrame,
    events: pl.DataFrame,
    reports: pl.DataFrame,
    descriptions: dict[str, str],
) -> pl.DataFrame:
    """Write the cohort in `out` with the rows of this site replaced; returns its whole session table."""
    if (out / "sessions.parquet").is_file():
        old = read_sessions(out)
        here = pl.col("site").eq_missing(site)
        replaced = old.filter(here)["subject_id"].unique().to_list()
        others = old.filter(~here)
        events = pl.concat([read_events(out).filter(~pl.col("subject_id").is_in(replaced)), events])
        reports = pl.concat([read_reports(out).join(others, on="session_id", how="semi"), reports])
        descriptions = read_code_descriptions(out) | descriptions
        sessions = pl.concat([others, sessions])
    write_cohort(out, out.resolve().name, sessions, events, reports if len(reports) else None, descriptions)
    return sessions


def _ids_of_others(out: Path, site: str) -> set[str]:
    if not (out / "sessions.parquet").is_file():
        return set()
    return set(read_sessions(out).filter(pl.col("site").ne_missing(site))["session_id"])


def _unique(name: str, taken: set[str]) -> str:
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name}_{number}"
    taken.add(unique)
    return unique


def _say_left_out(left_out: dict[str, list[str]], most: int = 20) -> None:
    """Each reason with the number of its files and the first of them."""
    reasons = sorted(((r, f) for r, f in left_out.items() if f), key=lambda item: -len(item[1]))
    for reason, files in reasons[:most]:
        log.info("left out %d (%s): %s", len(files), files[0] + (", …" if len(files) > 1 else ""), reason)
    if len(reasons) > most:
        log.info("left out %d more, for %d other reasons", sum(len(f) for _, f in reasons[most:]), len(reasons) - most)


def _say_cohort(
    out: Path, site: str, sessions: pl.DataFrame, reports: pl.DataFrame, cohort: pl.DataFrame, lines: int
) -> None:
    """What was written and what to run next."""
    counts = dict(sessions["split"].value_counts().iter_rows())
    splits = ", ".join(f"{counts[s]} {s}" for s in SPLITS if s in counts)
    log.info(
        "wrote %s: %d sessions of %d subjects from site %s (%s), %d reports; %d of %d recordings left out",
        *(out, len(sessions), sessions["subject_id"].n_unique(), site, splits, len(reports)),
        *(lines - len(sessions), lines),
    )
    log.info("the cohort now holds %d sessions of %d sites", len(cohort), cohort["site"].n_unique())
    log.info("next: python -m clef.pretrain stage=tokenizer cohort=%s out=RUN", out)
