"""The common part of all importers: a list of recordings, checked one by one and written as one site of a cohort.

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

from clef.cohort import EVENTS, REPORTS, read_code_descriptions, read_events, read_reports, write_cohort
from tokenizer.base.progress import track
from tokenizer.base.values import MISSING
from tokenizer.reading.read import ReadingConfig, check_file
from tokenizer.recording import RecordingError
from tokenizer.sessions import SCHEMA, SETTINGS, SPLITS, read_sessions, split_of, subject_number

log = logging.getLogger(__name__)

SEXES = {"f": "F", "female": "F", "m": "M", "male": "M"}
Event = tuple[datetime | None, str, float | None]
"""Time, MEDS code, numeric value."""


@dataclass
class ImportConfig:
    """What every importer can be told."""

    out: Path = MISSING
    """Cohort folder to write, or to add to."""
    min_channels: int = ReadingConfig.min_channels
    """Fewest of the 19 electrodes a recording must have."""
    min_seconds: float = ReadingConfig.min_seconds
    """Shortest recording to take."""
    workers: int = 4
    """Recordings whose headers are checked at the same time."""
    seed: int = 0
    """Seed of the split, for subjects without an official one."""


@dataclass
class Recording:
    """One recording of an archive, and what the archive says about it."""

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
    stated_rate: float | None = None
    """Hz as a table beside the file says; files that say otherwise are counted."""
    file_rate: float | None = None
    """Hz as the file says, once it was checked."""
    events: list[Event] = field(default_factory=list)
    report: str | None = None
    named_by: str | None = None
    """Who gave the person that name, if not the site: corpora of one hospital share their people."""

    def subject_id(self, site: str) -> int:
        """The person's number in every cohort, where the recording belongs to `site`."""
        return subject_number(self.named_by or site, self.subject)


