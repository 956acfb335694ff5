"""A model of short windows over whole sessions: every window's vector, and per session their mean and spread.

Recordings are read in processes, windows are embedded in this one. Mean and spread of each session are kept in a table
beside the embedding file, so that the same command goes on from there, and another pooling costs nothing.
"""

import dataclasses
import functools
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl

from benchmark.encoders.encoder import Encoder, Inputs
from benchmark.encoders.keeping import keep_rows
from benchmark.encoders.windows.window_model import RANDOM, WindowModel
from clef.embeddings import Embeddings
from clef.waveform.cutting import Cutting
from clef.waveform.standard import Standardised, standardised
from tokenizer.base.files import fingerprint
from tokenizer.filters import RATE
from tokenizer.reading.many import read_many
from tokenizer.reading.read import ReadingConfig, row_jobs
from tokenizer.recording import RecordingError

log = logging.getLogger(__name__)

BATCH = 32
KEPT = {
    "session_id": pl.String,
    "refused": pl.String,  # why it has no windows, else null
    "windows": pl.Int64,
    "mean": pl.List(pl.Float32),
    "sd": pl.List(pl.Float32),
}
EACH = KEPT | {"chosen": pl.Int64, "vectors": pl.List(pl.Float32)}
PART = 256
"""Sessions in a table of single windows."""


def window_encoder(name: str, what: str, build: Callable[[Inputs], WindowModel]) -> Encoder:
    """A row of the table of encoders for a model of short windows that wants weights."""
    embed, both = (functools.partial(one, build=build, kind=name) for one in (embed_sessions, embed_both))
    return Encoder(name, what, embed, kind=name, role="model", needs=("weights",), both=both)


@dataclasses.dataclass
class Sliding:
    """A model ready to slide over a cohort: what cuts for it, what a file says of it, and its identity."""

    model: WindowModel
    cut: Standardised
    about: dict[str, Any]
    identity: str

    @classmethod
    def of(cls, inputs: Inputs, build: Callable[[Inputs], WindowModel], kind: str) -> "Sliding":
        """Raises ValueError in one line for a model or a cohort that no window can be made of."""
        model = without_slow(build(inputs), inputs.blank_below)
        sessions, cut = inputs.cohort.sessions, Cutting.of(model, inputs.upsample)
        made = standardised(inputs.cohort.path, sessions, cut, model, inputs.workers)
        about = model.protocol() | {"kind": kind, "upsample": inputs.upsample, "shift": made.shift, "scale": made.scale}
        identity = fingerprint(json.dumps(about, sort_keys=True), model.fingerprint)
        return cls(model, made, about, identity)

    def key(self, rows: pl.DataFrame) -> dict[str, str]:
        """What a kept table of these sessions has to say to be taken as it is."""
        return {"model": self.identity, "sessions": fingerprint(rows.sort("session_id").write_csv())}


def embed_sessions(inputs: Inputs, build: Callable[[Inputs], WindowModel], kind: str) -> Embeddings:
    """Vectors (n, D) of the sessions that can be cut into windows: their windows' mean, or mean and spread (2·D).

    kind: as in the table of encoders. Raises ValueError in one line if no session can.
    """
    sliding = Sliding.of(inputs, build, kind)
    model = sliding.model
    rows = inputs.cohort.sessions.select("session_id", "path", "reading")
    make = functools.partial(_embed_rows, inputs, sliding, pooled_row)
    kept = keep_rows(inputs.keep / f"{model.name}.windows.parquet", KEPT, sliding.key(rows), rows, make, model.name)
    return _pooled(inputs, sliding, kept)


def embed_both(
    inputs: Inputs, most: int, build: Callable[[Inputs], WindowModel], kind: str
) -> tuple[Embeddings, dict[str, np.ndarray]]:
    """As `embed_sessions`; and by session the vectors (k, D) of at most `most` windows, evenly spread; read once.

    Kept in `NAME.each/`, a table for every 256 sessions, so that the same command goes on from there.
    """
    sliding = Sliding.of(inputs, build, kind)
    rows = inputs.cohort.sessions.select("session_id", "path", "reading")
    make = functools.partial(_embed_rows, inputs, sliding, functools.partial(single_rows, most=most))
    vectors: dict[str, np.ndarray] = {}
    pooled: list[pl.DataFrame] = []
    for i in range(0, len(rows), PART):
        part = rows[i : i + PART]
        path = inputs.keep / f"{sliding.model.name}.each" / f"{i // PART:05d}.parquet"
        kept = keep_rows(path, EACH, sliding.key(part) | {"most": str(most)}, part, make, sliding.model.name)
        used = kept.filter(pl.col("chosen").is_not_null())
        shaped = (np.array(v, np.float32).reshape(n, -1) for n, v in used.select("chosen", "vectors").iter_rows())
        vectors |= dict(zip(used["session_id"], shaped, strict=True))
        pooled.append(kept.select(*KEPT))
    return _pooled(inputs, sliding, pl.concat(pooled)), vectors


