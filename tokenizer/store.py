"""The token store `tokens.zarr` (Zarr v3): tokens of every session of a cohort, and the tokenizer that made them.

| array      | type   | shape        | meaning                                                            |
|------------|--------|--------------|--------------------------------------------------------------------|
| tokens     | uint16 | (n, R, W)    | codes; 0 where invalid                                             |
| valid      | f16    | (n, W)       | share of valid frames in each column; below 0.5 a token is invalid |
| channel_ok | bool   | (n, 19)      | channels that carried a signal                                     |
| level      | f32    | (n,)         | of the session in dB (tokenizer.level); NaN if nothing is valid    |
| status     | uint8  | (n,)         | 0 to do, 1 done, 2 refused                                         |
| reason     | uint8  | (n, 240)     | UTF-8, why a row was refused (names no file)                       |
| session_id | uint8  | (n, L)       | UTF-8                                                              |
| subject_id | int64  | (n,)         | as in sessions.parquet                                             |
| split      | uint8  | (n,)         | 0 train, 1 val, 2 test                                             |
| tokenizer  | uint8  | (bytes,)     | the tokenizer's safetensors file                                   |
| digest     | uint8  | (s, 6, 16)   | of each shard's rows in the arrays of `ROWS` (tokenizer.digests)   |

Attributes: format, tokenizer (its configuration), fingerprint, how recordings were read, and digests of what is
written once: names, subjects, splits, tokenizer and attributes. Every chunk has a CRC-32C; digests find what checksums
cannot: a file that is gone, which Zarr reads as zeros, or that belongs elsewhere. Stores of format 2 have no level.

Pre-sized; shards of 256 rows, and one writer per shard: two writers in one shard silently lose rows. The file
`.writers` holds no data: who writes shard s has a lock on its byte s.
"""

import contextlib
import dataclasses
import errno
import json
import logging
import shutil
from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import polars as pl
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec

from tokenizer.base.files import check_format, fingerprint, write_aside
from tokenizer.digests import SIZE, CheckedRows, description_digest, shard_digest, store_digest
from tokenizer.sessions import SPLITS

if TYPE_CHECKING:
    from tokenizer.vqgan import VQGAN

log = logging.getLogger(__name__)

FORMAT = 3
SHARD = 256
ROWS = ("tokens", "valid", "channel_ok", "level", "reason", "status")
"""Arrays that are written shard by shard, in this order: status last, so that a shard that was cut off is to do."""
FIXED = ("session_id", "subject_id", "split", "tokenizer")
"""Arrays that are written once."""
NEW_STORE = "remove it and encode the cohort again (`python -m tokenizer.encode`)"
NEW_SHARD = "run the same `python -m tokenizer.encode` command again: damaged shards are encoded anew"
TODO, DONE, REFUSED = 0, 1, 2
REASON_BYTES = 240
CODECS = (ZstdCodec(level=0), Crc32cCodec())


@dataclasses.dataclass(frozen=True)
class Tokens:
    """The done rows of a store, in memory: n sessions on an R x W grid.

    tokens (n, R, W) uint16 · valid (n, W) bool · session_id (n,) · subject_id (n,) int64 · split (n,) of str
    level (n,) float32 dB, NaN where unknown · channel_ok (n, 19) bool, electrodes that carried a signal
    """

    tokens: np.ndarray
    valid: np.ndarray
    session_id: np.ndarray
    subject_id: np.ndarray
    split: np.ndarray
    level: np.ndarray
    channel_ok: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)

    def where(self, keep: np.ndarray) -> "Tokens":
        """The rows where the mask `keep` (n,) is true; this very object if it is true everywhere."""
        if keep.dtype == bool and keep.all():
            return self
        return Tokens(*(getattr(self, f.name)[keep] for f in dataclasses.fields(self)))


