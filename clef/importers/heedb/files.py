"""The files of a downloaded part of HEEDB: tables, people, recordings of a session, reports.

    …/S0001/sub-S0001111188844/ses-1/eeg/sub-S0001111188844_ses-1_task-EEG_eeg.edf

Above `sub-…` any folders will do (`EEG/bids/S0001/`, `S0001/`, none), and the task in a file's name may be any, as
hospitals name it differently (EEG, cEEG, rEEG). Each folder is listed once.
"""

import os
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from clef.importers.heedb.tables import KINDS, kind_of
from tokenizer.base.progress import track

DEPTH = 5  # folders below the one given, enough for EEG/bids/S0001/sub-…
Row = dict[str, Any]


def scan_folders(root: Path) -> tuple[dict[str, list[Path]], dict[str, Path]]:
    """The tables below a folder, by kind, and the folders of people (`sub-…`) by name; those are not entered."""
    tables: dict[str, list[Path]] = {kind: [] for kind in KINDS}
    people: dict[str, Path] = {}
    for folder, folders, names in os.walk(root, followlinks=True):
        path = Path(folder)
        people |= {name: path / name for name in folders if name.startswith("sub-")}
        deep = len(path.parts) - len(root.parts) >= DEPTH
        folders[:] = [] if deep else sorted(name for name in folders if not name.startswith(("sub-", ".")))
        for name in names:
            if kind := kind_of(name):
                tables[kind].append(path / name)
    return tables, people


def match_files(
    rows: Iterable[Row], people: dict[str, Path], total: int
) -> tuple[list[tuple[Row, Path]], dict[str, list[str]]]:
    """Rows (folder, session, site; those of a person together) with each of their EDF files, and, by site, the
    sessions without any."""
    matches, missing = [], defaultdict(list)
    person, sessions = None, {}
    for row in track(rows, "looking for recordings", total):
        if person != row["folder"]:
            person, sessions = row["folder"], _session_folders(people.get(row["folder"]))
        files = _edf_files(sessions.get(row["session"]))
        matches += [(row, file) for file in files]
        if not files:
            missing[row["site"]].append(f"{person}/ses-{row['session']}")
    return matches, missing


def _session_folders(person: Path | None) -> dict[str, Path]:
    """The `ses-…` folders of a person by the number of the session."""
    if person is None:
        return {}
    sessions = [path for path in person.iterdir() if path.name.startswith("ses-")]
    return {path.name.removeprefix("ses-").lstrip("0") or "0": path for path in sessions}


def _edf_files(session: Path | None) -> list[Path]:
    if session is None:
        return []
    folder = session / "eeg" if (session / "eeg").is_dir() else session
    return sorted(path for path in folder.iterdir() if path.suffix.lower() == ".edf")


def report_files(folder: Path | None) -> dict[str, Path]:
    """Report files by name."""
    if folder is None:
        return {}
    walk = track(os.walk(folder, followlinks=True), "looking for reports")
    return {name: Path(parent) / name for parent, _, names in walk for name in names if name.lower().endswith(".txt")}


@lru_cache(maxsize=64)  # sessions that follow each other share their report
def read_report(path: Path) -> str | None:
    """The text of a report file, None if there is none."""
    return (path.read_text(encoding="utf-8", errors="replace").strip() or None) if path.is_file() else None
