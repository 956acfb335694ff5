"""The sidecars of the recordings of a BIDS tree: scans.tsv, sessions.tsv, eeg.json and channels.tsv.

BIDS lets dates be shifted, to before 1925 so that it shows. Such a time is no start time; nor is one in the future, or
midnight of a 1 January, which programs write for a date they do not know (mne for one it removed: 2000-01-01T00:00:00).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from clef.importers.bids.files import RecordingFile
from clef.importers.bids.tables import Row, column_named, prefixed, read_json, read_tsv
from clef.importers.values import parse_time

EARLIEST = datetime(1925, 1, 1)


class Visits:
    """When visits were, and how old people were then: from scans.tsv and sessions.tsv."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.faults: set[str] = set()
        """Tables that cannot be read, and why."""
        self.untrue = 0
        """Times that were shifted, or stand for an unknown one."""
        self._read = lru_cache(maxsize=8)(self._rows)

    def start(self, file: RecordingFile) -> datetime | None:
        """Start of a recording, None if it is not known or was shifted."""
        times = [parse_time(row.get("acq_time")) for row in self._nearest(file)]
        time = next(filter(None, times), None)
        if time is None or _can_be(time):
            return time
        self.untrue += 1
        return None

    def age(self, file: RecordingFile) -> str | None:
        """Age at a visit as sessions.tsv has it, in years."""
        return self._session(file).get("age")

    def report(self, file: RecordingFile) -> str | None:
        """The cell of a column `report` of these tables; BIDS has none of its own."""
        return next(filter(None, (row.get("report") for row in self._nearest(file))), None)

    def _nearest(self, file: RecordingFile) -> list[Row]:
        """The lines that tell of a recording: scans.tsv of the visit, that of the person, sessions.tsv."""
        folder, tables = self.root / file.person, [f"{file.person}_scans.tsv"]
        tables += [f"{file.visit}/{file.person}_{file.visit}_scans.tsv"] if file.visit else []
        scans = [self._read(folder / table, "filename").get(_stem(file.path.name), {}) for table in tables]
        return [*scans[::-1], self._session(file)]

    def _session(self, file: RecordingFile) -> Row:
        table = self.root / file.person / f"{file.person}_sessions.tsv"
        return self._read(table, "session_id").get(file.visit or "", {})

    def _rows(self, path: Path, key: str) -> dict[str, Row]:
        """The rows of a table by its key; none if there is no such table, or none that can be read."""
        try:
            columns, rows = read_tsv(path) if path.exists() or path.is_symlink() else ([key], [])
            if (named := column_named(columns, key)) is None:
                raise ValueError(f"{path.name}: no column {key}")
        except (ValueError, OSError) as error:
            self.faults.add(str(error))
            return {}
        name = _stem if key == "filename" else lambda text: prefixed("ses-", text)
        return {name(row[named]): {c.lower(): v for c, v in row.items()} for row in rows if row[named]}


def _can_be(time: datetime) -> bool:
    """Whether a recording can have started then."""
    return EARLIEST <= time <= datetime.now() + timedelta(days=1) and time != datetime(time.year, 1, 1)


def _stem(filename: str) -> str:
    """What names a recording in all of its files."""
    return filename.rpartition("/")[2].partition("_eeg.")[0]


@dataclass(frozen=True)
class SidecarFields:
    """What the sidecars of a recording say."""

    rate: float | None = None
    """Hz."""
    epoched: bool = False
    bad: int = 0
    """Channels whose status is bad."""
    faults: tuple[str, ...] = ()
    """Sidecars that cannot be read, and why."""


def read_sidecars(file: RecordingFile) -> SidecarFields:
    """Read the sidecars of a recording: every `eeg.json`, the special over the general; the nearest `channels.tsv`."""
    fields: dict[str, Any] = {}
    bad, faults = 0, []
    tables = [path for path in file.sidecars if path.suffix == ".tsv"]
    for path in [path for path in file.sidecars if path.suffix == ".json"] + tables[-1:]:
        try:
            if path.suffix == ".json":
                fields |= _shared_json(path)
            else:
                bad = _count_bad(path)
        except (ValueError, OSError) as error:
            faults.append(str(error))
    rate = fields.get("SamplingFrequency")
    epoched = str(fields.get("RecordingType", "")).lower() == "epoched"
    return SidecarFields(float(rate) if isinstance(rate, int | float) else None, epoched, bad, tuple(faults))


def _count_bad(path: Path) -> int:
    columns, rows = read_tsv(path)
    status = column_named(columns, "status")
    return sum((row[status] or "").lower() == "bad" for row in rows) if status else 0


_shared_json = lru_cache(maxsize=64)(read_json)
