"""Every text in every file of a folder, unpacked where its format packs it, searched for planted words and dates."""

import json
import re
import struct
import zlib
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import zarr

from tests.planted import CORE, YEAR

CODINGS = ("latin-1", "utf-16-le", "utf-16-be")
MONTH = rb"(?:\d\d?|jan\w*|feb\w*|mar\w*|apr\w*|may|jun\w*|jul\w*|aug\w*|sep\w*|oct\w*|nov\w*|dec\w*)"
DATES = re.compile(
    rb"(?<![\d.])(?:Y[-./ ]M[-./ ]\d\d?|\d\d?[-./ ]+M[-./ ]+Y|M[-./ ]\d\d?[-./, ]+Y|Y\d{4}|\d{4}Y|\d\d[./-]\d\d[./-]S)"
    rb"(?![\d.]\d)".replace(b"Y", str(YEAR).encode())
    .replace(b"S", str(YEAR)[2:].encode())
    .replace(b"M", MONTH)
)
DIGESTS = re.compile(rb"(?=\d*[a-f])[\da-f]{16,}")  # of their many digits eight in a row can be a date by chance


def leaks(folder: Path, without: tuple[Path, ...] = (), core: str = CORE) -> list[str]:
    """Where `core`, and with CORE a birth date, stands under `folder`; files and folders in `without` are left out."""
    lines = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not {p, *p.parents} & set(without)):
        lines += [f"name of {path.relative_to(folder)}"] * bool(found_in(path.name.encode(), core))
        texts = list(texts_of(path))
        if path.name == "zarr.json":
            texts += [("array", data) for data in _arrays(path.parent)]
        for where, data in texts:
            lines += [f"{path.relative_to(folder)}, {where}: {words!r}" for words in found_in(data, core)]
    return lines


def found_in(data: bytes, core: str = CORE) -> list[bytes]:
    """The word `core`, and with CORE birth dates, in some bytes, with what surrounds them."""
    data = data.lower()
    words = [core.lower().encode(coding) for coding in CODINGS]
    places = [m.start() for word in words for m in re.finditer(re.escape(word), data)]
    found = [data[max(0, at - 20) : at + 40] for at in places]
    if core == CORE:
        plain = DIGESTS.sub(b"#", data)
        found += [plain[max(0, m.start() - 20) : m.end() + 20] for m in DATES.finditer(plain)]
    return found[:3]


def texts_of(path: Path) -> Iterator[tuple[str, bytes]]:
    """The parts of a file that can hold text."""
    data, kind = path.read_bytes(), path.suffix
    if kind == ".safetensors":
        length = struct.unpack("<Q", data[:8])[0]
        yield "header", data[8 : 8 + length]
        return
    yield "bytes", data
    if kind == ".parquet":
        yield "metadata", json.dumps(pl.read_parquet_metadata(path), ensure_ascii=False).encode()
        table = pl.read_parquet(path)
        yield "names", "\n".join(table.columns).encode()
        texts = [name for name, dtype in table.schema.items() if not isinstance(dtype, pl.Array)]
        yield "cells", table.select(texts).write_json().encode()
    if kind in (".html", ".svg"):
        for packed in re.findall(rb"base64,([A-Za-z0-9+/=]+)", data):
            yield "picture", b"\n".join(_chunks(b64decode(packed)))
    if kind == ".png":
        yield "chunks", b"\n".join(_chunks(data))


def _chunks(png: bytes) -> Iterator[bytes]:
    """The text chunks of a PNG picture, unpacked."""
    at = 8
    while at + 8 <= len(png):
        size, kind = struct.unpack(">I", png[at : at + 4])[0], png[at + 4 : at + 8]
        body = png[at + 8 : at + 8 + size]
        if kind in (b"tEXt", b"zTXt", b"iTXt", b"eXIf"):
            yield body
            for start in [m.start() for m in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", body)]:
                try:
                    yield zlib.decompress(body[start:])
                except zlib.error:
                    continue
        at += size + 12


def _arrays(group: Path) -> Iterator[bytes]:
    """The arrays of a Zarr group as the bytes they stand for, and its attributes."""
    opened = zarr.open(group, mode="r")
    yield json.dumps(dict(opened.attrs), ensure_ascii=False).encode()
    if isinstance(opened, zarr.Array) and opened.dtype == np.uint8 and group.name != "tokenizer":
        yield opened[:].tobytes()
