"""The importer of an EEG-BIDS tree: a site of a cohort folder.

    python -m clef.importers.bids root=DIR out=COHORT targets=[group,phenotype/moca.total] tasks=[rest]

Age and sex come from participants.tsv (the age at a visit from sessions.tsv), start times from scans.tsv or
sessions.tsv; each target becomes the event `LABEL//<site>//<column>//<value>`. Sampling rate, unit and electrodes are
the files' own: where `eeg.json` states another rate, or `channels.tsv` calls channels bad, that is counted and said.
Recordings cut into epochs are left out. A column `report` of scans.tsv or sessions.tsv is the text of a recording's
report, or names a file .txt below `root`. Layout: https://bids-specification.readthedocs.io.
"""

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from clef.importers.bids.columns import Column, descriptions, read_columns
from clef.importers.bids.files import BidsTree, RecordingFile, count_elsewhere, find_people, scan_tree
from clef.importers.bids.sidecars import Visits, read_sidecars
from clef.importers.bids.tables import (
    PeopleTable,
    Row,
    column_named,
    parse_coded_sex,
    parse_years,
    read_json,
    read_people,
)
from clef.importers.importing import OF_RECORDING, Event, ImportConfig, Recording, import_recordings
from clef.importers.reports import read_cells
from clef.importers.threads import in_threads
from tokenizer.base.progress import track
from tokenizer.base.values import MISSING
from tokenizer.recording import Unit

log = logging.getLogger(__name__)

CODES_WITHOUT_TIME = "%d codes of single visits left out: without a start time they would count for every visit"
UNDERSTOOD = ("participant_id", "session_id", "age", "sex", "gender")
LONGEST_SITE = 24
"""Characters of a site's name that is taken from the data set."""


@dataclass
class BidsImport(ImportConfig):
    root: Path = MISSING
    """Top of the BIDS tree: the folder with participants.tsv and the folders sub-…."""
    site: str | None = None
    """Name of the hospital or lab; the data set's own name, shortened, if none is given."""
    targets: list[str] = field(default_factory=list)
    """Columns that become labels, as [group,phenotype/moca.total]: of participants.tsv, or of a table in phenotype/."""
    icd10: list[str] = field(default_factory=list)
    """Columns of ICD-10 codes, named as in `targets`; several codes in a cell are parted by , ; | or blanks."""
    atc: list[str] = field(default_factory=list)
    """Columns of ATC codes (drugs), likewise."""
    tasks: list[str] = field(default_factory=list)
    """Tasks to import, as [rest]: what follows task- in the names; all if none are named."""
    unit: Unit | None = None
    """Unit of the numbers in EDF files, where the header does not say it or says it wrongly."""


@dataclass(frozen=True)
class Metadata:
    """The tables of people and visits, and what is wrong with them."""

    participants: PeopleTable
    columns: list[Column]
    visits: Visits
    notes: Counter[str] = field(default_factory=Counter)
    """Line with a %d -> its number."""


def main(config: BidsImport) -> int:
    """Import one tree."""
    people = find_people(config.root)
    site = _site(config)
    participants = _read_participants(config.root)
    asked = {"LABEL": config.targets, "ICD10CM": config.icd10, "ATC": config.atc}
    columns = read_columns(config.root, site, participants, asked)
    tree = scan_tree(config.root, people)
    _keep_tasks(tree, config.tasks)
    _say_tree(config.root, tree, people)
    metadata = Metadata(participants, columns, Visits(config.root))
    recordings = _recordings(config, tree, metadata)
    for recording, text in zip(recordings, read_cells([r.report for r in recordings], config.root), strict=True):
        recording.report = text
    _say_metadata(config, metadata, recordings)
    import_recordings(recordings, site, config, tree.left_out, descriptions(columns))
    return 0


def _site(config: BidsImport) -> str:
    """The name that was given, else the data set's own. Raises ValueError if it has none or is no raw data set."""
    description = read_json(config.root / "dataset_description.json")
    if description.get("DatasetType", "raw") == "derivative":
        raise ValueError(f"root={config.root}: a derivative, says dataset_description.json; expected the raw data set")
    if config.site:
        return config.site
    name = _short(str(description.get("Name", "")))
    if name in ("", "unspecified"):  # mne-bids writes the latter
        raise ValueError("site= must be given: dataset_description.json has no Name")
    log.info("site: %s, from the Name in dataset_description.json (site= gives another)", name)
    return name