class TokenStore:
    """An existing token store. Raises ValueError with one line if the path is not one."""

    def __init__(self, path: str | Path, writable: bool = False):
        self.path = Path(path)
        if not (self.path / "zarr.json").is_file():
            raise ValueError(f"tokens={path}: there is no token store here; `python -m tokenizer.encode` writes one")
        self.attributes = self._read_attributes()
        stored = self.attributes.get("format")
        check_format(self.path, stored if isinstance(stored, int) else None, FORMAT)
        self._written = tuple(name for name in ROWS if stored == FORMAT or name != "level")
        self._digest = str(self.attributes.get("digest"))
        names = [*self._written, *FIXED, "digest"]
        self._check_descriptions(names)
        with self._one_line("its arrays", NEW_STORE):
            self.group = zarr.open_group(self.path, mode="r+" if writable else "r", use_consolidated=False)
            self._arrays: dict[str, Any] = {name: self.group[name] for name in names}
            self.shard: int = self._arrays["tokens"].shards[0]
        self._check_digest()
        rows = {n: CheckedRows(self._arrays[n].shape, self.shard, partial(self._read, n)) for n in self._written}
        self.tokens, self.valid, self.channel_ok = (rows[name] for name in ("tokens", "valid", "channel_ok"))
        self._level, self._reason, self._status = rows.get("level"), rows["reason"], rows["status"]
        self._whole: set[tuple[str, int]] = set()
        self._said: set[int] = set()
        self._claims: IO[bytes] | None = None

    @cached_property
    def session_id(self) -> np.ndarray:
        """Session names (n,) of all rows, done or not."""
        with self._one_line("session_id", NEW_STORE):
            return _from_bytes(self._arrays["session_id"][:])

    @property
    def status(self) -> np.ndarray:
        """Status (n,) uint8 of each row: TODO, DONE or REFUSED."""
        return self._status[:]

    @property
    def level(self) -> np.ndarray:
        """Level (n,) float32 of each session in dB; NaN if it was refused, and in stores from before format 3."""
        level = np.full(len(self.tokens), np.nan, np.float32) if self._level is None else self._level[:]
        return np.where(self.status == DONE, level, np.float32(np.nan))

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the tokenizer that made these tokens."""
        return self.attributes["fingerprint"]

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of a session, e.g. (16, 128)."""
        return self.tokens.shape[1:]

    def refused(self) -> dict[str, str]:
        """Why sessions were refused: session_id -> reason."""
        rows = np.flatnonzero(self.status == REFUSED)
        with self._one_line("reason", NEW_SHARD):
            reasons = _from_bytes(self._reason[:][rows])
        return dict(zip(self.session_id[rows].tolist(), reasons.tolist(), strict=True))

    def load(self) -> Tokens:
        """All done rows in memory (260,000 sessions are 1 GB). Raises ValueError if rows are still to be encoded."""
        status = self.status
        if unfinished := int((status == TODO).sum()):
            raise ValueError(
                f"{self.path.name}: {unfinished} of {len(status)} sessions are not encoded yet; "
                f"run the same `python -m tokenizer.encode` command again to finish"
            )
        done = status == DONE
        with self._one_line("split or subject_id", NEW_STORE):
            split = np.array(SPLITS)[self._arrays["split"][:]]
            subject = self._arrays["subject_id"][:]
        whole = self.tokens[:], self.valid[:] >= 0.5, self.session_id, subject, split, self.level, self.channel_ok[:]
        return Tokens(*whole).where(done)

    @cached_property
    def tokenizer(self) -> "VQGAN":
        """The tokenizer that made this store, rebuilt from the bytes inside it."""
        from safetensors.torch import load

        from tokenizer.vqgan import VQGAN

        with self._one_line("tokenizer", NEW_STORE):
            return VQGAN.from_parts(dict(self.attributes["tokenizer"]), load(self._arrays["tokenizer"][:].tobytes()))

    def to_do(self) -> list[int]:
        """The shards that have rows still to be encoded, or that are damaged."""
        return [shard for shard in range(-(-len(self.tokens) // self.shard)) if not self.is_whole(shard)]

    def is_whole(self, shard: int) -> bool:
        """Whether every row of a shard is done or refused, and what the store holds of them is what was written."""
        begin = shard * self.shard
        try:
            if (self._status[begin : begin + self.shard] == TODO).any():
                return False
            for name in self._written:
                if (name, shard) not in self._whole:
                    self._read(name, begin, min(begin + self.shard, len(self.tokens)))
        except ValueError:
            if shard not in self._said:
                log.warning(
                    "%s: shard %d of %d rows is damaged: to be encoded again", *(self.path.name, shard, self.shard)
                )
            self._said.add(shard)
            return False
        return True

    def claim(self, shards: list[int]) -> bool:
        """Keep all other processes, on any machine, from these shards until this one ends; False if one has a shard.

        Record locks (fcntl(2)): the system frees them however their holder ends, and network file systems know them. A
        second call lets go of what the first had got.
        """
        import fcntl

        self._claims = (self.path / ".writers").open("ab")  # stays open: to close it would free the locks
        try:
            for shard in shards:
                # byte `shard` of an empty file: record locks reach beyond its end, and others lock other bytes.
                # It does not wait: who has the shard may be busy for hours
                fcntl.lockf(self._claims, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, shard)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):  # somebody has it; which of the two is the system's choice
                self._claims.close()
                return False
            log.warning(
                "%s: no locks on this file system (%s); see to it that one `tokenizer.encode` alone writes this store",
                *(self.path.name, error.strerror),
            )
        return True

    def write_shard(self, shard: int, rows: dict[str, np.ndarray]) -> None:
        """Write the rows of one shard; their status comes last, so a shard that was cut off is encoded again."""
        self._forget(shard)
        place = slice(shard * self.shard, shard * self.shard + len(rows["status"]))
        digests = np.zeros((len(self._written), SIZE), np.uint8)
        for i, name in enumerate(self._written):
            content = np.asarray(rows[name], self._arrays[name].dtype)
            digests[i] = shard_digest(self._digest, name, shard, content)
            if name == "status":
                self._arrays["digest"][shard] = digests
            self._arrays[name][place] = content

    # ---- what is not as it was written
    def _read_attributes(self) -> dict[str, Any]:
        try:
            group = json.loads((self.path / "zarr.json").read_text(encoding="utf-8"))
            good = group["zarr_format"] == 3 and group["node_type"] == "group" and isinstance(group["attributes"], dict)
        except (ValueError, KeyError, TypeError):
            good = False
        if not good:
            raise ValueError(f"{self.path.name}: not a Zarr v3 group with attributes; {NEW_STORE}")
        return group["attributes"]

    def _check_descriptions(self, names: list[str]) -> None:
        """Before Zarr believes them: a damaged one may ask for any memory, or read bytes as another type."""
        for name in names:
            if not (self.path / name / "zarr.json").is_file():
                raise ValueError(f"{self.path.name}: this store has no array {name!r}; {NEW_STORE}")
        kinds = {"fingerprint": str, "tokenizer": dict, "reading": dict}
        good = all(isinstance(self.attributes.get(name), kind) for name, kind in kinds.items())
        if good:
            with self._one_line("what its arrays are", NEW_STORE):
                good = self.attributes.get("descriptions") == description_digest(self.path, names)
        if not good:
            raise ValueError(f"{self.path.name}: its attributes or the types of its arrays were changed; {NEW_STORE}")

    def _check_digest(self) -> None:
        with self._one_line("its names, subjects, splits or tokenizer", NEW_STORE):
            fixed = {name: self._arrays[name][:] for name in FIXED}
        attributes = {name: value for name, value in self.attributes.items() if name != "digest"}
        if self._digest != store_digest(attributes, fixed):
            raise ValueError(
                f"{self.path.name}: its names, subjects, splits, tokenizer or attributes are not those that were "
                f"written; {NEW_STORE}"
            )

    def _read(self, name: str, begin: int, stop: int) -> np.ndarray:
        """Rows [begin, stop) of whole shards. Raises ValueError (one line) if one is not what was written."""
        with self._one_line(name, NEW_SHARD):
            block = np.asarray(self._arrays[name][begin:stop])
            if stop > begin:
                self._check_shards(name, begin // self.shard, block)
        return block

    def _check_shards(self, name: str, first: int, block: np.ndarray) -> None:
        """Raise ValueError unless each shard that is written, from `first` on, has the rows that were written."""
        shards = range(first, first - (-len(block) // self.shard))
        if name != "status" and all((name, shard) in self._whole for shard in shards):
            return
        digests = self._arrays["digest"][first : shards.stop, self._written.index(name)]
        for i, shard in enumerate(shards):
            rows = slice(i * self.shard, (i + 1) * self.shard)
            if (block[rows] == TODO).all() if name == "status" else not digests[i].any():
                continue  # not written yet: nothing is promised. A digest that is gone is missed with the status
            if (digests[i] != shard_digest(self._digest, name, shard, block[rows])).any():
                raise ValueError(f"shard {shard} is gone, or is not what was written")
            self._whole.add((name, shard))

    def _forget(self, shard: int) -> None:
        """Remove what there is of a shard, its status first: Zarr would read it to write a part of it."""
        for name in [*reversed(self._written), "digest"]:
            chunk = self.path / name / "c" / str(shard)
            if chunk.is_dir():
                shutil.rmtree(chunk)
            else:
                chunk.unlink(missing_ok=True)
            self._whole.discard((name, shard))

    @contextlib.contextmanager
    def _one_line(self, what: str, remedy: str) -> Iterator[None]:
        """Turn whatever Zarr and its codecs raise over damaged bytes into one line that says what to do."""
        try:
            yield
        except (MemoryError, PermissionError):  # nothing wrong with the store
            raise
        except Exception as error:
            why = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
            why = " ".join(why.split())[:200]
            raise ValueError(f"{self.path.name}: {what} is damaged or incomplete ({why}); {remedy}") from None


def create_store(
    path: str | Path, sessions: pl.DataFrame, vqgan: "VQGAN", reading: dict[str, Any], shard: int = SHARD
) -> None:
    """Make an empty store for the rows of a session table, with the tokenizer inside; whole or not at all.

    `reading` says how recordings become spectrograms (filters, blanked bins), as plain values. A folder that is there
    by then, because another process was quicker, is left alone: OSError (ENOTEMPTY).
    """
    config, weights = vqgan.to_bytes()
    n, (rows, columns) = len(sessions), vqgan.grid
    split = sessions["split"].replace_strict({s: i for i, s in enumerate(SPLITS)}, return_dtype=pl.UInt8)
    fixed = {
        "session_id": _to_bytes(sessions["session_id"].to_list()),
        "subject_id": sessions["subject_id"].to_numpy(),
        "split": split.to_numpy(),
        "tokenizer": np.frombuffer(weights, np.uint8),
    }
    about = {"format": FORMAT, "tokenizer": json.loads(config), "fingerprint": fingerprint(config, weights)}
    with write_aside(path, replace=False) as aside:
        group = zarr.open_group(aside, mode="w", zarr_format=3)
        _create_rows(group, n, (rows, columns), shard)
        for name in FIXED:
            group.create_array(name, data=fixed[name], compressors=CODECS)
        names = [*ROWS, *FIXED, "digest"]
        about |= {"reading": json.loads(json.dumps(reading)), "descriptions": description_digest(aside, names)}
        group.attrs.update(about | {"digest": store_digest(about, fixed)})


def _create_rows(group: zarr.Group, n: int, grid: tuple[int, int], shard: int) -> None:
    """The empty arrays that are written shard by shard, and their digests."""
    shapes = {
        "tokens": (grid, "uint16"),
        "valid": (grid[1:], "float16"),
        "channel_ok": ((19,), "bool"),
        "level": ((), "float32"),
        "reason": ((REASON_BYTES,), "uint8"),
        "status": ((), "uint8"),
    }
    common = {"fill_value": 0, "compressors": CODECS}
    for name, (tail, dtype) in shapes.items():
        chunks, shards = (min(32, shard), *tail), (shard, *tail)
        group.create_array(name, shape=(n, *tail), dtype=dtype, chunks=chunks, shards=shards, **common)
    tail = (len(ROWS), SIZE)
    group.create_array("digest", shape=(-(-n // shard), *tail), dtype="uint8", chunks=(1, *tail), **common)


def text_bytes(text: str, length: int) -> np.ndarray:
    """UTF-8 bytes of `text` cut and zero-filled to `length`: (length,) uint8."""
    data = text.encode()[:length]
    data = data.decode(errors="ignore").encode()  # never half a character
    return np.frombuffer(data.ljust(length, b"\0"), np.uint8)


def _to_bytes(texts: list[str]) -> np.ndarray:
    length = max((len(t.encode()) for t in texts), default=1)
    return np.stack([text_bytes(t, length) for t in texts])


def _from_bytes(rows: np.ndarray) -> np.ndarray:
    return np.array([row.tobytes().rstrip(b"\0").decode() for row in rows], dtype=object)
