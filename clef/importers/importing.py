"""The common part of all importers: a list of recordings, checked one by one and written as one site of a cohort.

An importer reads a layout (a folder with labels, BIDS, TUH, HEEDB) into a list of `Recording`s and calls
`import_recordings`. Several imports into the same `out` become one cohort, also at the same time; importing a site
again replaces that site's rows. A recording that cannot be read is left out, with the reason, and never stops the
import. Names, birth dates and local subject numbers stay behind: a subject is a keyed hash of site and local name.
"""

import json
import logging
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from clef.cohort import EVENTS, REPORTS
from clef.importers.copies import find_copies, tied
from clef.importers.keys import AUTO, Key, open_key, read_fingerprints, write_fingerprint
from clef.importers.merging import merge, other_sites, say_cohort
from clef.importers.reports import DESCRIPTIONS, finding_codes
from clef.importers.splits import Person, find_splits
from clef.importers.threads import in_threads
from tokenizer.base.locks import no_interrupt, wait_for_folder
from tokenizer.base.progress import track
from tokenizer.base.values import MISSING
from tokenizer.reading.read import ReadingConfig, check_file
from tokenizer.recording import RecordingError
from tokenizer.sessions import SCHEMA, subject_number

log = logging.getLogger(__name__)

OF_RECORDING = ("FINDING//", "LABEL//")
"""Codes that say something of one recording; diagnoses and drugs are the person's."""
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
    findings: bool = False
    """Whether reports make FINDING// events, for recordings whose findings are in no table."""
    workers: int = 4
    """Recordings whose headers are checked at the same time."""
    seed: int = 0
    """Seed of the split, for subjects without an official one."""
    key: str = AUTO
    """File with the key that turns names of people and files into numbers; auto: OUT.keys/SITE.key, made if it is not
    there; none: no key, for names that are pseudonyms already."""


@dataclass
class Recording:
    """One recording of an archive, and what the archive says about it."""

    path: Path
    shown: str
    """How messages name the file: its path within the archive."""
    subject: str
    """The person's name in the archive; only its keyed hash is written."""
    session: str
    """Name of the session within its site; made unique if it is not. With a key a hash of `shown` stands for it."""
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
    named: bool = False
    """Whether `session` was chosen for the cohort: then it stays as it is, also with a key."""


@dataclass(frozen=True)
class Site:
    """One site of a cohort: what its people and sessions are called there."""

    name: str
    owner: str
    """Who named the people: the site itself, or the archive it belongs to."""
    key: Key

    def subject_id(self, recording: Recording) -> int:
        return subject_number(self.owner, recording.subject, self.key.secret)

    def person(self, recording: Recording) -> Person:
        """The person as splits see them: they follow from the name alone, so that a lost key moves nobody."""
        return Person(self.subject_id(recording), subject_number(self.owner, recording.subject))

    def session_id(self, recording: Recording) -> str:
        keyed = self.key.secret is not None and not recording.named
        return f"{self.name}_{self.key.digest(f'session {recording.shown}')[:16] if keyed else recording.session}"


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
    owner = _check(recordings, site, config)
    reasons = defaultdict(list, left_out or {})
    kept, again = _keep_readable(recordings, config, reasons)
    _say_left_out(reasons)
    _say_rates(kept)
    lines = len(kept) + sum(map(len, reasons.values()))
    if not kept:
        raise ValueError(f"site {site}: none of {lines} recordings could be imported; see the lines above")
    words = dict(descriptions or {})
    if config.findings:
        words |= _add_findings(kept)
    waiting = f"out={config.out}: another import is writing into this cohort; waiting until it is done"
    with wait_for_folder(config.out, waiting):
        others = other_sites(config.out, site)
        place = Site(site, owner, _key(config, site, owner))
        sessions = _sessions(kept, place, config, others, again)
        reports, events = _reports(kept, sessions), _events(kept, sessions, place, records)
        with no_interrupt():
            place.key.write()
            write_fingerprint(config.out, owner, place.key, older=set(others["site"].drop_nulls()))
            cohort = merge(config.out, site, sessions, events, reports, words)
    say_cohort(config.out, site, sessions, reports, cohort, lines)
    return sessions


def _check(recordings: list[Recording], site: str, config: ImportConfig) -> str:
    """Who named the people. Raises ValueError for what would stop the import after an hour of checking files."""
    if not site or "/" in site:
        raise ValueError(f"site={site!r}: expected a short name without /")
    if config.out.exists() and not config.out.is_dir():
        raise ValueError(f"out={config.out}: is a file; expected a cohort folder, or one to be made")
    owner = next((r.named_by for r in recordings if r.named_by), site)
    _key(config, site, owner)
    return owner


def _key(config: ImportConfig, site: str, owner: str) -> Key:
    """The key of the site, checked against the one its people in the cohort have."""
    unkeyed = False
    if not read_fingerprints(config.out):  # a cohort of before there were keys
        old = other_sites(config.out, None)["site"]
        unkeyed = len(old) > 0 and (owner != site or site in set(old))
    return open_key(config.key, config.out, owner, unkeyed)


