"""The check of sizes that a GDF, MATLAB or FIF file states against its length, before a library makes room for them.

A damaged count of events or a damaged dimension asks for gigabytes. GDF: A. Schlögl, arXiv cs/0608052, section 2.6;
MATLAB: "MAT-File Format", MathWorks, version 5 (EEGLAB's .set files); FIF: "Functional Image File Format", Elekta.
"""

import struct
import zlib
from collections.abc import Iterator
from math import prod
from pathlib import Path

from tokenizer.recording import RecordingError

_GDF_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 8, 8: 8, 16: 4, 17: 8}
"""Bytes of a sample by GDF's type."""
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _OBJECT, _OPAQUE = 1, 2, 3, 16
SPARE = 0.01
"""Share of a FIF file that may come after its last tag."""
DEEPEST, UNPACKED = 64, 64 * 2**20
"""Structs within structs, and bytes of a packed variable, that are looked at."""


def check_sizes(path: Path) -> None:
    """Raise RecordingError if a file says that something in it is longer than the file; other kinds are not read."""
    check = {".gdf": _gdf_fits, ".set": _mat_fits, ".fif": _fif_fits}.get(path.suffix.lower())
    try:
        fits = check is None or check(path)
    except (struct.error, zlib.error, LookupError, ValueError):
        fits = False
    if not fits:
        raise RecordingError(
            path.name, "is cut short or damaged: what it announces does not fit into it; copy or export it again"
        )


def _gdf_fits(path: Path) -> bool:
    with path.open("rb") as file:
        fixed = file.read(256)
        second = float(fixed[4:8]) >= 1.9
        header = 256 * struct.unpack_from("<H", fixed, 184)[0] if second else struct.unpack_from("<q", fixed, 184)[0]
        (records,), (count,) = struct.unpack_from("<q", fixed, 236), struct.unpack_from("<H", fixed, 252)
        each = file.read(256 * count)
        samples, types = (struct.unpack_from(f"<{count}i", each, at * count) for at in (216, 220))
        record = sum(n * _GDF_BYTES[kind] for n, kind in zip(samples, types, strict=True))
        size, events = path.stat().st_size, header + records * record
        if min(records, header, *samples) < 0 or events > size:
            return False
        file.seek(events)
        table = file.read(8)
    if len(table) < 8:
        return not table
    # an event has a position and a type; those of mode 3 have a channel and a duration, too
    listed = int.from_bytes(table[1:4] if second else table[4:8], "little")
    return events + 8 + listed * (12 if table[0] == 3 else 6) <= size


def _fif_fits(path: Path) -> bool:
    """Whether its tags lead from one to the next to the end of the file; MNE silently ends where one is damaged."""
    size, at, following = path.stat().st_size, 0, 0
    with path.open("rb") as file:
        while following != -1 and at + 16 <= size:
            file.seek(at)
            _, _, length, following = struct.unpack(">iiii", file.read(16))
            end = at + 16 + length
            if length < 0 or end > size or following < -1:
                return False
            if following > 0 and following <= at:
                return False  # it would go round and round
            at = following if following > 0 else end
    return size - at <= SPARE * size


def _mat_fits(path: Path) -> bool:
    data = memoryview(path.read_bytes())
    if not bytes(data[:20]).startswith(b"MATLAB 5.0"):
        return True  # version 4 or 7.3: others read these
    order = "<" if data[126:128] == b"IM" else ">"
    return all(_element_fits(data, *element, order, 0) for element in _elements(data, 128, len(data), order))


def _elements(data: memoryview, at: int, stop: int, order: str) -> Iterator[tuple[int, int, int]]:
    """(type, first byte, stop) of the elements one after another in a stretch of bytes; the stop may lie beyond it."""
    while at + 8 <= stop:
        kind, size = struct.unpack_from(f"{order}II", data, at)
        if kind >> 16:  # a small element: its size and its data stand in the tag
            yield kind & 0xFFFF, at + 4, at + 4 + (kind >> 16)
            at += 8
        else:
            yield kind, at + 8, at + 8 + size
            at += 8 + (size if kind == _COMPRESSED else -(-size // 8) * 8)  # all but packed ones are padded to 8


def _element_fits(data: memoryview, kind: int, first: int, stop: int, order: str, depth: int) -> bool:
    if stop > len(data) or depth > DEEPEST:
        return False
    if kind == _COMPRESSED:  # a bomb is not unpacked to its end: what fills the room passes
        unpacked = memoryview(zlib.decompressobj().decompress(data[first:stop], UNPACKED))
        return len(unpacked) == UNPACKED or all(
            _element_fits(unpacked, *element, order, depth + 1)
            for element in _elements(unpacked, 0, len(unpacked), order)
        )
    return kind != _MATRIX or first == stop or _matrix_fits(data[first:stop], order, depth)


def _matrix_fits(data: memoryview, order: str, depth: int) -> bool:
    """Flags, dimensions, a name, what the class has, then the numbers or one matrix per child."""
    parts = list(_elements(data, 0, len(data), order))
    (_, flags, _), (_, first, stop) = parts[:2]
    dims = struct.unpack(f"{order}{(stop - first) // 4}i", data[first:stop])
    kind, children, rest = data[flags + (0 if order == "<" else 3)], prod(dims), 3
    if kind >= _OPAQUE:
        return True
    if kind in (_STRUCT, _OBJECT):  # a matrix for every field of every element; the names are of one fixed length
        rest = 5 + (kind == _OBJECT)
        (_, at, _), (_, names, end) = parts[rest - 2 : rest]
        children *= (end - names) // max(1, struct.unpack_from(f"{order}i", data, at)[0])
    # a child takes at least a tag of 8 bytes: dimensions that ask for more children than fit are damaged
    if min(dims) < 0 or (kind in (_CELL, _STRUCT, _OBJECT) and 8 * children > len(data)):
        return False
    return all(_element_fits(data, *element, order, depth + 1) for element in parts[rest:])
