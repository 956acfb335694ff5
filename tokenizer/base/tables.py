"""Parquet tables that carry a digest of their own bytes, so that a flipped bit is an error and not another number.

The pages that polars writes have no checksums. So the key "clef.digest" of a file's metadata holds the SHA-256 of
the whole file, in which the digest's own 64 characters count as zeros. It is compared before anything is read.
Files without the key, which other programs wrote, are read as they are.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from tokenizer.base import files
from tokenizer.base.files import check_format, write_aside

KEY = "clef.digest"
BLANK = b"0" * 64
_MARK = KEY.encode() + b"\x18\x40"
"""How the key ends in a Parquet footer (Thrift's compact form): the next field is a string of 64 bytes."""
_TAIL = 8
"""Bytes after the footer: its length (uint32) and the letters PAR1."""


def write_table(target: str | Path, frame: pl.DataFrame, metadata: dict[str, str] | None = None) -> None:
    """Write a polars frame as Parquet with string `metadata` and the digest, whole or not at all."""
    with write_aside(target) as aside:
        files.write_table(aside, frame, (metadata or {}) | {KEY: BLANK.decode()})
        place = _place(aside)
        assert place, "polars writes metadata as plain bytes"
        digest = _sealed_digest(aside, place)
        with aside.open("r+b") as handle:
            handle.seek(place)
            handle.write(digest.encode())


def read_table(path: str | Path, remedy: str = "write it again, or restore it from a copy") -> pl.DataFrame:
    """Read a Parquet file whose digest, if it has one, fits its bytes.

    Raises ValueError with one line, which ends in `remedy`, if it is damaged, was changed later or is something else.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file; {remedy}")
    stored = stored_digest(path, remedy)
    if stored is not None and stored != _sealed_digest(path, _place(path)):
        raise ValueError(
            f"{path}: its bytes are not those that were written: it is damaged, or another program changed it; {remedy}"
            f" (a change made on purpose: tokenizer.base.tables.seal(FILE) accepts the file as it is)"
        )
    return _read(path)


def table_metadata(path: str | Path) -> dict[str, str]:
    """The string metadata of a Parquet file, without its digest; ValueError with one line if it cannot be read."""
    try:
        metadata = files.table_metadata(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None
    return {name: value for name, value in metadata.items() if name != KEY}


def json_metadata(path: str | Path, key: str) -> dict[str, Any]:
    """The JSON object in one key of a table's metadata; empty if it has no such key. ValueError (one line) if not."""
    try:
        value = json.loads(table_metadata(path).get(key, "{}"))
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise ValueError(f"{path}: its metadata {key!r} are no JSON object; write it again")
    return value


def stored_digest(path: str | Path, remedy: str = "write it again, or copy it again") -> str | None:
    """The digest that a Parquet file says it has; None if it says none. Raises ValueError (one line) if it was cut."""
    place = _place(Path(path), remedy)
    if place is None:
        return None
    with Path(path).open("rb") as handle:
        handle.seek(place)
        return handle.read(len(BLANK)).decode("ascii", errors="replace")


def check_table(path: str | Path, stored: object, current: int) -> None:
    """Raise ValueError unless the table has format `current`, with a digest, or the one before, which had none."""
    plain = str(stored)
    check_format(path, plain if plain.isdecimal() and plain.isascii() else None, current)
    if int(plain) == current and stored_digest(path) is None:
        raise ValueError(
            f"{path}: format {current} has a digest of its bytes, this file has none: damaged, or another program "
            f"wrote it; write it again with clef-eeg, or tokenizer.base.tables.seal(FILE) accepts it as it is"
        )


def seal(path: str | Path) -> None:
    """Accept a Parquet file as it is: write it again, with its metadata and the digest that fits."""
    write_table(path, _read(Path(path)), table_metadata(path))


def _read(path: Path) -> pl.DataFrame:
    try:
        return files.read_table(path)
    except pl.exceptions.PanicException as error:  # polars' own mistakes over bytes that it does not expect
        raise _unreadable(path, error) from None


def _unreadable(path: str | Path, error: BaseException) -> ValueError:
    return ValueError(f"{path}: not a readable Parquet file ({' '.join(str(error).split())}); write it again")


def _place(path: Path, remedy: str = "") -> int | None:
    """The byte at which the digest's characters begin, None if there is none."""
    size = path.stat().st_size
    with path.open("rb") as handle:
        handle.seek(max(0, size - _TAIL))
        tail = handle.read()
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != b"PAR1" or length > size - _TAIL:
            raise ValueError(f"{path}: not a readable Parquet file (its end is missing); {remedy}")
        handle.seek(size - _TAIL - length)
        footer = handle.read(length)
    at = footer.rfind(_MARK)
    whole = at >= 0 and at + len(_MARK) + len(BLANK) <= length
    return size - _TAIL - length + at + len(_MARK) if whole else None


def _sealed_digest(path: Path, place: int) -> str:
    """SHA-256 of a file, in hex; the 64 bytes from `place` on count as zeros."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        _update(digest, handle, place)
        digest.update(BLANK)
        handle.seek(place + len(BLANK))
        _update(digest, handle, None)
    return digest.hexdigest()


def _update(digest: "hashlib._Hash", handle: BinaryIO, count: int | None) -> None:
    """Take in the next `count` bytes, or all."""
    done = 0
    while block := handle.read(2**20 if count is None else min(2**20, count - done)):
        digest.update(block)
        done += len(block)
