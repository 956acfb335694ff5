"""The journal of a run of summaries: a line per finished report, so that whatever stops the run loses nothing done.

It lies in the cohort's folder, holds text of reports as the table beside it does, and is gone when the run has ended.
"""

import json
from pathlib import Path
from typing import NamedTuple

from tokenizer.base.files import fingerprint


class Entry(NamedTuple):
    """A finished report: `report` names its text, so that one that was changed meanwhile is summarised again."""

    session_id: str
    report: str
    summary: str
    summariser: str


class Journal:
    """The finished reports of one summariser, by its fingerprint; a half-written last line is none."""

    def __init__(self, folder: Path, summariser: str):
        self.path = folder / f"{fingerprint(summariser)}.jsonl"
        self.entries = {entry.session_id: entry for line in self._lines() if (entry := _entry(line))}
        whole = "".join(json.dumps(entry) + "\n" for entry in self.entries.values())
        self.path.write_text(whole, encoding="utf-8")
        self._file = self.path.open("a", encoding="utf-8")

    def _lines(self) -> list[str]:
        return self.path.read_text(encoding="utf-8", errors="replace").splitlines() if self.path.is_file() else []

    def add(self, entry: Entry) -> None:
        """Put a finished report down, for good."""
        self.entries[entry.session_id] = entry
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()

    def done(self, session: str, text: str) -> Entry | None:
        """The entry of a report with this text, if it is finished."""
        entry = self.entries.get(session)
        return entry if entry and entry.report == fingerprint(text) else None

    def remove(self) -> None:
        """Called when the table holds what the journal does."""
        self._file.close()
        self.path.unlink()


def _entry(line: str) -> Entry | None:
    try:
        parts = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(parts, list) and len(parts) == len(Entry._fields) and all(isinstance(p, str) for p in parts)
    return Entry(*parts) if whole else None
