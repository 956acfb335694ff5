"""A table as people have it: text in whatever encoding, separator and with whatever above its header, as cells of text.

Encodings: UTF-8 and UTF-16 with or without a byte order mark, else Windows-1252. Separators: , ; tab and |. The header
is the line that names most columns that are known; what stands above it is passed over. What was taken for what stands
in `Table.notes`. What is no table is refused with one line; cells are never quoted in it, since they may hold names.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

SEPARATORS = {";": "semicolons", ",": "commas", "\t": "tabs", "|": "bars"}
TITLE_LINES = 20
"""Lines in which the header must stand."""
WIDEST = 1 << 22
"""Characters of the longest cell: a report fits, a quote that is never closed does not swallow the disk."""
PACKED = {
    b"PK\x03\x04": "an Excel or OpenDocument file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"\x1f\x8b": "packed (gzip)",
    b"%PDF": "a PDF",
}
MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}

Record = tuple[int, list[str]]
"""Number of a line and its cells."""


@dataclass
class Table:
    """A table of text.

    columns: names as written, those without a name left out · rows: as many cells each, "" where there is none
    lines: the line of the file on which each row starts · notes: what was taken for what
    """

    name: str
    columns: list[str]
    rows: list[list[str]]
    lines: list[int]
    notes: list[str] = field(default_factory=list)


def plain(name: str) -> str:
    """The letters and digits of a column's name in small letters: Patienten-ID and patienten_id are one."""
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFC", name).casefold())


def read_table(path: Path, known: Collection[str]) -> Table:
    """Read a table; `known` are plain names (`plain`) of columns, by which its header and its separator are told.

    Raises ValueError with one line if the file is no table, or if none of its first lines has a known name.
    """
    text, notes = decode(path.read_bytes(), path.name)
    if match := re.match(r"sep=(.)\r?\n", text, re.IGNORECASE):  # Excel's own line
        text = "\n" + text[match.end() :]
    starts = [Reading(text, separator, TITLE_LINES) for separator in SEPARATORS]
    best = Reading(text, max(starts, key=lambda reading: reading.header(known)[:2]).separator)
    names, _, at = best.header(known)
    if not names or best.broken:
        raise ValueError(f"{path.name}: {_why_not(best, names)}")
    table, separator = _table(path.name, best.records, at), best.separator
    used = [] if separator == "," else [f"cells parted by {SEPARATORS[separator]}"]
    above = [f"{at} lines above the column names passed over"] if at else []
    table.notes = [*notes, *used, *above, *table.notes]
    return table


def decode(data: bytes, name: str) -> tuple[str, list[str]]:
    """The text of a file, and which encoding it was taken for if not UTF-8. Raises ValueError if it is no text."""
    if kind := next((kind for start, kind in PACKED.items() if data.startswith(start)), None):
        raise ValueError(f"{name}: {kind}, not a text; save the table as CSV (UTF-8) and give that")
    mark, encoding = next(((m, e) for m, e in MARKS.items() if data.startswith(m)), (b"", _without_mark(data)))
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError:
        raise ValueError(f"{name}: not text in {encoding.upper()}, as its first bytes say; save it as UTF-8") from None
    if "\0" in text:
        raise ValueError(f"{name}: not a text; expected a CSV: a line of column names, then lines of cells")
    remarks = {"utf-8": [], "cp1252": ["not in UTF-8: read as Windows-1252 (Western European)"]}
    return text, remarks.get(encoding, [f"read as {encoding.upper()}"])


def _without_mark(data: bytes) -> str:
    """The encoding of bytes without a byte order mark."""
    head = data[:4096]
    if len(head) > 3 and head[1::2].count(0) > 0.6 * len(head[1::2]):  # mostly Latin letters: every second byte is 0
        return "utf-16-le"
    if len(head) > 3 and head[::2].count(0) > 0.6 * len(head[::2]):
        return "utf-16-be"
    for encoding in ("utf-8", "cp1252"):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


class Reading:
    """A text, or its first `most` lines, read with one separator: the lines that are not empty, as cells."""

    def __init__(self, text: str, separator: str, most: int | None = None):
        self.separator = separator
        self.records: list[Record] = []
        self.broken: int | None = None
        """The line on which the quotes no longer fit."""
        csv.field_size_limit(WIDEST)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True)
        start = 1
        try:
            for cells in reader:
                cells = [cell.strip() for cell in cells]
                if any(cells):
                    self.records.append((start, cells))
                start = reader.line_num + 1
                if len(self.records) == most:
                    break
        except csv.Error:
            self.broken = start

    def header(self, known: Collection[str]) -> tuple[int, int, int]:
        """Of the line with the most known names: their number, its cells, and which record it is."""
        records = enumerate(self.records[:TITLE_LINES])
        lines = [(len({plain(cell) for cell in cells} & set(known)), len(cells), i) for i, (_, cells) in records]
        return max(lines, key=lambda line: line[0], default=(0, 0, 0))


def _why_not(reading: Reading, names: int) -> str:
    if reading.broken:
        return (
            f"not a CSV; on line {reading.broken} the quotes around cells do not come in pairs; expected a line of "
            f"column names, then lines of cells, quotes inside of cells doubled"
        )
    if not reading.records:
        return "is empty; expected a line of column names, then lines with as many cells"
    assert not names
    return "no line names the columns; expected columns file and subject among the names in its first line"


def _table(name: str, records: list[Record], at: int) -> Table:
    """The lines below the header as rows of its width."""
    header, body = records[at][1], records[at + 1 :]
    while (
        header and not header[-1] and all(len(cells) < len(header) or not cells[len(header) - 1] for _, cells in body)
    ):
        header = header[:-1]  # separators at the end of each line
    rows = []
    for line, cells in body:
        if any(cells[len(header) :]):
            raise ValueError(
                f"{name}: line {line} has {len(cells)} cells under {len(header)} columns; a cell with the separator in "
                f"it (45,5) needs double quotes around it, and each cell a column"
            )
        rows.append((cells + [""] * len(header))[: len(header)])
    short = sum(len(cells) < len(header) for _, cells in body)
    nameless = [i for i, column in enumerate(header) if not column and any(row[i] for row in rows)]
    notes = [f"{short} lines end before the last column: empty there"] if short else []
    notes += [f"{len(nameless)} columns without a name not read"] if nameless else []
    named = [i for i, column in enumerate(header) if column]
    return Table(
        name, [header[i] for i in named], [[row[i] for i in named] for row in rows], [line for line, _ in body], notes
    )
