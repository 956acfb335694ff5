"""The token store `tokens.zarr` (Zarr v3): tokens of every session of a cohort, and the tokenizer that made them.

| array      | type   | shape        | meaning                                                            |
|------------|--------|--------------|--------------------------------------------------------------------|
| tokens     | uint16 | (n, R, W)    | codes; 0 where invalid                                             |
| valid      | f16    | (n, W)       | share of valid frames in each column; below 0.5 a token is invalid |
| channel_ok | bool   | (n, 19)      | channels that carried a signal                                     |
| status     | uint8  | (n,)         | 0 to do, 1 done, 2 refused                                         |
| reason     | uint8  | (n, 240)     | UTF-8, why a row was refused (names no file)                       |
| session_id | uint8  | (n, L)       | UTF-8                                                              |
| subject_id | int64  | (n,)         | as in sessions.parquet                                             |
| split      | uint8  | (n,)         | 0 train, 1 val, 2 test                                             |
| tokenizer  | uint8  | (bytes,)     | the tokenizer's safetensors file                                   |

Attributes: format, tokenizer (its configuration), fingerprint, and how recordings were read. Pre-sized;
shards of 256 rows, and one writer per shard: two writers in one shard silently lose rows. The file `.writers` holds no
data: who writes shard s has a lock on its byte s.
"""

import dataclasses
import errno
import json
import logging
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import polars as pl
import zarr

from tokenizer.base.files import check_format, fingerprint, write_aside
from tokenizer.sessions import SPLITS

if TYPE_CHECKING:
    from tokenizer.vqgan import VQGAN

log = logging.getLogger(__name__)

FORMAT = 1
SHARD = 256
TODO, DONE, REFUSED = 0, 1, 2
REASON_BYTES = 240


@dataclasses.dataclass(frozen=True)
class Tokens:
    """The done rows of a store, in memory: n sessions on an R x W grid.

    tokens (n, R, W) uint16 · valid (n, W) bool · session_id (n,) · subject_id (n,) int64 · split (n,) of str
    """

    tokens: np.ndarray
    valid: np.ndarray
    session_id: np.ndarray
    subject_id: np.ndarray
    split: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)

    def where(self, keep: np.ndarray) -> "Tokens":
        """The rows where the mask `keep` (n,) is true."""
        return Tokens(*(getattr(self, f.name)[keep] for f in dataclasses.fields(self)))


class TokenStore:
    """An existing token store. Raises ValueError with one line if the path is not one."""

    def __init__(self, path: str | Path, writable: bool = False):
        self.path = Path(path)
        if not (self.path / "zarr.json").is_file():
            raise ValueError(f"tokens={path}: there is no token store here; `python -m tokenizer.encode` writes one")
        try:
            self.group = zarr.open_group(self.path, mode="r+" if writable else "r")
            self.attributes = dict(self.group.attrs)
        except (ValueError, KeyError, json.JSONDecodeError) as error:
            raise ValueError(f"{self.path.name}: not a Zarr v3 group ({error}); encode the cohort again") from None
        check_format(self.path, self.attributes.get("format"), FORMAT)
        try:
            self.tokens, self.valid, self.channel_ok = (self.group[n] for n in ("tokens", "valid", "channel_ok"))
        except KeyError as error:
            raise ValueError(f"{self.path.name}: this store has no array {error}; encode the cohort again") from None
        self._claims: IO[bytes] | None = None

    @cached_property
    def session_id(self) -> np.ndarray:
        """Session names (n,) of all rows, done or not."""
        return _from_bytes(self.group["session_id"][:])

    @property
    def status(self) -> np.ndarray:
        """Status (n,) uint8 of each row: TODO, DONE or REFUSED."""
        return self.group["status"][:]

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
        reasons = _from_bytes(self.group["reason"][:][rows])
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
        split = np.array(SPLITS)[self.group["split"][:]]
        subject = self.group["subject_id"][:]
        return Tokens(self.tokens[:], self.valid[:] >= 0.5, self.session_id, subject, split).where(done)

    @cached_property
    def tokenizer(self) -> "VQGAN":
        """The tokenizer that made this store, rebuilt from the bytes inside it."""
        from safetensors.torch import load

        from tokenizer.vqgan import VQGAN

        return VQGAN.from_parts(dict(self.attributes["tokenizer"]), load(self.group["tokenizer"][:].tobytes()))

    @property
    def shard(self) -> int:
        """Rows of a shard."""
        return self.tokens.shards[0]

    def to_do(self) -> list[int]:
        """The shards that have rows still to be encoded."""
        return np.unique(np.flatnonzero(self.status == TODO) // self.shard).tolist()

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
        place = slice(shard * self.shard, shard * self.shard + len(rows["status"]))
        for name in ("tokens", "valid", "channel_ok", "reason", "status"):
            self.group[name][place] = rows[name]


def create_store(
    path: str | Path, sessions: pl.DataFrame, vqgan: "VQGAN", reading: dict[str, Any], shard: int = SHARD
) -> None:
    """Make an empty store for the rows of a session table, with the tokenizer inside; whole or not at all.

    `reading` says how recordings become spectrograms (filters, blanked bins), as plain values. A folder that is there
    by then, because another process was quicker, is left alone: OSError (ENOTEMPTY).
    """
    config, weights = vqgan.to_bytes()
    n, (rows, columns) = len(sessions), vqgan.grid
    with write_aside(path, replace=False) as aside:
        group = zarr.open_group(aside, mode="w", zarr_format=3)
        shapes = {
            "tokens": ((rows, columns), "uint16"),
            "valid": ((columns,), "float16"),
            "channel_ok": ((19,), "bool"),
            "status": ((), "uint8"),
            "reason": ((REASON_BYTES,), "uint8"),
        }
        for name, (tail, dtype) in shapes.items():
            group.create_array(
                name, shape=(n, *tail), dtype=dtype, chunks=(min(32, shard), *tail), shards=(shard, *tail), fill_value=0
            )
        group.create_array("session_id", data=_to_bytes(sessions["session_id"].to_list()))
        group.create_array("subject_id", data=sessions["subject_id"].to_numpy())
        split = sessions["split"].replace_strict({s: i for i, s in enumerate(SPLITS)}, return_dtype=pl.UInt8)
        group.create_array("split", data=split.to_numpy())
        group.create_array("tokenizer", data=np.frombuffer(weights, np.uint8))
        group.attrs.update(
            format=FORMAT, tokenizer=json.loads(config), fingerprint=fingerprint(config, weights), reading=reading
        )


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
