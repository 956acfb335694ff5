"""Encode every session of a cohort into a token store: recordings in, tokens.zarr out.

Workers read recordings and compute spectrograms; the device encodes meanwhile. The store is finished shard by shard
(256 sessions), so an interrupted run goes on where it stopped, and under torchrun each process owns whole shards. A
second program that would write a shard of the first is refused. A recording that cannot be read is refused with a
reason and stops nothing.
"""

import dataclasses
import errno
import itertools
import logging
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from tokenizer import store
from tokenizer.base import ranks
from tokenizer.base.cli import program
from tokenizer.base.files import fingerprint
from tokenizer.base.progress import track
from tokenizer.base.workers import read_ahead
from tokenizer.encode_summary import Pace, say_pace, say_summary, waiting
from tokenizer.filters import METHOD
from tokenizer.readings import Reading, ReadingConfig, Spectrograms
from tokenizer.sessions import read_sessions
from tokenizer.store import TokenStore
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
    seed: int = 0
    """Unused: encoding has no randomness. Accepted because every program takes it."""


def main(config: EncodeConfig) -> None:
    """Encode what is still to do and say what the store holds now."""
    sessions = read_sessions(config.cohort)
    vqgan = VQGAN.from_pretrained(str(tokenizer_folder(config.tokenizer)))
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


def tokenizer_folder(path: str) -> Path | str:
    """The tokenizer inside RUN, RUN/model or the folder itself; other names are left for the hub."""
    for folder in (Path(path) / "model" / "tokenizer", Path(path) / "tokenizer"):
        if folder.is_dir():
            return folder
    if (Path(path) / "config.yaml").is_file():
        raise ValueError(f"tokenizer={path}: this run has no finished model yet; run its training command again")
    return path


def reading_settings(config: EncodeConfig) -> dict[str, Any]:
    """How recordings become spectrograms, as a store says it."""
    return {**dataclasses.asdict(config.reading), "blank_below": config.blank_below, "filters": METHOD}


def open_store(config: EncodeConfig, sessions: pl.DataFrame, vqgan: VQGAN) -> None:
    """Make the store, or check that the one already there has these sessions, this tokenizer and this reading."""
    reading = reading_settings(config)
    if ranks.RANK == 0 and not Path(config.out).exists():
        try:
            store.create_store(config.out, sessions, vqgan, reading)
        except OSError as error:  # another process made it meanwhile
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    ranks.wait_for_all()
    there = TokenStore(config.out)
    differs = [
        name
        for name, same in {
            "tokenizer": there.fingerprint == fingerprint(*vqgan.to_bytes()),
            "sessions of the cohort": there.session_id.tolist() == sessions["session_id"].to_list(),
            "reading settings": dict(there.attributes["reading"]) == reading,
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


def encode_shards(config: EncodeConfig, sessions: pl.DataFrame, vqgan: VQGAN, out: TokenStore, todo: list[int]) -> Pace:
    """Read, encode and write the shards of `todo`, one after the other."""
    begin, pace = time.perf_counter(), Pace()
    shards = [range(s * out.shard, min((s + 1) * out.shard, len(sessions))) for s in todo]
    rows = [row for shard in shards for row in shard]
    spectrograms = Spectrograms(config.cohort, sessions, config.reading)
    readings = waiting(track(read_ahead(spectrograms, rows, config.workers), "encode", total=len(rows)), pace)
    encoded = encode_all(vqgan, readings, config.blank_below, config.batch or (8 if vqgan.mean_db.is_cuda else 1))
    for shard, numbers in zip(todo, shards, strict=True):
        found = list(itertools.islice(encoded, len(numbers)))
        out.write_shard(shard, {name: np.stack([row[name] for row in found]) for name in found[0]})
    pace.sessions, pace.seconds = len(rows), time.perf_counter() - begin
    return pace


def encode_all(
    vqgan: VQGAN, readings: Iterable[Reading], blank_below: float, batch: int
) -> Iterator[dict[str, np.ndarray]]:
    """The rows of a token store for `readings`, in order; `batch` of them are handed to the device at once."""
    source = iter(readings)
    while some := list(itertools.islice(source, batch)):
        found = [_encode(vqgan, reading, blank_below) for reading in some]  # a graphics card is still at work here
        for reading, tokens in zip(some, found, strict=True):
            yield _row(vqgan, reading, tokens)


def encode_one(vqgan: VQGAN, reading: Reading, blank_below: float = 0.0) -> dict[str, np.ndarray]:
    """The row of a token store for one reading: tokens, valid, channel_ok, status, reason."""
    return next(encode_all(vqgan, [reading], blank_below, 1))


def _encode(vqgan: VQGAN, reading: Reading, blank_below: float) -> torch.Tensor:
    """Tokens (rows, columns of the reading) int64, on the device, where they may still be being computed."""
    if reading.reason:
        return torch.zeros(vqgan.grid[0], 0, dtype=torch.int64)
    device = vqgan.mean_db.device
    spec, frame_ok = reading.spec.float().to(device, non_blocking=True), reading.valid
    if blank_below:
        low = round(4 * blank_below)  # bins of 0.25 Hz
        spec[:, :low] = vqgan.mean_db[:low, None]
    short = -spec.shape[-1] % vqgan.config.frames_per_token  # other grids than 10 s columns
    spec, frame_ok = torch.nn.functional.pad(spec, (0, short)), torch.nn.functional.pad(frame_ok, (0, short))
    return vqgan.encode(spec[None], frame_ok[None], reading.channel_ok[None].to(device))[0]


def _row(vqgan: VQGAN, reading: Reading, tokens: torch.Tensor) -> dict[str, np.ndarray]:
    """One reading's tokens on the grid of a whole session, and all else the store keeps of it."""
    rows, columns = vqgan.grid
    whole, valid = np.zeros((rows, columns), np.uint16), np.zeros(columns, np.float16)
    whole[:, : tokens.shape[1]] = tokens.cpu().numpy()
    frames = torch.nn.functional.pad(reading.valid, (0, -len(reading.valid) % vqgan.config.frames_per_token))
    valid[: tokens.shape[1]] = frames.float().view(-1, vqgan.config.frames_per_token).mean(1).numpy()
    return {
        "tokens": whole,
        "valid": valid,
        "channel_ok": reading.channel_ok.numpy(),
        "reason": store.text_bytes(reading.reason, store.REASON_BYTES),
        "status": np.uint8(store.REFUSED if reading.reason else store.DONE),
    }


if __name__ == "__main__":
    program(EncodeConfig, main, "tokenizer.encode")
