"""The layout of the Temple University Hospital (TUH) EEG corpora: what folders, names and headers say of a recording.

    TUAB   edf/{train,eval}/{normal,abnormal}/01_tcp_ar/aaaaamye_s001_t000.edf
    TUEG   edf/000/aaaaaaaa/s001_2015/01_tcp_ar/aaaaaaaa_s001_t000.edf
    TUSZ   edf/{train,dev,eval}/aaaaaaac/s001_2002/02_tcp_le/aaaaaaac_s001_t000.edf
    TUEP   {00_epilepsy,01_no_epilepsy}/aaaaaanr/s001_2003/02_tcp_le/aaaaaanr_s001_t000.edf

Subject, session and token stand in the file's name; the folders are read by name, not by depth, so that the releases
before 2022 (numbers for names, whole dates, `01_tcp_ar/002/00000258/s002_2003_07_21/`) read as well. The EDF header
holds sex, age and the year: `aaaaantl F 01-JAN-0000 aaaaantl Age:42`, `Startdate 01-JAN-2012 aaaaantl_s001 XXX X`.
Sources: the AAREADME.txt of each release, https://isip.piconepress.com/projects/nedc/html/tuh_eeg/, and
Obeid & Picone 2016, https://doi.org/10.3389/fnins.2016.00196.
"""

import io
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from clef.importers.values import parse_age, parse_sex
from tokenizer.base.progress import track

PARTS = ("train", "dev", "eval")
PATHOLOGY = ("normal", "abnormal")
EPILEPSY = re.compile(r"(?:\d\d_)?(?P<no>no_)?epilepsy")
_NAME = re.compile(r"(?P<subject>[^_]+)_(?P<session>s\d+)(?:_t\d+)?", re.IGNORECASE)
_REPORT = re.compile(r"[^_]+_s\d+\.txt", re.IGNORECASE)
_VISIT = re.compile(r"s\d+_(\d{4}(?:_\d\d_\d\d)?)", re.IGNORECASE)
_MONTAGE = re.compile(r"\d\d_tcp_\w+")
_DOCUMENTS = re.compile(r"_?docs?|\..*", re.IGNORECASE)
_PATIENT = re.compile(r"\S+ +(?P<sex>[MFmf]) ")
_AGE = re.compile(r"\bAge:(\S+)", re.IGNORECASE)
_STARTED = re.compile(r"Startdate (\d\d)-([A-Z]{3})-(\d{4})", re.IGNORECASE)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_AGES = {"999": "90+", "0": ""}
"""What stands for 90 and more in the releases since 2022; a 0 may be a newborn or nobody's age."""


@dataclass
class TUHTree:
    """The files below a folder."""

    recordings: list[Path] = field(default_factory=list)
    reports: dict[str, Path] = field(default_factory=dict)
    """Session, as `00000258_s002`, -> its report."""
    others: Counter[str] = field(default_factory=Counter)
    """How many files of each other kind."""
    closed: list[Path] = field(default_factory=list)
    """Folders that cannot be opened."""


@dataclass(frozen=True)
class TUHPath:
    """What a recording's path says."""

    path: Path
    shown: str
    subject: str
    session: str
    """As `s001`."""
    part: str | None
    """train, dev or eval."""
    pathology: str | None
    """normal or abnormal."""
    epilepsy: str | None
    """yes or no, of the person."""
    montage: str
    date: str | None
    """Of the session's folder: `2015`, in older releases `2015_12_30`, when it was archived: days after the EEG."""

    @property
    def corpus(self) -> str:
        """The corpus that is laid out like this."""
        return "tuab" if self.pathology else "tusz" if self.part else "tuep" if self.epilepsy else "tueg"

    @property
    def visit(self) -> str:
        """Name of the session within its corpus."""
        return f"{self.subject}_{self.session}"


@dataclass(frozen=True)
class TUHHeader:
    """What a recording's EDF header says of the person, and when and how long it was recorded; no birth date."""

    sex: str | None
    age: float | None
    date: str | None
    """`2012` if the day is the 1st of January, a placeholder; else `2012_02_22`."""
    seconds: float


