"""What a token store says of its own content, in digests; knows nothing of Zarr.

A chunk that is gone reads as zeros, and a chunk of another shard or store passes its own checksum. So a store holds one
digest of what is written once (names, subjects, splits, tokenizer, attributes, the arrays' own descriptions) and, for
each shard, one digest of its rows in every array, which is bound to the store and to the shard's number.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SIZE = 16
"""Bytes of a shard's digest."""


def store_digest(attributes: dict[str, Any], fixed: dict[str, np.ndarray]) -> str:
    """Hex SHA-256 of what never changes in a store.

    attributes: without the digest itself · fixed: the arrays that are written once
    """
    digest = hashlib.sha256(json.dumps(attributes, sort_keys=True).encode())
    for name in sorted(fixed):
        digest.update(_content(name, fixed[name]))
    return digest.hexdigest()


def description_digest(folder: Path, names: list[str]) -> str:
    """Hex SHA-256 of the arrays' descriptions, however their JSON is laid out. Raises OSError or ValueError."""
    texts = {name: json.loads((folder / name / "zarr.json").read_text(encoding="utf-8")) for name in names}
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()


def shard_digest(store: str, name: str, shard: int, rows: np.ndarray) -> np.ndarray:
    """Digest (SIZE,) uint8 of one shard's rows in the array `name` of the store with digest `store`."""
    digest = hashlib.sha256(f"{store} {shard} ".encode())
    digest.update(_content(name, rows))
    return np.frombuffer(digest.digest()[:SIZE], np.uint8)


def _content(name: str, values: np.ndarray) -> bytes:
    plain = np.ascontiguousarray(values)
    digest = hashlib.sha256(f"{name} {plain.dtype.str} {plain.shape}".encode())
    digest.update(plain.reshape(-1).view(np.uint8))
    return digest.digest()


class CheckedRows:
    """One array of a store, read by rows as a NumPy array is; every shard it is read from is checked, as a whole.

    read: what returns the rows [first, stop) of whole shards, checked
    """

    def __init__(self, shape: tuple[int, ...], shard: int, read: Callable[[int, int], np.ndarray]):
        self.shape, self._shard, self._read = shape, shard, read

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> np.ndarray:
        """Rows by an index or a slice, and what is asked of the other axes."""
        first, *rest = key if isinstance(key, tuple) else (key,)
        every = range(len(self))
        rows = every[first] if isinstance(first, slice) else range(every[int(first)], every[int(first)] + 1)
        if not rows:
            return self._read(0, 0)[(slice(None), *rest)]
        begin = min(rows) // self._shard * self._shard
        stop = min(len(self), -(-(max(rows) + 1) // self._shard) * self._shard)
        block = self._read(begin, stop)
        if rows != range(begin, stop):
            block = block[np.asarray(rows) - begin]
        return block[(slice(None) if isinstance(first, slice) else 0, *rest)]
