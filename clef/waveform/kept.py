"""The windows of a cohort's sessions in one file, cut once, so that training reads neither recordings nor tables.

    COHORT/windows/<what they are>/index.parquet     session_id, why it has none or null, first window, how many
                                   signal.f16        windows (N, C, S) float16, one session after the other

Windows are in the units of a network, a few at most, where half precision is 2^-11 of a value. A stopped run goes on
after the last session of the index; 5 minutes of 20 channels at 100 Hz are 1.2 MB, so 260,000 sessions of 20 minutes
would be 1.2 TB. They are as confidential as the recordings, and may be deleted at any time.
"""

import dataclasses
import json
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from clef.waveform.standard import Standardised
from tokenizer.base import ranks
from tokenizer.base.files import fingerprint
from tokenizer.base.progress import track
from tokenizer.base.tables import read_table, table_metadata, write_table
from tokenizer.reading.many import read_many
from tokenizer.reading.read import ReadingConfig, row_jobs
from tokenizer.recording import RecordingError

log = logging.getLogger(__name__)
FOLDER, INDEX, SIGNAL = "windows", "index.parquet", "signal.f16"
SAVE_EVERY = 64
Windows = np.ndarray | RecordingError
"""Windows of a session (n, C, S), or why it has none."""
SCHEMA = {"session_id": pl.String, "refused": pl.String, "first": pl.Int64, "count": pl.Int64}


@dataclasses.dataclass
class KeptWindows:
    """Windows (N, C, S) float16 of n sessions, and where each one's are.

    session_id, split: (n,) str · subject_id: (n,) int64 · first, count: (n,) int64
    """

    signal: np.ndarray
    session_id: np.ndarray
    subject_id: np.ndarray
    split: np.ndarray
    first: np.ndarray
    count: np.ndarray

    def __len__(self) -> int:
        return len(self.session_id)

    def some(self, row: int, which: Sequence[int]) -> np.ndarray:
        """Windows (k, C, S) float32 of a session, by their number in it."""
        return self.signal[self.first[row] + np.asarray(which)].astype(np.float32)


def keep_windows(
    cohort: str | Path, sessions: pl.DataFrame, cut: Standardised, place: Path | None, workers: int = 0
) -> KeptWindows:
    """The windows of `sessions`, cut now unless `place`, a folder for them, holds them; in memory without it.

    sessions: of a cohort's table. What cannot be cut is left out, counted and said. ValueError in one line if nothing
    can, or if the disk has no room.
    """
    rows = sessions.select("session_id", "path", "reading")
    shape = (len(cut.cut.derivations.names), cut.cut.samples)
    if place is None:
        each = [windows for _, windows in _cut(cohort, rows, cut, workers)]
        index = _index(rows["session_id"].to_list(), each)
        signal = np.concatenate([w for w in each if not isinstance(w, RecordingError)] or [np.zeros((0, *shape))])
        return _kept(sessions, index, signal.astype(np.float16))
    what = [cut.cut.derivations.names, *map(repr, dataclasses.astuple(cut.cut)[1:]), cut.standard, cut.shift, cut.scale]
    key = {"windows": fingerprint(json.dumps(what), rows.write_csv())}
    folder = place / key["windows"]
    if ranks.RANK == 0:
        _write(folder, key, cohort, rows, cut, shape, workers)
    ranks.wait_for_all()
    index = read_table(folder / INDEX, "remove its folder; the windows are cut again")
    count = int(index["count"].sum())
    return _kept(sessions, index, np.memmap(folder / SIGNAL, np.float16, "r", shape=(count, *shape)) if count else None)


def _write(folder: Path, key: dict[str, str], cohort, rows: pl.DataFrame, cut: Standardised, shape, workers) -> None:
    """Cut the sessions that the index in `folder` does not have yet, and add their windows behind the others."""
    index = pl.DataFrame(schema=SCHEMA)
    if (folder / INDEX).is_file() and key.items() <= table_metadata(folder / INDEX).items():
        index = read_table(folder / INDEX, "remove its folder; the windows are cut again")
    todo = rows[len(index) :]
    if not len(todo):
        return
    folder.mkdir(parents=True, exist_ok=True)
    bytes_each, done = 2 * int(np.prod(shape)), int(index["count"].sum())
    with (folder / SIGNAL).open("r+b" if (folder / SIGNAL).is_file() else "w+b") as file:
        file.truncate(done * bytes_each)  # what a stopped run wrote behind its last index
        file.seek(0, os.SEEK_END)
        new: list[tuple[str, Windows]] = []
        for i, (name, windows) in enumerate(track(_cut(cohort, todo, cut, workers), "cutting windows", len(todo))):
            if i == 0 and not isinstance(windows, RecordingError):
                _check_room(len(windows) * bytes_each * len(todo), folder)
            new.append((name, windows))
            if len(new) == SAVE_EVERY or i + 1 == len(todo):
                for _, some in new:
                    if not isinstance(some, RecordingError):
                        file.write(some.astype(np.float16).tobytes())
                file.flush()
                os.fsync(file.fileno())
                index = pl.concat([index, _index([n for n, _ in new], [w for _, w in new], done)])
                done, new = int(index["count"].sum()), []
                write_table(folder / INDEX, index, key)


def _cut(cohort, rows: pl.DataFrame, cut: Standardised, workers: int) -> Iterator[tuple[str, Windows]]:
    """Every session's name with its windows, or why it has none."""
    read = read_many(row_jobs(cohort, rows, ReadingConfig()), cut, workers)
    return zip(rows["session_id"].to_list(), read, strict=True)


def _index(names: list[str], each: list[Windows], first: int = 0) -> pl.DataFrame:
    refused = [w.reason if isinstance(w, RecordingError) else None for w in each]
    counts = [0 if isinstance(w, RecordingError) else len(w) for w in each]
    starts = (first + np.cumsum([0, *counts])[:-1]).tolist()
    return pl.DataFrame({"session_id": names, "refused": refused, "first": starts, "count": counts}, schema=SCHEMA)


def _kept(sessions: pl.DataFrame, index: pl.DataFrame, signal: np.ndarray | None) -> KeptWindows:
    """The sessions that have windows. Raises ValueError if none has."""
    if len(refused := index["refused"].drop_nulls()):
        log.info("%d of %d recordings could not be used (first: %s)", len(refused), len(index), refused[0])
    whole = index.filter(pl.col("count") > 0).join(sessions, on="session_id", how="left", maintain_order="left")
    if not len(whole):
        raise ValueError(f"no session of the cohort could be cut into windows: {refused[0]}")
    columns = (whole[name].to_numpy() for name in ("session_id", "subject_id", "split", "first", "count"))
    return KeptWindows(signal, *columns)


def _check_room(size: int, folder: Path) -> None:
    """Say what will be written, as far as the first session tells; ValueError if the disk has no room for it."""
    text = f"windows: about {size / 1e9:.3g} GB"
    if size > (free := shutil.disk_usage(folder).free):
        raise ValueError(f"{text}, but {folder.parent} has {free / 1e9:.3g} GB free; make room")
    log.info("%s in %s, as confidential as the recordings", text, folder.parent)
