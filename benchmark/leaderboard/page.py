"""The leaderboard's page: a first table of every system under every protocol, then a table for each protocol."""

import dataclasses
from collections.abc import Sequence

import clef
from benchmark.leaderboard.entries import Entry, Scores
from clef.pages.view import template

KINDS = ("system", "control", "literature")
"""From the top of a table down."""


@dataclasses.dataclass
class Cell:
    """What a cell shows: numbers to three digits, an interval, and what the pointer finds above it."""

    value: str
    interval: str
    title: str
    marked: bool


@dataclasses.dataclass
class Table:
    """Rows by columns; an empty cell is None."""

    name: str
    columns: list[str]
    rows: list[tuple[str, str, list[Cell | None]]]
    """System, whether it is a `system`, a `control` or of the `literature`, and its cells."""
    protocol: list[str]


def tables(scores: Sequence[Scores], published: Sequence[Entry]) -> list[Table]:
    """A table for each protocol that was run, with published numbers in it; then those that nobody here has run."""
    entries = [entry for one in scores for entry in one.entries]
    lines: dict[str, list[str]] = {}
    for one in scores:
        for name, said in one.protocol.items():
            new = ["Synthetic people: this says nothing about patients.", *said] if one.synthetic else said
            lines.setdefault(name, [])
            lines[name] += [line for line in new if line not in lines[name]]
    names = list(dict.fromkeys([*lines, *(entry.protocol for entry in published)]))
    everything = [*entries, *published]
    return [table(name, [e for e in everything if e.protocol == name], lines.get(name, [])) for name in names]


def overview(scores: Sequence[Scores]) -> Table:
    """The headline of each protocol: its own mean, or its best-known question."""
    heads = [entry for one in scores for entry in one.entries if entry.headline]
    of_protocol = [(entry, f"{entry.protocol}: {entry.column}", entry.system.split(" · ")[0]) for entry in heads]
    moved = [dataclasses.replace(entry, column=column, system=system) for entry, column, system in of_protocol]
    return table("Every system, every protocol", moved, ["Each column is explained in its own table below."])


def table(name: str, entries: Sequence[Entry], protocol: list[str]) -> Table:
    """Rows by the first column they have a number in, best first: systems, then controls, then the literature."""
    columns = list(dict.fromkeys(entry.column for entry in entries))
    cells: dict[tuple[str, bool], dict[str, Entry]] = {}
    for entry in entries:
        row = cells.setdefault((entry.system, entry.literature), {})
        if entry.column in row and row[entry.column] != entry:
            raise ValueError(
                f"{name}: {entry.system} has two numbers for {entry.column!r} ({row[entry.column].source} and "
                f"{entry.source}); give each run a name of its own, or leave one folder out"
            )
        row[entry.column] = entry
    kinds = {key: _kind(next(iter(row.values()))) for key, row in cells.items()}
    order = sorted(cells, key=lambda key: (KINDS.index(kinds[key]), _place(cells[key], columns)))
    rows = [(key[0], kinds[key], [_cell(cells[key].get(column)) for column in columns]) for key in order]
    return Table(name, columns, rows, protocol)


def _kind(entry: Entry) -> str:
    return "literature" if entry.literature else "control" if entry.control else "system"


def _place(row: dict[str, Entry], columns: list[str]) -> tuple[int, float]:
    first = next(i for i, column in enumerate(columns) if column in row)
    return first, -row[columns[first]].value


def _cell(entry: Entry | None) -> Cell | None:
    if entry is None:
        return None
    interval = "" if entry.low is None else f"{entry.low:.2f}–{entry.high:.2f}"
    title = "; ".join(filter(None, (entry.column, entry.remark, f"from {entry.source}")))
    return Cell(f"{entry.value:.3f}", interval, title, bool(entry.remark) and not entry.literature)


def page(scores: Sequence[Scores], published: Sequence[Entry]) -> str:
    """The whole page; nothing in it is loaded from anywhere."""
    sources = sorted({f"{e.system.split(' · ')[0]}: {e.source}" for e in published})
    return template("leaderboard.html.jinja", "benchmark.leaderboard").render(
        overview=overview(scores), tables=tables(scores, published), sources=sources, version=clef.__version__
    )
