"""Columns of participants.tsv and of the tables in phenotype/ that become events."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from clef.codes import normalise_code
from clef.importers.bids.tables import PeopleTable, read_people, some
from clef.importers.targets import Target, parse_target, say_unknown


@dataclass(frozen=True)
class Column:
    """A column whose cells become events."""

    table: PeopleTable
    name: str
    codes: Callable[[str], list[str | None]]
    """Cell -> codes, None for what is no code."""


def read_columns(root: Path, site: str, participants: PeopleTable, asked: dict[str, list[str]]) -> list[Column]:
    """The columns that were asked for: kind (LABEL, ICD10CM, ATC) -> names. Raises ValueError if one is not there."""
    tables = lru_cache(lambda name: _read_phenotype(root, name))
    columns = []
    for kind, names in asked.items():
        for name in names:
            file, _, inside = name.removeprefix("phenotype/").partition(".")
            away = name.startswith("phenotype/")
            table, column = (tables(file), inside) if away else (participants, name)
            target = parse_target(column, table.columns, f"phenotype/{file}." if away else "")
            if target.column not in table.columns:
                raise ValueError(f"{table.name}: no column {target.column!r}; it has {some(table.columns)}")
            columns.append(Column(table, target.column, _coder(kind, site, target, table)))
    return columns


def _read_phenotype(root: Path, name: str) -> PeopleTable:
    known = sorted(path.stem for path in (root / "phenotype").glob("*.tsv"))
    if name not in known:
        raise ValueError(f"phenotype/{name}.tsv: there is no such table; there are: {', '.join(known) or 'none'}")
    return read_people(root / "phenotype" / f"{name}.tsv")


def _coder(kind: str, site: str, target: Target, table: PeopleTable) -> Callable[[str], list[str | None]]:
    """What turns a cell into event codes of one kind. Raises ValueError for numbers that are not cut."""
    if kind == "LABEL":
        cells = [row[target.column] for row in table.rows.values()]
        labels = target.labels(cells)
        say_unknown(f"{table.name}, {target.name}", cells, labels)
        values = dict(zip(cells, labels, strict=True))
        return lambda cell: [f"LABEL//{site}//{target.name.removeprefix('phenotype/')}//{values[cell]}"]
    parts = lambda cell: filter(None, re.split(r"[\s,;|]+", cell))
    # one letter is a flag and no code, although it names a group of ATC
    return lambda cell: [normalise_code(f"{kind}//{part}") if len(part) > 2 else None for part in parts(cell)]


def descriptions(columns: list[Column]) -> dict[str, str]:
    """Words for label codes, where the JSON beside a table explains its values."""
    words = {}
    for column in columns:
        for value in {row[column.name] for row in column.table.rows.values()} - {None}:
            if meaning := column.table.level(column.name, value):
                words |= dict.fromkeys(filter(None, column.codes(value)), meaning)
    return words