def _short(name: str) -> str:
    """Letters and digits of a name in lower case, cut after a word."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain.lower())
    long = "-".join(words)
    return long if len(long) <= LONGEST_SITE else (long[: LONGEST_SITE + 1].rpartition("-")[0] or long[:LONGEST_SITE])


def _read_participants(root: Path) -> PeopleTable:
    path = root / "participants.tsv"
    if path.exists() or path.is_symlink():
        return read_people(path)
    log.info("participants.tsv: there is none; age and sex stay empty")
    return PeopleTable(path.name)


def _keep_tasks(tree: BidsTree, tasks: list[str]) -> None:
    """Leave out the recordings of other tasks. Raises ValueError if none is left."""
    known = sorted({file.task for file in tree.recordings})
    others = [file for file in tree.recordings if tasks and file.task not in tasks]
    if others and len(others) == len(tree.recordings):
        raise ValueError(f"tasks={','.join(tasks)}: no such recordings; there are: {', '.join(known)}")
    tree.left_out["a task that is not in tasks="] += [file.shown for file in others]
    tree.recordings = [file for file in tree.recordings if not tasks or file.task in tasks]


def _recordings(config: BidsImport, tree: BidsTree, metadata: Metadata) -> list[Recording]:
    """The recordings of the tree, with what tables and sidecars say of them."""
    recordings = []
    pairs = zip(tree.recordings, in_threads(read_sidecars, tree.recordings, config.workers), strict=True)
    for file, sidecars in track(pairs, "reading tables", len(tree.recordings)):
        if sidecars.epoched:
            tree.left_out["cut into epochs, as its eeg.json says; expected a whole recording"].append(file.shown)
            continue
        metadata.visits.faults.update(sidecars.faults)
        metadata.notes["%d channels are marked bad in channels.tsv; they are read like the others"] += sidecars.bad
        recordings.append(_recording(config, file, sidecars.rate, metadata))
    return recordings


def _recording(config: BidsImport, file: RecordingFile, rate: float | None, metadata: Metadata) -> Recording:
    row = metadata.participants.row(file.person, file.visit)
    start = metadata.visits.start(file)
    return Recording(
        path=file.path,
        shown=file.shown,
        subject=file.person,
        session=file.name,
        start=start,
        age=_age(file, row, metadata),
        sex=_sex(row, metadata),
        reading={"unit": config.unit} if config.unit else {},
        stated_rate=rate,
        report=metadata.visits.report(file),
        events=list(_events(file, start, metadata)),
    )


def _age(file: RecordingFile, row: Row, metadata: Metadata) -> float | None:
    column = column_named(metadata.participants.columns, "age") or ""
    at_visit = metadata.visits.age(file)
    age = parse_years(at_visit) if at_visit else parse_years(row.get(column), metadata.participants.unit(column))
    metadata.notes["age: %d values not understood, left empty"] += age is None and bool(at_visit or row.get(column))
    return age


def _sex(row: Row, metadata: Metadata) -> str | None:
    column = column_named(metadata.participants.columns, "sex", "gender") or ""
    cell = row.get(column)
    sex = parse_coded_sex(cell, metadata.participants.level(column, cell) if cell else None)
    metadata.notes["sex: %d values not understood, left empty"] += sex is None and cell is not None
    return sex


def _events(file: RecordingFile, start: datetime | None, metadata: Metadata) -> Iterator[Event]:
    """The codes of a recording: those of the person without a time, those of a visit at its start."""
    for column in metadata.columns:
        cell = column.table.row(file.person, file.visit).get(column.name)
        if cell is None:
            continue
        of_visit = column.table.by_visit(file.person, file.visit)
        timeless = of_visit and start is None and column.table.differs(file.person, column.name)
        for code in column.codes(cell):
            metadata.notes["%d codes not understood, left out"] += code is None
            spread = timeless and code is not None and not code.startswith(OF_RECORDING)
            metadata.notes[CODES_WITHOUT_TIME] += spread
            if code is not None and not spread:
                yield start if of_visit else None, code, None


def _say_tree(root: Path, tree: BidsTree, people: list[str]) -> None:
    """How many recordings of what there are, and what is not imported."""
    with_eeg = {file.person for file in tree.recordings}
    endings = _counts(Counter(file.path.suffix.lower() for file in tree.recordings))
    tasks = _counts(Counter(file.task for file in tree.recordings))
    log.info("found %d recordings of %d people: %s; tasks: %s", len(tree.recordings), len(with_eeg), endings, tasks)
    if len(with_eeg) < len(people):
        log.info("%d people have no EEG that could be imported", len(people) - len(with_eeg))
    if tree.other_types:
        log.info("folders of other data, not imported: %s", _counts(tree.other_types))
    for folder, recordings in count_elsewhere(root).items():
        log.info("%s: %d recordings, not imported", folder, recordings)
    if tree.odd_names:
        log.info("%d names are not as BIDS wants them (%s): taken as they are", len(tree.odd_names), tree.odd_names[0])


def _counts(counter: Counter[str], most: int = 8) -> str:
    shown = [f"{name} {n}" for name, n in counter.most_common(most)]
    return ", ".join(shown + (["…"] if len(counter) > most else [])) or "none"


def _say_metadata(config: BidsImport, metadata: Metadata, recordings: list[Recording]) -> None:
    """What the tables leave open, and what of them is not imported."""
    people = {recording.subject for recording in recordings}
    if metadata.participants.columns and (absent := people - metadata.participants.visits.keys()):
        log.info("participants.tsv: no line for %d of %d people: age and sex stay empty", len(absent), len(people))
    _say_not_imported(config, metadata)
    log.info("start times: %d of %d recordings", sum(r.start is not None for r in recordings), len(recordings))
    if metadata.visits.untrue:
        log.info(
            "%d times are shifted (before 1925), in the future or placeholders: left empty", metadata.visits.untrue
        )
    if faults := metadata.visits.faults:
        log.info("%d tables cannot be read, as if they were not there; %s", len(faults), min(faults))
    for text, number in metadata.notes.items():
        if number:
            log.info(text, number)


def _say_not_imported(config: BidsImport, metadata: Metadata) -> None:
    """Columns and tables that nobody asked for, and lines that contradict each other."""
    for table in {id(t): t for t in (metadata.participants, *(c.table for c in metadata.columns))}.values():
        asked = {column.name for column in metadata.columns if column.table is table}
        ignored = [c for c in table.columns if c not in asked and c.lower() not in UNDERSTOOD]
        if ignored:
            some = ", ".join(ignored[:20]) + (", …" if len(ignored) > 20 else "")
            log.info("%s: %d columns not imported: %s (targets= makes labels of them)", table.name, len(ignored), some)
        if table.clashes:
            log.info("%s: %d cells left empty: lines contradict each other", table.name, len(table.clashes))
    tables = {path.name for path in (config.root / "phenotype").glob("*.tsv")}
    if unused := sorted(tables - {column.table.name for column in metadata.columns}):
        log.info("phenotype/: %d tables not imported: %s", len(unused), ", ".join(unused[:20]))
