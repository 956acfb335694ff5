"""The check of sizes that a GDF, MATLAB or FIF file states against its length, before a library makes room for them.

A damaged count of events or a damaged dimension asks for gigabytes, and so does a small file that unpacks to them.
GDF: A. Schlögl, arXiv cs/0608052, section 2.6; MATLAB: "MAT-File Format", MathWorks, version 5 (EEGLAB's .set files);
FIF: "Functional Image File Format", Elekta.
"""

import gzip
import struct
import zlib
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tokenizer.reading.paths import part_beside
from tokenizer.recording import RecordingError

_GDF_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 8, 8: 8, 16: 4, 17: 8}
"""Bytes of a sample by GDF's type."""
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _OBJECT, _OPAQUE = 1, 2, 3, 16
SPARE = 0.01
"""Share of a FIF file that may come after its last tag."""
DEEPEST, UNPACKED = 64, 64 * 2**20
"""Structs within structs, and bytes of a packed variable, that are looked at."""
MOST_ELEMENTS = 500_000
"""Elements of a MATLAB file one after another: all fields of 20,000 events are half as many."""
MOST_UNPACKED = 2**30
"""Bytes a packed file may have: 20 minutes of 64 channels at 1 kHz, 13 characters a number, or 7 h of 20 at 256 Hz."""
TOO_LONG = f"unpacks to more than {MOST_UNPACKED / 2**30:g} GB, which 20 minutes of EEG do not have"
MOST_RATIO = 1032
"""Bytes that one packed byte can become at most (zlib, "Technical Details")."""
MOST_TAGS, MOST_SPLITS = 500_000, 1000
"""Tags of a FIF file, five a second of a day, and files into which one recording is split."""
_FIRST, _LIST, _BLOCK, _BLOCK_END, _ROLE, _NUMBER, _NAME = 100, 102, 104, 105, 115, 117, 118
_REFERENCE, _NEXT = 118, 2
"""Kinds of FIF tags; the block that names another file, and the role of the one that follows."""


def check_sizes(path: Path) -> None:
    """Raise RecordingError if a file says that something in it is longer than the file; other kinds are not read."""
    checks = {".gdf": _gdf_fits, ".set": _mat_fits, ".mat": _mat_fits, ".fif": _fif_fits, ".fif.gz": _fif_fits}
    check = next((check for suffix, check in checks.items() if path.name.lower().endswith(suffix)), None)
    try:
        fits = check is None or check(path)
    except (struct.error, zlib.error, gzip.BadGzipFile, EOFError, LookupError, ValueError) as error:
        if isinstance(error, RecordingError):
            raise
        fits = False
    if not fits:
        raise RecordingError(
            path.name, "is cut short or damaged: what it announces does not fit into it; copy or export it again"
        )


def check_packed(path: Path) -> None:
    """Raise RecordingError if a .gz file unpacks to more than `MOST_UNPACKED` bytes, or not at all."""
    try:
        if path.stat().st_size * MOST_RATIO > MOST_UNPACKED:
            unpacked_size(path)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise RecordingError(path.name, "cannot be unpacked; copy the file again") from None


def unpacked_size(path: Path) -> int:
    """Bytes that a .gz file becomes; raises RecordingError if there are more than `MOST_UNPACKED`.

    Raises what gzip raises if it cannot be unpacked.
    """
    size = 0
    with gzip.open(path, "rb") as file:
        while piece := file.read(2**20):  # counted and thrown away: the size that the file states is not to be trusted
            size += len(piece)
            if size > MOST_UNPACKED:
                raise RecordingError(path.name, f"{TOO_LONG}; unpack it first, if it is what it should be")
    return size


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
    """Whether all files of a recording are whole; each names the one that follows it, and MNE follows them round."""
    followed: set[Path] = set()
    following: Path | None = path
    while following and following.is_file():
        if following.resolve() in followed or len(followed) == MOST_SPLITS:
            return False
        followed.add(following.resolve())
        packed = following.suffix.lower() == ".gz"
        size = unpacked_size(following) if packed else following.stat().st_size
        with gzip.open(following, "rb") if packed else following.open("rb") as file:
            fits, name = _fif_tags(file, size, following.name)
        if not fits:
            return False
        following = part_beside(following, name) if name else None
    return True


def _fif_tags(file: BinaryIO, size: int, own_name: str) -> tuple[bool, str]:
    """Whether tags lead from one to the next to the end of the file, where MNE silently ends at a damaged one, and the
    name of the file that follows it, if there is one."""
    at, following, tags, name, role = 0, 0, 0, "", _NEXT
    inside = False
    while following != -1 and at + 16 <= size:
        file.seek(at)
        kind, _, length, following = struct.unpack(">iiii", file.read(16))
        end = at + 16 + length
        tags += 1
        if length < 0 or end > size or following < -1 or tags > MOST_TAGS or (at == 0 and kind != _FIRST):
            return False, ""
        if kind == _LIST and length > 16 * MOST_TAGS:
            return False, ""
        if following > 0 and following <= at:
            return False, ""  # it would go round and round
        content = file.read(length) if length <= 1024 and kind in (_BLOCK, _BLOCK_END, _ROLE, _NUMBER, _NAME) else b""
        number = int.from_bytes(content[:4], "big")
        if kind in (_BLOCK, _BLOCK_END) and number == _REFERENCE:
            inside, role = kind == _BLOCK, _NEXT
        elif inside and kind == _ROLE:
            role = number
        elif inside and role == _NEXT and not name and kind in (_NAME, _NUMBER):
            name = content.decode("latin-1") if kind == _NAME else _numbered(own_name, number)
        at = following if following > 0 else end
    return size - at <= SPARE * size, name


def _numbered(name: str, number: int) -> str:
    """The name of part `number` of a split FIF file that is called `name`: rest_raw.fif, rest_raw-1.fif, …"""
    stem, dot, ending = name.partition(".")
    first, dash, last = stem.rpartition("-")
    return f"{first if dash and last.isdigit() else stem}-{number}{dot}{ending}"


def _mat_fits(path: Path) -> bool:
    data = memoryview(np.memmap(path, np.uint8, "r"))
    if not bytes(data[:20]).startswith(b"MATLAB 5.0"):
        return True  # version 4 or 7.3: others read these
    order = "<" if data[126:128] == b"IM" else ">"
    elements = list(_elements(data, 128, len(data), order))
    _check_unpacked(path, data, elements)
    return all(_element_fits(data, *element, order, 0) for element in elements)


def _check_unpacked(path: Path, data: memoryview, elements: list[tuple[int, int, int]]) -> None:
    """Raise RecordingError if the packed variables of a MATLAB file become more than `MOST_UNPACKED` bytes."""
    if MOST_RATIO * len(data) <= MOST_UNPACKED:
        return
    size = 0
    for _, first, stop in (element for element in elements if element[0] == _COMPRESSED):
        unpacker = zlib.decompressobj()
        for at in range(first, min(stop, len(data)), 2**16):
            rest = bytes(data[at : min(stop, at + 2**16)])
            while rest:
                size += len(unpacker.decompress(rest, 2**20))
                rest = unpacker.unconsumed_tail
                if size > MOST_UNPACKED:
                    raise RecordingError(path.name, f"{TOO_LONG}; save it again without compression")


def _elements(data: memoryview, at: int, stop: int, order: str) -> Iterator[tuple[int, int, int]]:
    """(type, first byte, stop) of the elements one after another in a stretch of bytes; the stop may lie beyond it."""
    count = 0
    while at + 8 <= stop:
        if (count := count + 1) > MOST_ELEMENTS:
            raise ValueError("more elements than a recording has")
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
