"""Encode every session of a cohort into a token store: recordings in, tokens.zarr out.

Workers read recordings and compute spectrograms; the device encodes meanwhile. The store is finished shard by shard
(256 sessions), so an interrupted run goes on where it stopped, and under torchrun each process owns whole shards. A
second program that would write a shard of the first is refused. A recording that cannot be read is refused with a
reason and stops nothing.
"""

import dataclasses
import errno
import functools
import itertools
import logging
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import torch

from tokenizer import store
from tokenizer.base import ranks
from tokenizer.base.cli import program
from tokenizer.base.files import fingerprint
from tokenizer.base.progress import timed, track
from tokenizer.reading.many import read_many
from tokenizer.reading.read import ReadingConfig, row_jobs
from tokenizer.readings import Reading, reading_of, refused
from tokenizer.recording import RecordingError
from tokenizer.sessions import read_sessions
from tokenizer.shards import reading_settings, rows_of
from tokenizer.store import TokenStore
from tokenizer.tokens import load_tokenizer, tokenise_each
from tokenizer.vqgan import VQGAN

log = logging.getLogger(__name__)


@dataclasses.dataclass
class EncodeConfig:
    """Settings of tokenizer.encode."""

    cohort: str = "???"
    """Cohort folder with sessions.parquet."""
    tokenizer: str = "???"
    """A run folder of stage=tokenizer, or a model folder."""
    out: str = "???"
    """The token store to write, e.g. tokens.zarr."""
    reading: ReadingConfig = dataclasses.field(default_factory=ReadingConfig)
    """How recordings become spectrograms."""
    blank_below: float = 0.0
    """Hz; bins below it are set to the training mean, to ask what is known without them."""
    batch: int = 0
    """Sessions handed to the device at once; 0: 8 on a CUDA device, 1 elsewhere. Tokens do not depend on it."""
    workers: int = 1
    """Reading processes beside this one."""
    threads: int = 0
    """CPU threads of the network; 0: those PyTorch would take, less one for each reading process."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""


@dataclasses.dataclass
class EncodingPace:
    """How long encoding took: sessions, seconds, and seconds of these spent waiting for recordings."""

    sessions: int = 0
    seconds: float = 0.0
    waited: float = 0.0


def main(config: EncodeConfig) -> None:
    """Encode what is still to do and say what the store holds now."""
    sessions = read_sessions(config.cohort)
    vqgan = load_tokenizer(config.tokenizer)
    device = ranks.set_up(config.device)
    torch.set_num_threads(config.threads or max(1, torch.get_num_threads() - config.workers))
    open_store(config, sessions, vqgan)
    out = TokenStore(config.out, writable=True)
    unfinished = ranks.agreed(bool(out.to_do()))
    if unfinished:
        say_pace(encode_shards(config, sessions, vqgan.to(device), out, claim_shards(config, out)))
    if ranks.RANK == 0:
        say_summary(out, config.out, finished_before=not unfinished)
    ranks.leave()


def open_store(config: EncodeConfig, sessions: pl.DataFrame, vqgan: VQGAN) -> None:
    """Make the store, or check that the one already there has these sessions, this tokenizer and this reading."""
    reading = reading_settings(config.reading, config.blank_below)
    if ranks.RANK == 0 and not Path(config.out).exists():
        try:
            store.create_store(config.out, sessions, vqgan, reading)
        except OSError as error:  # another process made it meanwhile
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    ranks.wait_for_all()
    existing = TokenStore(config.out)
    differs = [
        name
        for name, same in {
            "tokenizer": existing.fingerprint == fingerprint(*vqgan.to_bytes()),
            "sessions of the cohort": existing.session_id.tolist() == sessions["session_id"].to_list(),
            "reading settings": dict(existing.attributes["reading"]) == reading,
        }.items()
        if not same
    ]
    if differs:
        raise ValueError(
            f"out={config.out}: this store was made with another {' and '.join(differs)}; give another out="
        )


def claim_shards(config: EncodeConfig, out: TokenStore) -> list[int]:
    """The unfinished shards of this process, which no other may write now. ValueError if another does."""
    mine = [shard for shard in out.to_do() if shard % ranks.WORLD == ranks.RANK]
    if ranks.agreed(not out.claim(mine)):
        raise ValueError(
            f"out={config.out}: another process is writing this store; wait for it, or give another out= "
            f"(to write one store with several processes start them with torchrun)"
        )
    return [shard for shard in mine if shard in out.to_do()]  # whoever had them may just have finished


def encode_shards(
    config: EncodeConfig, sessions: pl.DataFrame, vqgan: VQGAN, out: TokenStore, todo: list[int]
) -> EncodingPace:
    """Read, encode and write the shards of `todo`, one after the other."""
    begin, pace = time.perf_counter(), EncodingPace()
    shards = [range(s * out.shard, min((s + 1) * out.shard, len(sessions))) for s in todo]
    rows = [row for shard in shards for row in shard]
    then = functools.partial(reading_of, reference=vqgan.config.reference)
    results = read_many(row_jobs(config.cohort, sessions[rows], config.reading), then, config.workers)
    readings = (refused(r) if isinstance(r, RecordingError) else r for r in results)
    readings = waiting(track(readings, "encode", total=len(rows)), pace)
    batch = config.batch or (8 if vqgan.mean_db.is_cuda else 1)
    tokenised = tokenise_each(readings, vqgan, config.blank_below, batch)
    for shard, numbers in zip(todo, shards, strict=True):
        out.write_shard(shard, rows_of(list(itertools.islice(tokenised, len(numbers)))))
    pace.sessions, pace.seconds = len(rows), time.perf_counter() - begin
    return pace


# ---- what is said at the end
def waiting(readings: Iterable[Reading], pace: EncodingPace) -> Iterator[Reading]:
    """The same readings; the time until each came is added to `pace.waited`."""
    for seconds, reading in timed(readings):
        pace.waited += seconds
        yield reading


def say_pace(pace: EncodingPace) -> None:
    """Say how fast it went, all processes together."""
    sessions, seconds, waited = ranks.total(torch.tensor(dataclasses.astuple(pace), dtype=torch.float64)).tolist()
    if sessions:
        log.info(
            "encoded %d sessions: %.1f per second, %.0f %% of the time waiting for recordings",
            *(sessions, sessions * ranks.WORLD / seconds, 100 * waited / seconds),
        )


def say_summary(out: TokenStore, path: str, finished_before: bool) -> None:
    """Say what the store holds, what was refused and why, and what comes next."""
    say_refused(out)
    done = out.status == store.DONE
    padding, gaps = invalid_shares(out.valid[:][done])
    log.info(
        "%s%s: %d sessions, %d refused; %.1f %% of the 20-minute grid lies beyond the recordings, "
        "%.1f %% of the rest is invalid",
        "already finished, nothing changed: " if finished_before else "wrote ",
        *(path, done.sum(), (~done).sum(), 100 * padding, 100 * gaps),
    )
    if not done.any():
        raise ValueError(f"{path}: no session could be encoded; the reasons are above")
    log.info("next: python -m clef.pretrain stage=recon tokens=%s out=RUN", path)


def say_refused(out: TokenStore, most: int = 20) -> None:
    """One line for each kind of reason, the commonest first; reasons that differ in numbers alone are of one kind."""
    kinds: dict[str, list[tuple[str, str]]] = {}
    for session, reason in out.refused().items():
        kinds.setdefault(re.sub(r"\d+(\.\d+)?", "#", reason), []).append((session, reason))
    for same in sorted(kinds.values(), key=len, reverse=True)[:most]:
        count = f"{len(same)} sessions, as " if len(same) > 1 else ""
        log.warning("refused %s%s: %s", count, *same[0])
    if len(kinds) > most:
        log.warning("… and %d other reasons; TokenStore(%r).refused() lists all", len(kinds) - most, out.path.name)


def invalid_shares(valid: np.ndarray) -> tuple[float, float]:
    """Of the columns' shares (n, W): how much lies after each session's last valid column, how much before is not."""
    good = valid >= 0.5
    within = good[:, ::-1].cumsum(1)[:, ::-1] > 0
    return float(1 - within.mean()) if good.size else 0.0, float((within & ~good).sum() / max(1, within.sum()))


if __name__ == "__main__":
    program(EncodeConfig, main, "tokenizer.encode")
