"""One pass over recordings: each read, encoded, decoded and measured; what is kept of it is small."""

import logging
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from benchmark.fidelity.measures import measure, measure_twins
from benchmark.fidelity.probes import Features, features
from benchmark.fidelity.summary import Recording
from tokenizer.base.progress import track
from tokenizer.base.workers import WorkerDiedError, work_ahead
from tokenizer.cells import ROWS, Array
from tokenizer.channels import CHANNELS
from tokenizer.reading.read import ReadingConfig
from tokenizer.readings import Reading, refused
from tokenizer.recording import RecordingError
from tokenizer.tokens import rebuild
from tokenizer.twins import Twins
from tokenizer.vqgan import VQGAN

log = logging.getLogger(__name__)


@dataclass
class Evaluation:
    """Recordings measured, why others were not read, and features by session of originals and reconstructions."""

    recordings: list[Recording] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    original: Features = field(default_factory=dict)
    rebuilt: Features = field(default_factory=dict)


@dataclass
class Reconstruction:
    """A reading after its codes: rebuilt (C, F, T) dB, tokens (rows, columns), counted (columns,) bool."""

    rebuilt: np.ndarray
    tokens: np.ndarray
    counted: np.ndarray


def reconstruct(vqgan: VQGAN, reading: Reading) -> Reconstruction:
    """Encode a reading as for a token store, and decode that."""
    one, rebuilt = rebuild(reading, vqgan)
    columns = -(-rebuilt.shape[-1] // vqgan.config.frames_per_token)
    return Reconstruction(rebuilt, one.tokens[:, :columns].astype(np.int64), one.valid[:columns])


def evaluate(
    cohort: str,
    sessions: pl.DataFrame,
    measured: set[str],
    asked: set[str],
    vqgan: VQGAN,
    config: ReadingConfig,
    workers: int,
) -> Evaluation:
    """Measure the sessions named in `measured`, and take the features of those in `asked`."""
    rows = sessions.filter(pl.col("session_id").is_in(list(measured | asked)))
    names = rows["session_id"].to_list()
    plain = rows.select("session_id", "path", "reading").to_dicts()  # a reading worker does without polars
    sources = Twins(cohort, plain, config, [n in measured for n in names], vqgan.config.reference)
    readings = work_ahead(sources.__getitem__, range(len(rows)), workers)
    evaluation = Evaluation()
    for row, read in zip(rows.iter_rows(named=True), track(readings, "evaluate", len(rows)), strict=True):
        if isinstance(read, WorkerDiedError):
            read = [refused(RecordingError(row["session_id"], "the process that read it died; look at the file"))]
        name, own = row["session_id"], read[0]
        if reason := own.reason or ("" if own.valid.any() else "no frame of it is valid"):
            evaluation.refused[name] = reason
            log.warning("not read: %s: %s", name, reason)
            continue
        coded = reconstruct(vqgan, own)
        if name in measured:
            sums = sums_of(vqgan, read, coded)
            tokens, site = coded.tokens[:, coded.counted].ravel(), row["site"] or "site unknown"
            evaluation.recordings.append(
                Recording(name, row["subject_id"], site, float(own.valid.sum()), sums, tokens.astype(np.uint16))
            )
        if name in asked:
            valid, ok = own.valid.numpy(), own.channel_ok.numpy()
            evaluation.original[name] = features(own.spec.numpy(), valid, ok)
            evaluation.rebuilt[name] = features(coded.rebuilt, valid, ok)
    return evaluation


def sums_of(vqgan: VQGAN, read: list[Reading], coded: Reconstruction) -> dict[str, Array]:
    """Everything `benchmark.fidelity.measures` says of a reading and its twins."""
    own, *both = read
    valid, ok = own.valid.numpy(), own.channel_ok.numpy()
    sums = measure(own.spec.numpy(), coded.rebuilt, valid, ok)
    if not both[0].valid.any():  # gaps all through
        return sums | {"twins": np.zeros((6, len(CHANNELS), ROWS))}
    rebuilts = tuple(reconstruct(vqgan, twin).rebuilt for twin in both)
    originals = tuple(twin.spec.numpy() for twin in both)
    return sums | {"twins": measure_twins(originals, rebuilts, both[0].valid.numpy(), both[0].channel_ok.numpy())}
