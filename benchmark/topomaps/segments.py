"""Segments of ten seconds, each with its map, what its tokens give back of it, and the tokens.

Made once, in parts of 32 recordings, OUT/segments/part-….parquet; a part that fits tokenizer, reading and recordings is
not made again. A segment is a column of tokens whose ten seconds are all valid. Maps need every electrode: a recording
that lacks one is left out and counted.
"""

import dataclasses
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tokenizer.base.files import fingerprint
from tokenizer.base.progress import track
from tokenizer.base.tables import read_table, table_metadata, write_table
from tokenizer.base.workers import WorkerDiedError, work_ahead
from tokenizer.cells import FRAMES_PER_CELL
from tokenizer.maps import EVERY_OTHER, NUMBERS, band_maps
from tokenizer.reading.read import ReadingConfig
from tokenizer.readings import Reading, Spectrograms
from tokenizer.tokens import rebuild
from tokenizer.vqgan import VQGAN

log = logging.getLogger(__name__)

PART = 32
FINGERPRINT = "clef.topomaps"
ROWS = 16
NO_REASON = "the process that read it died; look at the file"


@dataclasses.dataclass(frozen=True)
class Segments:
    """n segments; one person's session after the other, in the order of time.

    maps, every_other, rebuilt (n, M) dB without level: true, of every other second, told by the tokens ·
    tokens (n, 16) int64 · session (n,) its number · person (n,) int64 · site, split (n,) of str ·
    left_out: reason -> recordings
    """

    maps: NDArray[np.float32]
    every_other: NDArray[np.float32]
    rebuilt: NDArray[np.float32]
    tokens: NDArray[np.int64]
    session: NDArray[np.int64]
    person: NDArray[np.int64]
    site: NDArray[np.str_]
    split: NDArray[np.str_]
    left_out: dict[str, int] = dataclasses.field(default_factory=dict)


def schema() -> dict[str, pl.DataType]:
    """Columns of a part."""
    numbers = pl.Array(pl.Float32, NUMBERS)
    return {
        **{"session": pl.Int64(), "maps": numbers, "every_other": numbers, "rebuilt": numbers},
        **{"tokens": pl.Array(pl.UInt16, ROWS), "reason": pl.String()},
    }


def make_segments(
    cohort: str, sessions: pl.DataFrame, vqgan: VQGAN, config: ReadingConfig, folder: Path, workers: int
) -> Segments:
    """All segments of the sessions; parts that are there and fit are read. ValueError if there is none at all."""
    parts = [sessions.slice(first, PART) for first in range(0, len(sessions), PART)]
    tables = []
    for number, part in enumerate(track(parts, "segments")):
        path = folder / f"part-{number:05d}.parquet"
        mark = fingerprint(*vqgan.to_bytes(), json.dumps([dataclasses.asdict(config), part.write_json()]))
        if not (path.is_file() and table_metadata(path).get(FINGERPRINT) == mark):
            write_table(path, _part(cohort, part, vqgan, config, workers), {FINGERPRINT: mark})
        tables.append(read_table(path).with_columns(pl.col("session") + number * PART))
    whole = pl.concat(tables)
    segments = whole.filter(pl.col("reason") == "")
    if not len(segments):
        raise ValueError(f"cohort={cohort}: no whole segment of 10 s in any of its {len(sessions)} recordings")
    left_out = dict(whole.filter(pl.col("reason") != "").group_by("reason").len().sort("reason").iter_rows())
    of = segments["session"].to_numpy()
    return Segments(
        *(segments[name].to_numpy() for name in ("maps", "every_other", "rebuilt")),
        segments["tokens"].to_numpy().astype(np.int64),
        of,
        sessions["subject_id"].to_numpy()[of],
        *(sessions[name].fill_null("site unknown").to_numpy()[of].astype(str) for name in ("site", "split")),
        left_out,
    )


def _part(cohort: str, sessions: pl.DataFrame, vqgan: VQGAN, config: ReadingConfig, workers: int) -> pl.DataFrame:
    """The segments of some sessions; of one that has none a row with the reason."""
    sources = Spectrograms(cohort, sessions, config, vqgan.config.reference)
    readings = work_ahead(sources.__getitem__, range(len(sources)), workers)
    rows = [row for number, reading in enumerate(readings) for row in _rows(number, reading, vqgan)]
    return pl.DataFrame(rows, schema=schema(), orient="row")


def _rows(number: int, reading: Reading | WorkerDiedError, vqgan: VQGAN) -> Iterator[tuple]:
    """The rows of one session."""
    nothing = [0.0] * NUMBERS
    if isinstance(reading, WorkerDiedError) or reading.reason:
        reason = "not read"
        log.warning("session %d: %s", number, NO_REASON if isinstance(reading, WorkerDiedError) else reading.reason)
    else:
        reason = "" if bool(reading.channel_ok.all()) else "an electrode is missing"
    segments = [] if reason else list(_segments(reading, vqgan))
    if not segments:
        yield number, nothing, nothing, nothing, [0] * ROWS, reason or "no ten seconds in one piece"
    for one in segments:
        yield number, *one, ""


def _segments(reading: Reading, vqgan: VQGAN) -> Iterator[tuple[NDArray, ...]]:
    """Map, map of every other second, rebuilt map and tokens of each whole segment of a reading."""
    one, rebuilt = rebuild(reading, vqgan)
    columns = reading.spec.shape[-1] // FRAMES_PER_CELL
    frames = columns * FRAMES_PER_CELL
    is_whole = reading.valid[:frames].view(columns, FRAMES_PER_CELL).all(1).numpy()
    spec = reading.spec[..., :frames].numpy()
    made = band_maps(spec), band_maps(spec, EVERY_OTHER), band_maps(rebuilt[..., :frames]), one.tokens[:, :columns].T
    return zip(*(each[is_whole] for each in made), strict=True)