def _keep_readable(
    recordings: list[Recording], config: ImportConfig, left_out: dict[str, list[str]]
) -> tuple[list[Recording], list[tuple[Recording, Recording]]]:
    """Recordings whose header can be read, in order; the reasons of the others go to `left_out`.

    And pairs of recordings that are one file under two people: the one that is kept and the other.
    """
    kept, again, seen = [], [], {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # once for all threads: readers do it too, but not safely from several threads
        checked = in_threads(lambda recording: _refusal(recording, config), recordings, config.workers)
        for recording, reason in track(zip(recordings, checked, strict=True), "checking recordings", len(recordings)):
            first = seen.setdefault(recording.path.resolve(), recording)
            if reason is None and first is not recording:
                reason = "a file that was named before"
                if first.subject != recording.subject:
                    reason += ", for somebody else"
                    again.append((first, recording))
            if reason is None:
                kept.append(recording)
            else:
                left_out[reason].append(recording.shown)
    return kept, again


def _refusal(recording: Recording, config: ImportConfig) -> str | None:
    try:
        wanted = ReadingConfig(min_channels=config.min_channels, min_seconds=config.min_seconds, **recording.reading)
        recording.file_rate = check_file(recording.path, wanted)
    except RecordingError as error:
        return error.reason
    return None


def _sessions(
    recordings: list[Recording],
    site: Site,
    config: ImportConfig,
    others: pl.DataFrame,
    again: list[tuple[Recording, Recording]],
) -> pl.DataFrame:
    """Session table of one site."""
    taken = set(others["session_id"])
    settled = dict(others.select("subject_id", "split").iter_rows())
    official = [(site.person(recording), recording.split, recording.shown) for recording in recordings]
    splits = find_splits(official, settled, config.seed, tied(_shared(recordings, site, config, others, again)))
    rows = []
    for recording in recordings:
        subject = site.subject_id(recording)
        rows.append(
            {
                "session_id": _unique(site.session_id(recording), taken),
                "subject_id": subject,
                "path": str(recording.path.absolute()),  # not resolved: git-annex keeps the parts of a recording apart
                "start_time": recording.start,
                "age": recording.age,
                "sex": recording.sex,
                "site": site.name,
                "setting": recording.setting,
                "split": splits[subject],
                "reading": json.dumps(recording.reading) if recording.reading else None,
            }
        )
    return pl.DataFrame(rows, schema=SCHEMA)


def _shared(
    recordings: list[Recording],
    site: Site,
    config: ImportConfig,
    others: pl.DataFrame,
    again: list[tuple[Recording, Recording]],
) -> list[list[Person]]:
    """Groups of people who have a recording in common, here or with another site of the cohort; says who."""
    names = [recording.shown for recording in recordings] + others["session_id"].to_list()
    paths = [recording.path for recording in recordings] + [config.out / path for path in others["path"]]
    people = [site.person(recording) for recording in recordings] + [Person(i, i) for i in others["subject_id"]]
    new = [i < len(recordings) for i in range(len(paths))]
    copies = find_copies(paths, [person.number for person in people], new, config.workers)
    pairs = [[site.person(recording) for recording in pair] for pair in again]
    shared = [[people[i] for i in group] for group in copies if len({people[i].number for i in group}) > 1]
    shown = [[names[i] for i in group] for group in copies if len({people[i].number for i in group}) > 1]
    if shared or pairs:
        log.warning(
            "%d recordings stand under more than one person, byte for byte the same (%s): these people get one split; "
            "is it one person with two names, or a line too many?",
            *(len(shared) + len(pairs), " = ".join([*shown, [r.shown for r in again[0]] if again else []][0][:3])),
        )
    if alone := len(copies) - len(shared):
        log.info("%d recordings are in the cohort more than once under the same person, byte for byte", alone)
    return shared + pairs


def _events(
    recordings: list[Recording], sessions: pl.DataFrame, site: Site, records: pl.DataFrame | None = None
) -> pl.DataFrame:
    """MEDS events of all subjects, each once; `sessions` are the rows of the recordings, in their order."""
    events = pl.DataFrame(list(_each_event(recordings, sessions["session_id"], site)), schema=EVENTS, orient="row")
    if records is not None:
        people = {recording.subject: site.subject_id(recording) for recording in recordings}
        numbers = pl.DataFrame(list(people.items()), {"subject": pl.String, "subject_id": pl.Int64}, orient="row")
        known = records.join(numbers, on="subject").select("subject_id", "time", "code")
        events = pl.concat([events, known], how="diagonal")
    return events.unique(maintain_order=True)


def _each_event(
    recordings: Iterable[Recording], session_ids: Iterable[str], site: Site
) -> Iterator[tuple[int, *Event, str | None]]:
    """Rows of `EVENTS`. Findings and labels are the recording's, also where they repeat what is known of its person."""
    for recording, session_id in zip(recordings, session_ids, strict=True):
        subject = site.subject_id(recording)
        if recording.sex:
            yield subject, None, f"GENDER//{recording.sex}", None, None
        for time, code, value in recording.events:
            yield subject, time, code, value, session_id if code.startswith(OF_RECORDING) else None


def _add_findings(recordings: list[Recording]) -> dict[str, str]:
    """Give recordings the findings of their reports; where a table gave some, these stay alone. Returns their words."""
    bare = [r for r in recordings if r.report and not any(code.startswith("FINDING//") for _, code, _ in r.events)]
    if not bare:
        log.warning("findings=true: no recording has a report and no findings; nothing to read")
        return {}
    for recording, codes in zip(bare, finding_codes([r.report for r in bare]), strict=True):
        recording.events = recording.events + [(recording.start, code, None) for code in codes]
    return DESCRIPTIONS


def _reports(recordings: list[Recording], sessions: pl.DataFrame) -> pl.DataFrame:
    texts = [(i, r.report) for i, r in zip(sessions["session_id"], recordings, strict=True) if r.report]
    rows = [{"session_id": session_id, "text": text} for session_id, text in texts]
    return pl.DataFrame(rows, schema=REPORTS)


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
