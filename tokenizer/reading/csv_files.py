"""Text tables as recordings: a line of channel names, then one line per sample.

Comma, semicolon or tab, told apart by the first line; with semicolon or tab a decimal comma is understood. Only the
columns of electrodes are read. Lines before the names may begin with % or #.
"""

import csv
import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokenizer.channels import match
from tokenizer.reading.sizes import check_packed
from tokenizer.recording import MICROVOLTS, RecordingError, Segment, Source

NOTHING = ["", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "null", "NULL", "-"]
"""Cells without a number."""
MOST_COLUMNS, MOST_REMARKS = 10_000, 10_000
"""Columns, and lines before the names: a file that is no table may have millions."""
LONGEST_LINE = 1_000_000
"""Characters read in search of a line's end: a file that is no text may have none."""
PACKED = (b"\x1f\x8b", b"\x78\x01", b"\x78\x9c", b"\x78\xda", b"\x28\xb5\x2f\xfd")
"""First bytes of gzip, zlib and Zstandard."""
_NUMBER = re.compile(r"[-+]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class _Layout:
    names: list[str]
    separator: str
    skipped: int
    """Lines up to and with the one of the names."""
    decimal_comma: bool


def open_table(path: Path, rate: float | None, unit: str | None) -> Source:
    """Open a table whose sampling rate (Hz) and unit are stated; see `tokenizer.reading.formats.open_source`."""
    if rate is None or unit is None:
        raise RecordingError(
            path.name,
            f"a table does not say its {'sampling rate' if rate is None else 'unit'}; give "
            f"rate= in Hz and unit= as one of {', '.join(MICROVOLTS)}",
        )
    layout = _layout(path)
    columns = sorted(match(layout.names).picks.values())
    data = _numbers(path, layout, columns) if columns else np.zeros((0, 0), np.float32)
    data *= MICROVOLTS[unit]
    real = np.isfinite(data)
    # a sample is a gap if any of the columns that have numbers has none there: one clock drives all channels
    data[~real.any(1)] = 0  # a column without any number is a flat channel, not one long gap
    whole = real[real.any(1)].all(0) if real.any() else np.zeros(data.shape[1], bool)
    edges = np.flatnonzero(np.diff(np.r_[False, whole, False])).reshape(-1, 2)
    segments = [Segment(int(a), int(b - a), a / rate) for a, b in edges]
    notes = [f"{int((~whole).sum())} of {whole.size} samples are not numbers: left as gaps"] if not whole.all() else []
    rows = {column: row for row, column in enumerate(columns)}
    load = lambda c, first, n: data[rows[c], first : first + n]
    return Source(path.name, layout.names, [rate] * len(layout.names), load, lambda _: segments, None, notes)


def _layout(path: Path) -> _Layout:
    lines, skipped = _first_lines(path)
    separator = max("\t;,", key=lines[0].count)  # by the names alone: numbers may have decimal commas
    try:
        names = [name.strip() for name in next(csv.reader([lines[0]], delimiter=separator))]
    except (csv.Error, StopIteration):
        names = []
    if len(names) < 2 or "\0" in lines[0]:
        raise RecordingError(
            path.name, "its first line has no comma, semicolon or tab; expected a line of channel names (text, UTF-8)"
        )
    if len(names) > MOST_COLUMNS:
        raise RecordingError(path.name, f"its first line has {len(names):,} columns; expected a line of channel names")
    if all(_NUMBER.fullmatch(name) for name in names if name):
        raise RecordingError(
            path.name, "begins with a line of numbers; expected a line of channel names above them; add one"
        )
    return _Layout(names, separator, skipped, separator != "," and "," in lines[1])


def _first_lines(path: Path) -> tuple[list[str], int]:
    """The line of names and the one after it, and how many lines there are up to the first."""
    packed = path.suffix.lower() == ".gz"
    if packed:
        check_packed(path)
    elif _begins_packed(path):
        raise RecordingError(path.name, "is packed, though its name does not end in .gz; unpack it first")
    open_text = gzip.open if packed else open
    try:
        with open_text(path, "rt", encoding="utf-8-sig", errors="replace") as file:
            number, line = 1, file.readline(LONGEST_LINE)
            while line and number < MOST_REMARKS and (not line.strip() or line.lstrip()[0] in "%#"):
                number, line = number + 1, file.readline(LONGEST_LINE)
            return [line, file.readline(LONGEST_LINE)], number
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise RecordingError(path.name, "cannot be unpacked; copy the file again") from None


def _begins_packed(path: Path) -> bool:
    """Whether polars would unpack a file, whatever its name."""
    with path.open("rb") as file:
        return file.read(4).startswith(PACKED)


def _numbers(path: Path, layout: _Layout, columns: list[int]) -> NDArray[np.float32]:
    """(C, n): the given columns; NaN where a cell is empty."""
    import polars as pl

    try:
        table = pl.read_csv(
            path,
            separator=layout.separator,
            has_header=False,
            skip_rows=layout.skipped,
            columns=columns,
            schema={str(i): pl.Float32 if i in columns else pl.String for i in range(len(layout.names))},
            null_values=NOTHING,
            decimal_comma=layout.decimal_comma,
            encoding="utf8-lossy",
            truncate_ragged_lines=True,
        )
        return np.array(table.select(map(str, columns)).to_numpy().T, np.float32, order="C")
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError):  # polars' own words hold cells of the file
        raise RecordingError(
            path.name,
            f"something in the columns of electrodes is not a number; expected numbers separated by "
            f"{'tabs' if layout.separator == chr(9) else layout.separator}, empty or NA where there is none",
        ) from None