def find_files(root: Path) -> TUHTree:
    """All files below `root` but for documentation, in order; links are followed, but no folder is entered twice."""
    tree = TUHTree()
    for folder, names in track(_folders(root, tree.closed), "looking for recordings"):
        for name in names:
            if name.lower().endswith(".edf"):
                tree.recordings.append(folder / name)
            elif _REPORT.fullmatch(name):
                tree.reports.setdefault(Path(name).stem.lower(), folder / name)
            elif "aareadme" not in name.lower():
                tree.others[Path(name).suffix.lower() or "without a kind"] += 1
    return tree


def _folders(root: Path, closed: list[Path]) -> Iterator[tuple[Path, list[str]]]:
    seen = set()  # (device, inode): a link to a folder above would lead round in a circle
    for folder, folders, names in os.walk(root, onerror=lambda e: closed.append(Path(e.filename)), followlinks=True):
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not _DOCUMENTS.fullmatch(name))
        yield Path(folder), sorted(name for name in names if not name.startswith("."))


def parse_path(root: Path, path: Path) -> TUHPath | None:
    """What the path of a recording below `root` says; None if its name is not SUBJECT_sNNN_tNNN."""
    if not (name := _NAME.fullmatch(path.stem)):
        return None
    shown = path.relative_to(root)
    folders = [part.lower() for part in shown.parts[:-1]]
    if "edf" in folders:  # what lies above it may be called anything
        folders = folders[folders.index("edf") + 1 :]
    groups = [group for part in folders if (group := EPILEPSY.fullmatch(part))]
    visits = [visit[1] for part in folders if (visit := _VISIT.fullmatch(part))]
    return TUHPath(
        path=path,
        shown=str(shown),
        subject=name["subject"].lower(),
        session=name["session"].lower(),
        part=next((part for part in folders if part in PARTS), None),
        pathology=next((part for part in folders if part in PATHOLOGY), None),
        epilepsy=("no" if groups[-1]["no"] else "yes") if groups else None,
        montage=next((part for part in folders if _MONTAGE.fullmatch(part)), "no montage folder"),
        date=visits[-1] if visits else None,
    )


def read_tuh_header(path: Path) -> TUHHeader:
    """Sex, age, date and length from the first 256 bytes of an EDF file; what is not there is None, or 0 s."""
    try:
        with path.open("rb") if path.is_file() else io.BytesIO() as file:  # a named pipe would be waited for
            text = file.read(256).decode("latin-1")
    except OSError:  # it is refused later, with the reason
        text = ""
    patient, recording = text[8:88], text[88:168]
    sex, age = _PATIENT.match(patient), _AGE.search(patient)
    return TUHHeader(
        sex=parse_sex(sex["sex"]) if sex else None,
        age=parse_age(_AGES.get(age[1], age[1])) if age else None,
        date=_header_date(recording),
        seconds=_seconds(text),
    )


def _header_date(recording: str) -> str | None:
    started = _STARTED.search(recording)
    if not started or started[2].upper() not in _MONTHS:
        return None
    day, month, year = started[1], _MONTHS.index(started[2].upper()) + 1, started[3]
    return year if (day, month) == ("01", 1) else f"{year}_{month:02d}_{day}"


def _seconds(header: str) -> float:
    try:
        return float(header[236:244]) * float(header[244:252])
    except ValueError:
        return 0.0


def start_time(date: str | None, session: str) -> datetime | None:
    """When a session took place, as far as a `date` like `2015_12_30` or `2015` tells.

    Of a year alone, month and day stand for the number of the session, two days for each: sessions of one person keep
    their order, and what is known of one is not taken for another's (labels belong to a time).
    """
    if date is None:
        return None
    year, *day = map(int, date.split("_"))
    try:
        start = datetime(year, *(day or (1, 1)))
    except ValueError:
        return None
    return start if day else start + timedelta(days=2 * (int(session[1:]) - 1) % 360)
