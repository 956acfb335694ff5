"""Embed sessions with a trained model: a token store, a cohort, or a folder of recordings, into embeddings.parquet.

With cohort= sessions are called as in the cohort, so that its tasks fit them; else by the paths of their files.

kind=untrained and kind=codes write the controls a benchmark shows beside a trained model.
"""

import dataclasses
import functools
import logging
from collections.abc import Collection
from pathlib import Path

import numpy as np

from clef.embeddings import Embeddings, write_embeddings
from clef.model import Model, load
from clef.network.attention import Kernel, choose
from clef.readout import Head, Kind, Norm, PoolChoice, Readout, Shuffle
from clef.sources import recordings_in
from tokenizer.base import ranks
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import check_out
from tokenizer.base.progress import track
from tokenizer.reading.many import read_many
from tokenizer.reading.read import Job, ReadingConfig, row_jobs
from tokenizer.readings import reading_of
from tokenizer.recording import RecordingError
from tokenizer.sessions import read_sessions
from tokenizer.store import Tokens, TokenStore

log = logging.getLogger(__name__)


@dataclasses.dataclass
class EmbedConfig:
    """Settings of clef.embed."""

    model: str | None = None
    """Run folder of stage=recon or stage=align, or its model/; by default clef-open, if it was made."""
    out: str = "???"
    """The embedding file to write."""
    tokens: str | None = None
    """Token store made with the model's own tokenizer."""
    recordings: str | None = None
    """A recording, or a folder searched for recordings; instead of tokens=."""
    cohort: str | None = None
    """Cohort whose recordings are embedded under their session ids: all, or those that are in recordings=."""
    reading: ReadingConfig = dataclasses.field(default_factory=ReadingConfig)
    """How recordings become sessions (recordings=, cohort=)."""
    kind: Kind = "trained"
    """trained, or a control: the same encoder with fresh weights, or the tokenizer's code vectors."""
    pool: PoolChoice = "auto"
    """Per frequency row the mean over time (rows), mean and sd (rows+sd) or deciles (quantiles); or mean over all."""
    head: Head = "auto"
    """Read at these projections of an aligned model, as unit vectors; none: its pooled states; auto: all there are."""
    norm: Norm = "none"
    """unit: every vector divided by its length."""
    level: bool = False
    """The session's level in dB as one more number, the last; it tells gains and amplifiers apart, too."""
    layer: str = "encoder"
    """Whose states are pooled: encoder, decoder, or one of their layers by its number, as encoder.5."""
    shuffle: Shuffle = "none"
    """minutes: a control that shows what the order of events is worth; each session's minutes in random order."""
    attention: Kernel = "auto"
    """Attention kernel; auto: xformers on CUDA if it is installed, else PyTorch's own."""
    name: str | None = None
    """What tables call this embedding; by default the name of the file."""
    batch: int = 16
    """Sessions at once."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    workers: int = 1
    """Processes that read recordings beside this one (recordings=, cohort=)."""


def main(config: EmbedConfig) -> int:
    """Embed and write; returns 1 if a recording had to be left out."""
    if (config.tokens is None) == (config.recordings is None and config.cohort is None):
        raise ConfigError("give either tokens=STORE or recordings=DIR, or cohort=COHORT, alone or beside recordings=")
    check_out(config.out, "file")
    device = ranks.set_up(config.device)
    model = load(config.model).to(device)
    model.encoder.attention = choose(config.attention, device.type)
    how = model.readout(
        config.kind, Readout(config.pool, config.head, config.norm, config.layer, config.shuffle, config.level)
    )
    left_out = 0
    if config.tokens:
        sessions = model.tokenise(TokenStore(config.tokens))
        sessions = sessions.where(sessions.valid.any(1))
        names, vectors = sessions.session_id.tolist(), embed_in_parts(model, sessions, config, how)
    else:
        names, vectors, left_out = embed_recordings(model, config, how)
    embeddings = Embeddings(
        names,
        vectors,
        config.name or Path(config.out).stem,
        model.fingerprint,
        model.about(config.kind, how),
    )
    embeddings.trained_on = model.encoder.about.get("trained_on", {})
    write_embeddings(config.out, embeddings)
    log.info(
        "wrote %s: %d sessions x %d dimensions (%s, pool=%s, head=%s, norm=%s%s)",
        *(config.out, *vectors.shape, config.kind, how.pool, how.head, how.norm, ", level" * how.level),
    )
    log.info("next: python -m benchmark.run tasks=tasks.parquet embeddings=%s out=DIR", config.out)
    return int(left_out > 0)


def embed_in_parts(model: Model, sessions: Tokens, config: EmbedConfig, how: Readout) -> np.ndarray:
    """Embeddings (n, D) of many sessions, with a progress bar."""
    size = max(config.batch, 256)
    starts = range(0, len(sessions), size)
    index = np.arange(len(sessions))
    parts = [
        model.read(sessions.where((index >= i) & (index < i + size)), how, config.kind, config.batch)
        for i in track(starts, "embed", len(starts))
    ]
    return np.concatenate(parts)


def embed_recordings(model: Model, config: EmbedConfig, how: Readout) -> tuple[list[str], np.ndarray, int]:
    """Names, embeddings (n, D) of the recordings that are asked for, and how many were left out."""
    jobs = named_jobs(config)
    names, vectors = [], []
    then = functools.partial(reading_of, reference=model.vqgan.config.reference)
    readings = read_many([job for _, job in jobs], then, config.workers)
    for (name, _), reading in zip(jobs, track(readings, "embed", len(jobs)), strict=True):
        if isinstance(reading, RecordingError):
            log.warning("left out %s", reading)
            continue
        vectors.append(model.read(model.tokenise(reading), how, config.kind)[0])
        names.append(name)
    if not names:
        raise ValueError(f"none of {len(jobs)} recordings could be read; the reasons are above")
    return names, np.stack(vectors), len(jobs) - len(names)


def named_jobs(config: EmbedConfig) -> list[tuple[str, Job]]:
    """The recordings that are asked for, with the names of their sessions, in order."""
    if config.cohort is None:
        root = Path(config.recordings)
        log.info("sessions are called by their paths below recordings=; with cohort= as in that cohort")
        return [(_below(file, root), Job(file, config.reading)) for file in find_recordings(root)]
    sessions = read_sessions(config.cohort)
    jobs = list(zip(sessions["session_id"], row_jobs(config.cohort, sessions, config.reading), strict=True))
    if config.recordings is None:
        return jobs
    files = {file.resolve() for file in find_recordings(Path(config.recordings), known={job.source for _, job in jobs})}
    inside = [(name, job) for name, job in jobs if job.source.resolve() in files]
    if not inside:
        raise ValueError(
            f"recordings={config.recordings}: cohort={config.cohort} has none of its {len(files)} recordings; was the "
            f"folder moved since the import? Import it again, or leave recordings= out"
        )
    if others := len(files) - len({job.source.resolve() for _, job in inside}):
        log.info("%d recordings are not in cohort=%s: not embedded", others, config.cohort)
    return inside


def find_recordings(root: Path, known: Collection[Path] = ()) -> list[Path]:
    """The recordings at or below a path, and those `known` ones below it that no name tells; sorted.

    Raises ValueError with one line if there are none.
    """
    if not root.exists():
        raise ValueError(f"recordings={root}: there is no such file or folder; check the path")
    return [root] if root.is_file() else recordings_in(root, known)


def _below(file: Path, root: Path) -> str:
    return str(file.relative_to(root) if file != root else file.name)


if __name__ == "__main__":
    program(EmbedConfig, main, "clef.embed")