def import_recordings(
    recordings: list[Recording],
    site: str,
    config: ImportConfig,
    left_out: dict[str, list[str]] | None = None,
    descriptions: dict[str, str] | None = None,
    records: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Check `recordings`, write those that can be read as `site` of the cohort `config.out`, and say what was done.

    `left_out` holds what the importer itself left out: reason -> names as shown. `descriptions` gives words to event
    codes. `records` are events of people, not of one recording: subject (its name in the archive), time, code. Returns
    the session table of the site. Raises ValueError if no recording is left or a subject stands in two splits.
    """
    if not site or "/" in site:
        raise ValueError(f"site={site!r}: expected a short name without /")
    reasons = defaultdict(list, left_out or {})
    kept = _keep_readable(recordings, config, reasons)
    _say_left_out(reasons)
    _say_rates(kept)
    lines = len(kept) + sum(map(len, reasons.values()))
    if not kept:
        raise ValueError(f"site {site}: none of {lines} recordings could be imported; see the lines above")
    sessions = _sessions(kept, site, config)
    reports = _reports(kept, sessions)
    cohort = _merge(config.out, site, sessions, _events(kept, site, records), reports, descriptions or {})
    _say_cohort(config.out, site, sessions, reports, cohort, lines)
    return sessions


def parse_age(text: str | None) -> float | None:
    """Years, None if the text is no plausible age; "90+" and ">89" are 90, "85+" is 85."""
    text = (text or "").strip()
    try:
        age = 90.0 if text in (">89", "> 89", ">=90") else float(text.removesuffix("+"))
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


def _keep_readable(
    recordings: list[Recording], config: ImportConfig, left_out: dict[str, list[str]]
) -> list[Recording]:
    """Recordings whose header can be read, in order; the reasons of the others go to `left_out`."""
    kept, seen = [], set()
    with warnings.catch_warnings(), ThreadPoolExecutor(max(1, config.workers)) as pool:
        warnings.simplefilter("ignore")  # once for all threads: readers do it too, but not safely from several threads
        checked = pool.map(lambda recording: _refusal(recording, config), recordings)
        for recording, reason in track(zip(recordings, checked, strict=True), "checking recordings", len(recordings)):
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
        wanted = ReadingConfig(min_channels=config.min_channels, min_seconds=config.min_seconds, **recording.reading)
        recording.file_rate = check_file(recording.path, wanted)
    except RecordingError as error:
        return error.reason
    return None


def _sessions(recordings: list[Recording], site: str, config: ImportConfig) -> pl.DataFrame:
    """Session table of one site."""
    others = _others(config.out, site)
    taken = set(others["session_id"])
    splits = _splits(recordings, site, config.seed, dict(others.select("subject_id", "split").iter_rows()))
    rows = []
    for recording in recordings:
        subject = recording.subject_id(site)
        rows.append(
            {
                "session_id": _unique(f"{site}_{recording.session}", taken),
                "subject_id": subject,
                "path": str(recording.path.absolute()),  # not resolved: git-annex keeps the parts of a recording apart
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


def _splits(recordings: Iterable[Recording], site: str, seed: int, settled: dict[int, str]) -> dict[int, str]:
    """Split of every subject: the official one, the one it has in the cohort (`settled`), else a seeded hash."""
    splits: dict[int, str | None] = dict(settled)
    for recording in recordings:
        subject, split = recording.subject_id(site), recording.split
        if split is not None and split not in SPLITS:
            allowed = ", ".join(SPLITS)
            raise ValueError(f"{recording.shown}: its split is something else than {allowed}; correct the labels")
        known = splits.get(subject)
        if known and split and known != split:
            advice = "give all recordings of a subject the same split"
            if subject in settled:
                advice = f"the cohort has it in {known} from another site: import sites with official splits first"
            raise ValueError(
                f"the recordings of a subject ({recording.shown} among them) stand in two splits, {known} and {split}; "
                f"{advice}"
            )
        splits[subject] = known or split
    return {subject: split or split_of(subject, seed) for subject, split in splits.items()}


def _events(recordings: list[Recording], site: str, records: pl.DataFrame | None = None) -> pl.DataFrame:
    """MEDS events of all subjects, each once."""
    events = pl.DataFrame(list(_each_event(recordings, site)), schema=EVENTS, orient="row")
    if records is not None:
        people = {recording.subject: recording.subject_id(site) for recording in recordings}
        numbers = pl.DataFrame(list(people.items()), {"subject": pl.String, "subject_id": pl.Int64}, orient="row")
        known = records.join(numbers, on="subject").with_columns(pl.lit(None, pl.Float32).alias("numeric_value"))
        events = pl.concat([events, known.select(*EVENTS)])
    return events.unique(maintain_order=True)


def _each_event(recordings: Iterable[Recording], site: str) -> Iterator[tuple[int, datetime | None, str, float | None]]:
    for recording in recordings:
        subject = recording.subject_id(site)
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
        of_site = pl.col("site").eq_missing(site)
        others = old.filter(~of_site)
        # people of this site alone lose all their events; those of several lose only the labels that this site gave
        only_of_site = old.filter(of_site).join(others, on="subject_id", how="anti")["subject_id"].unique().to_list()
        replaced = pl.col("subject_id").is_in(only_of_site) | pl.col("code").str.starts_with(f"LABEL//{site}//")
        events = pl.concat([read_events(out).filter(~replaced), events]).unique(maintain_order=True)
        reports = pl.concat([read_reports(out).join(others, on="session_id", how="semi"), reports])
        descriptions = read_code_descriptions(out) | descriptions
        sessions = pl.concat([others, sessions])
    write_cohort(out, out.resolve().name, sessions, events, reports if len(reports) else None, descriptions)
    return sessions


def _others(out: Path, site: str) -> pl.DataFrame:
    """Session table of the other sites of the cohort."""
    if not (out / "sessions.parquet").is_file():
        return pl.DataFrame(schema=SCHEMA)
    return read_sessions(out).filter(pl.col("site").ne_missing(site))


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


def _say_rates(recordings: list[Recording]) -> None:
    """Files whose sampling rate is not the one that is stated beside them; 1 % is rounding."""
    odd = [r for r in recordings if r.stated_rate and abs(r.stated_rate / (r.file_rate or r.stated_rate) - 1) > 0.01]
    if odd:
        stated = f"{odd[0].stated_rate:g} Hz beside {odd[0].shown}, {odd[0].file_rate:g} Hz in it"
        log.info("%d files say another sampling rate than is stated beside them (%s): theirs is used", len(odd), stated)


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
