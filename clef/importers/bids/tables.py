"""The tables and sidecars of a BIDS tree: TSV and JSON as people write them.

A cell that is empty or `n/a` is unknown. Tables may begin with a byte order mark, end their lines with tabs, put cells
in quotes and be in Latin-1. Columns named age, sex, participant_id, … are known in any case.
"""

import json
import re
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from clef.importers.bids.files import NOT_FETCHED, POINTERS
from clef.importers.tables import decode
from clef.importers.values import is_unknown, parse_age, parse_sex

PER_YEAR = {"month": 12.0, "week": 365.25 / 7, "day": 365.25}
Row = dict[str, str | None]


@dataclass
class PeopleTable:
    """A table of people: one row per person, or per person and visit."""

    name: str
    columns: list[str] = field(default_factory=list)
    rows: dict[tuple[str, str | None], Row] = field(default_factory=dict)
    """(person, visit) -> cells; the visit is None in a table without session_id."""
    fields: dict[str, Any] = field(default_factory=dict)
    """What the JSON beside the table says of its columns."""
    visits: dict[str, list[str | None]] = field(default_factory=dict)
    """The visits of each person."""
    clashes: set[tuple[str, str | None, str]] = field(default_factory=set)
    """(person, visit, column) of which two lines say different things; they are empty in `rows`."""

    def row(self, person: str, visit: str | None) -> Row:
        """The cells of a visit, or of the person where the table does not know visits."""
        return self.rows.get((person, visit)) or self.rows.get((person, None)) or {}

    def by_visit(self, person: str, visit: str | None) -> bool:
        """Whether the row of a visit is about that visit alone."""
        return visit is not None and (person, visit) in self.rows

    def differs(self, person: str, column: str) -> bool:
        """Whether the visits of a person have different values in a column."""
        return len({self.rows[person, visit][column] for visit in self.visits[person]} - {None}) > 1

    def level(self, column: str, value: str) -> str | None:
        """What the JSON says a coded value means."""
        levels = self._about(column).get("Levels")
        words = levels.get(value) if isinstance(levels, dict) else None
        words = words.get("Description") if isinstance(words, dict) else words
        return words.strip() if isinstance(words, str) else None

    def unit(self, column: str) -> str:
        """The unit of a column in lower case, "" if the JSON does not say."""
        return str(self._about(column).get("Units", "")).lower()

    def _about(self, column: str) -> dict[str, Any]:
        about = self.fields.get(column)
        return about if isinstance(about, dict) else {}


def read_people(path: Path) -> PeopleTable:
    """Read a table with a column participant_id, and its JSON. Raises ValueError if it is no such table."""
    columns, rows = read_tsv(path)
    table = PeopleTable(path.name, columns, fields=read_json(path.with_suffix(".json")))
    person, visit = column_named(columns, "participant_id"), column_named(columns, "session_id")
    if person is None:
        raise ValueError(f"{path.name}: no column participant_id, with tabs between columns; it has {some(columns)}")
    for row in rows:
        if row[person] is not None:
            key = prefixed("sub-", row[person]), prefixed("ses-", row[visit]) if visit and row[visit] else None
            _add(table, key, row)
    return table


def some(columns: list[str]) -> str:
    """Names of columns for a message; none if they are no names but the first line of a table without any."""
    if any(column.startswith("sub-") for column in columns):
        return "no line of column names"
    return ", ".join(column[:30] for column in columns[:20]) or "none"


def prefixed(prefix: str, name: str) -> str:
    return name if name.startswith(prefix) else prefix + name


def _add(table: PeopleTable, key: tuple[str, str | None], row: Row) -> None:
    """Add a line; of a further one about the same person or visit, what contradicts is emptied."""
    if key not in table.rows:
        table.rows[key] = row
        table.visits.setdefault(key[0], []).append(key[1])
    known = table.rows[key]
    for column, value in row.items():
        if known[column] is None and (*key, column) not in table.clashes:
            known[column] = value
        elif value not in (None, known[column]):
            known[column] = None  # neither of two that disagree; `clashes` keeps a third line from filling it again
            table.clashes.add((*key, column))


def read_tsv(path: Path) -> tuple[list[str], list[Row]]:
    """Columns and rows of a TSV as text, unknown cells None. Raises ValueError with one line if it is no table."""
    lines = [line.rstrip() for line in re.split("\r\n|\n|\r", _text(path))]
    if not any(lines):
        raise ValueError(f"{path.name}: is empty; expected a line of column names")
    header, *rows = [[cell.strip(' "') for cell in line.split("\t")] for line in lines if line]
    if twice := {column for column in header if header.count(column) > 1}:
        raise ValueError(f"{path.name}: column {min(twice)!r} stands there twice")
    longest = max(map(len, rows), default=0)
    if longest > len(header):
        raise ValueError(f"{path.name}: a line of {longest} cells under a header of {len(header)}; expected a TSV")
    known = [[None if is_unknown(cell) else cell for cell in row] for row in rows]
    return header, [dict(zip_longest(header, row)) for row in known]


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; empty if there is no such file. Raises ValueError with one line if it is none."""
    if not path.exists() and not path.is_symlink():
        return {}
    try:
        tree = json.loads(_text(path))
    except ValueError as error:
        raise ValueError(f"{path.name}: not JSON ({error})") from None
    if not isinstance(tree, dict):
        raise ValueError(f"{path.name}: holds a {type(tree).__name__}; expected an object")
    return tree


def _text(path: Path) -> str:
    if path.is_symlink() and not path.exists():
        raise ValueError(f"{path.name}: {NOT_FETCHED}")
    if path.exists() and not path.is_file():  # a named pipe would be waited for
        raise ValueError(f"{path.name}: is no file; expected a text")
    data = path.read_bytes()
    if data.startswith(POINTERS):
        raise ValueError(f"{path.name}: {NOT_FETCHED}")
    return decode(data, path.name)[0]


def column_named(columns: list[str], *names: str) -> str | None:
    """The column with one of `names` (lower case) in any case, None if there is none."""
    lower = {column.lower(): column for column in reversed(columns)}
    return next((lower[name] for name in names if name in lower), None)


def parse_years(text: str | None, unit: str = "") -> float | None:
    """An age in years from a cell and the unit of its column; None if it is no plausible age."""
    per_year = PER_YEAR.get(unit.rstrip("s"), 1.0)
    try:
        return parse_age(text if per_year == 1 else str(float(text or "") / per_year))
    except ValueError:
        return None


def parse_coded_sex(text: str | None, meaning: str | None) -> str | None:
    """F or M from a cell, or from the first word of what the JSON says it means; None for everything else."""
    words = (meaning or "").replace(",", " ").split()
    return parse_sex(text) or (parse_sex(words[0]) if words else None)