def _pooled(inputs: Inputs, sliding: Sliding, kept: pl.DataFrame) -> Embeddings:
    """The vectors of sessions that have windows, from the rows that were kept of all."""
    model, used = sliding.model, kept.filter(pl.col("mean").is_not_null())
    if not len(used):
        raise ValueError(f"{model.name}: no session of the cohort could be cut into its windows: {kept['refused'][0]}")
    pooled = [np.array(used[name].to_list(), np.float32) for name in inputs.windows.split("+")]
    about = sliding.about | {"pool": inputs.windows, "windows": int(used["windows"].sum())}
    name = f"{model.name}, random weights" if model.weights == RANDOM else model.name
    names = used["session_id"].to_list()
    return Embeddings(names, np.concatenate(pooled, 1), name, sliding.identity, about, model.trained_on)


def first_line(error: Exception) -> str:
    """What another person's code raised, in a line."""
    return f"{type(error).__name__}: {error}".splitlines()[0]


def without_slow(model: WindowModel, blank_below: float) -> WindowModel:
    """The model on recordings without what is below so many Hz; itself for 0."""
    if blank_below <= 0:
        return model
    low, high = model.band or (0.0, min(model.rate, RATE) / 2)
    return dataclasses.replace(model, band=(max(low, blank_below), high))


def _read(inputs: Inputs, rows: pl.DataFrame, then: Callable[..., Any]) -> Iterator[Any]:
    return read_many(row_jobs(inputs.cohort.path, rows, ReadingConfig()), then, inputs.workers)


def _embed_rows(
    inputs: Inputs, sliding: Sliding, row: Callable[[np.ndarray], dict[str, Any]], rows: pl.DataFrame
) -> Iterator[dict[str, Any]]:
    """What `row` makes of the vectors of each session, in order, or why it has none."""
    for session, windows in zip(rows["session_id"], _read(inputs, rows, sliding.cut), strict=True):
        if isinstance(windows, RecordingError):
            yield {"session_id": session, "refused": windows.reason}
        else:
            yield {"session_id": session} | row(embed_windows(sliding.model, windows))


def pooled_row(vectors: np.ndarray) -> dict[str, Any]:
    """Mean and spread of a session's windows (n, D)."""
    wide = vectors.astype(np.float64)
    return {"windows": len(wide), "mean": wide.mean(0).tolist(), "sd": wide.std(0).tolist()}


def single_rows(vectors: np.ndarray, most: int) -> dict[str, Any]:
    """Mean and spread of a session's windows (n, D), and up to `most` of them, evenly spread."""
    chosen = np.unique(np.linspace(0, len(vectors) - 1, min(most, len(vectors))).round().astype(int))
    return pooled_row(vectors) | {"chosen": len(chosen), "vectors": vectors[chosen].ravel().tolist()}


def embed_windows(model: WindowModel, windows: np.ndarray) -> np.ndarray:
    """Vectors (n, D) float32 of windows (n, C, S), in batches. ValueError in one line for what is no such vectors."""
    parts = []
    for start in range(0, len(windows), BATCH):
        batch = windows[start : start + BATCH]
        try:
            vectors = np.asarray(model.embed(batch), np.float32)
        except Exception as error:  # whatever a stranger's code raises
            raise ValueError(f"{model.name}: embed failed on windows of {batch.shape}: {first_line(error)}") from error
        if vectors.ndim != 2 or len(vectors) != len(batch):
            raise ValueError(
                f"{model.name}: embed gave shape {vectors.shape} for windows of {batch.shape}; expected (n, D)"
            )
        if not np.isfinite(vectors).all():
            raise ValueError(
                f"{model.name}: embed gave NaN or infinity; expected numbers (are units and rate its own?)"
            )
        parts.append(vectors)
    return np.concatenate(parts)
