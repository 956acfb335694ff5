"""Tables of text beside trials: a header line, then cells, parted by tab, comma, semicolon or bar."""

import csv
from collections.abc import Iterator
from pathlib import Path

SEPARATORS = ("\t", ",", ";", "|")
Row = tuple[int, list[str]]
"""Number of a line, and its cells in the order in which the columns were asked for."""


def read_cells(path: Path, name: str, wanted: tuple[str, ...]) -> list[Row]:
    """The cells of the columns `wanted`, row by row; empty lines are passed over. `name`: the file's, for messages.

    The separator is the one with which the first line names all of `wanted`. Where the last column is wanted, a line
    with more cells than names has the separator in it, unquoted, and is joined again. Raises ValueError (one line).
    """
    lines = list(_numbered(_text(path, name), name))
    if not lines:
        raise ValueError(f"{name}: it is empty; expected a line of column names with {', '.join(wanted)}, then rows")
    separator = next((s for s in SEPARATORS if set(wanted) <= set(_split(lines[0][1], s))), None)
    if separator is None:
        raise ValueError(
            f"{name}: its first line does not name the columns {', '.join(wanted)}; write these names, parted by tab, "
            f"comma, semicolon or bar"
        )
    names = _split(lines[0][1], separator)
    places = [names.index(column) for column in wanted]
    return [(number, _cells(line, separator, names, places, f"{name}, line {number}")) for number, line in lines[1:]]


def _cells(line: str, separator: str, names: list[str], places: list[int], where: str) -> list[str]:
    cells = _split(line, separator)
    if len(cells) > len(names) and len(names) - 1 in places:
        cells = [*cells[: len(names) - 1], separator.join(cells[len(names) - 1 :]).strip()]
    if len(cells) != len(names):
        raise ValueError(
            f"{where}: {len(cells)} cells, expected {len(names)}; put quotes around cells with a separator"
        )
    return [cells[place].strip() for place in places]


def _split(line: str, separator: str) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=separator), [])
    except csv.Error:  # a cell that is no cell
        cells = []
    return [cells[0].strip(), *cells[1:]] if cells else []


def _text(path: Path, name: str) -> str:
    if not path.is_file():
        raise ValueError(f"{name}: there is no such file; put it there")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{name}: not text in UTF-8; save it as UTF-8") from None


def _numbered(text: str, name: str) -> Iterator[tuple[int, str]]:
    if "\0" in text:
        raise ValueError(f"{name}: not a text; expected a line of column names, then rows")
    return ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())
