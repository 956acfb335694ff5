"""Encode every session of a cohort into a token store: recordings in, tokens.zarr out.

Workers read recordings and compute spectrograms; the device encodes. The store is finished shard by shard
(256 sessions), so an interrupted run goes on where it stopped, and under torchrun each process owns whole shards.
A recording that cannot be read is refused with a reason and stops nothing.
"""

import dataclasses
import logging
from pathlib import Path

import numpy as np
import polars as pl
import torch

from tokenizer import ranks, store
from tokenizer.cli import program
from tokenizer.files import fingerprint
from tokenizer.filters import METHOD
from tokenizer.progress import track
from tokenizer.readings import Reading, ReadingConfig, Spectrograms
from tokenizer.sessions import read_sessions
from tokenizer.store import TokenStore
from tokenizer.vqgan import VQGAN
from tokenizer.workers import read_ahead

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
    workers: int = 1
    """Reading processes beside this one."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    seed: int = 0
    """Unused: encoding has no randomness. Accepted because every program takes it."""


def main(config: EncodeConfig) -> None:
    """Encode what is still to do and say what the store holds now."""
    sessions = read_sessions(config.cohort)
    vqgan = VQGAN.from_pretrained(str(tokenizer_folder(config.tokenizer)))
    device = ranks.set_up(config.device)
    open_store(config, sessions, vqgan)
    out = TokenStore(config.out, writable=True)
    status = out.status
    shards = [s for s in range(-(-len(sessions) // store.SHARD)) if s % ranks.WORLD == ranks.RANK]
    todo = [s for s in shards if (status[s * store.SHARD : (s + 1) * store.SHARD] == store.TODO).any()]
    if todo:
        encode_shards(config, sessions, vqgan.to(device), out, todo)
    ranks.wait_for_all()
    if ranks.RANK == 0:
        say_summary(config, out, finished_before=not (status == store.TODO).any())
    ranks.leave()


def tokenizer_folder(path: str) -> Path | str:
    """The tokenizer inside RUN, RUN/model or the folder itself; other names are left for the hub."""
    for folder in (Path(path) / "model" / "tokenizer", Path(path) / "tokenizer"):
        if folder.is_dir():
            return folder
    if (Path(path) / "config.yaml").is_file():
        raise ValueError(f"tokenizer={path}: this run has no finished model yet; run its training command again")
    return path


def open_store(config: EncodeConfig, sessions: pl.DataFrame, vqgan: VQGAN) -> None:
    """Make the store, or check that the one already there has these sessions, this tokenizer and this reading."""
    reading = {**dataclasses.asdict(config.reading), "blank_below": config.blank_below, "filters": METHOD}
    if ranks.RANK == 0 and not Path(config.out).exists():
        store.create_store(config.out, sessions, vqgan, reading)
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


def encode_shards(config: EncodeConfig, sessions: pl.DataFrame, vqgan: VQGAN, out: TokenStore, todo: list[int]) -> None:
    """Read, encode and write the shards of `todo`, one after the other."""
    rows = [r for s in todo for r in range(s * store.SHARD, min((s + 1) * store.SHARD, len(sessions)))]
    spectrograms = Spectrograms(config.cohort, sessions, config.reading)
    loader = read_ahead(spectrograms, rows, config.workers)
    shard_rows: list[dict[str, np.ndarray]] = []
    for row, reading in zip(rows, track(loader, "encode", total=len(rows)), strict=True):
        shard_rows.append(encode_one(vqgan, reading, config.blank_below))
        if (row + 1) % store.SHARD == 0 or row + 1 == len(sessions):
            shard = {name: np.stack([r[name] for r in shard_rows]) for name in shard_rows[0]}
            out.write_shard(row // store.SHARD, shard)
            shard_rows = []


def encode_one(vqgan: VQGAN, reading: Reading, blank_below: float = 0.0) -> dict[str, np.ndarray]:
    """The row of a token store for one reading: tokens, valid, channel_ok, status, reason."""
    rows, columns = vqgan.grid
    tokens, valid = np.zeros((rows, columns), np.uint16), np.zeros(columns, np.float16)
    if reading.reason:
        status, channel_ok = store.REFUSED, np.zeros(19, bool)
    else:
        tokens, valid, channel_ok = _encode(vqgan, reading, blank_below)
        status = store.DONE
    reason = store.text_bytes(reading.reason, store.REASON_BYTES)
    return {
        "tokens": tokens,
        "valid": valid,
        "channel_ok": channel_ok,
        "reason": reason,
        "status": np.uint8(status),
    }


def _encode(vqgan: VQGAN, reading: Reading, blank_below: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    device = vqgan.mean_db.device
    spec = reading.spec.float().to(device)
    if blank_below:
        low = round(4 * blank_below)  # bins of 0.25 Hz
        spec[:, :low] = vqgan.mean_db[:low, None]
    frames = vqgan.config.frames_per_token
    short = -spec.shape[-1] % frames  # other grids than 10 s columns
    spec = torch.nn.functional.pad(spec, (0, short))
    frame_ok = torch.nn.functional.pad(reading.valid, (0, short))
    found = vqgan.encode(spec[None], frame_ok[None].to(device), reading.channel_ok[None].to(device))[0].cpu().numpy()
    share = frame_ok.float().view(-1, frames).mean(1).numpy()
    rows, columns = vqgan.grid
    tokens, valid = np.zeros((rows, columns), np.uint16), np.zeros(columns, np.float16)
    tokens[:, : found.shape[1]] = np.where(share >= 0.5, found, 0)
    valid[: len(share)] = share
    return tokens, valid, reading.channel_ok.numpy()


def say_summary(config: EncodeConfig, out: TokenStore, finished_before: bool) -> None:
    """Say what the store holds, what was refused and why, and what comes next."""
    status, valid = out.status, out.valid[:]
    refused = out.refused()
    for session, reason in list(refused.items())[:20]:
        log.warning("refused %s: %s", session, reason)
    if len(refused) > 20:
        log.warning("… and %d more; TokenStore(%r).refused() lists them", len(refused) - 20, out.path.name)
    done = int((status == store.DONE).sum())
    share = float((valid[status == store.DONE] >= 0.5).mean()) if done else 0.0
    log.info(
        "%s%s: %d sessions, %d refused; %.0f %% of the 20-minute grid is valid",
        "already finished, nothing changed: " if finished_before else "wrote ",
        config.out,
        done,
        len(refused),
        100 * share,
    )
    if not done:
        raise ValueError(f"{config.out}: no session could be encoded; the reasons are above")
    log.info("next: python -m clef.pretrain stage=recon tokens=%s out=RUN", config.out)


if __name__ == "__main__":
    program(EncodeConfig, main, "tokenizer.encode")
