"""A token store of an archive's size with random tokens, and what each thing that is done with it costs.

    python -m tools.large_store                                    # 260,000 sessions of 20 minutes: 1 GB, removed again
    python -m tools.large_store sessions=20000 model=small threads=1 out=runs/large

The store is written shard by shard as `tokenizer.encode` writes it, then opened, checked and loaded as every program
does; sessions are masked as `stage=recon` masks them, and embedded; an embedding file is written and read.
Random tokens cost what real ones cost, but for the disk: real codes repeat, and so do their compressed bytes.
The processor time is that of all threads; on a busy machine the wall clock says more of the others. What a query over
the index takes, `tools.time_search` measures.
"""

import logging
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
import torch

from clef.embeddings import Embeddings, read_embeddings, write_embeddings
from clef.model import Model
from clef.network.encoder import Encoder
from clef.stages.recon import MaskedSessions, ReconConfig
from clef.training.settings import PretrainConfig
from tokenizer.base.cli import ConfigError, parse, program
from tokenizer.base.progress import track
from tokenizer.sessions import SPLITS
from tokenizer.store import DONE, ROWS, Tokens, TokenStore, create_store
from tokenizer.vqgan import VQGAN
from tools.large_cohort import peak_memory

log = logging.getLogger(__name__)

SHARES = (0.7, 0.1, 0.2)
"""Of train, val and test."""
T = TypeVar("T")
STORE, VECTORS = "tokens.zarr", "embeddings.parquet"


@dataclass
class LargeStore:
    """Settings of tools.large_store."""

    sessions: int = 260_000
    """Rows of the store."""
    subjects: int = 108_000
    """People they belong to."""
    columns: int = 128
    """Valid columns of 10 s in a session."""
    model: str = "tiny"
    """A size of clef.pretrain, for the codes and the encoder that embeds; its weights are random."""
    embedded: int = 64
    """Sessions that are embedded; the time of all follows from them."""
    batch: int = 256
    """Sessions in a batch of stage=recon."""
    batches: int = 20
    """Batches that are masked; the time of an epoch follows from them."""
    width: int = 2048
    """Numbers of a vector in the embedding file; its size grows with them."""
    threads: int = 1
    """CPU threads of PyTorch."""
    seed: int = 0
    """Seed of the tokens, the people and the weights."""
    out: Path | None = None
    """Folder to keep the store and the embedding file in; by default both are removed."""


@dataclass
class Cost:
    """What something took: wall and processor time in s, and the most memory of this process so far, in bytes."""

    what: str
    seconds: float
    processor: float
    memory: float

    def line(self, more: str = "") -> str:
        return (
            f"{self.what}: {self.seconds:.3g} s, {self.processor:.3g} s of processor time, "
            f"{self.memory / 1e9:.2f} GB of memory at the most so far{more}"
        )


def main(config: LargeStore) -> None:
    """Make, use, and print the lines."""
    check(config)
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    if config.out:
        return measure_in(config.out, config)
    with tempfile.TemporaryDirectory() as folder:
        measure_in(Path(folder), config)


def check(config: LargeStore) -> None:
    """Raise ConfigError for numbers that make no store."""
    if not 0 < config.subjects <= config.sessions:
        raise ConfigError(f"subjects={config.subjects}: expected 1 to sessions={config.sessions}")
    if min(config.columns, config.embedded, config.batch, config.batches, config.width, config.threads) < 1:
        raise ConfigError("columns, embedded, batch, batches, width and threads must be 1 or more")


def measure_in(folder: Path, config: LargeStore) -> None:
    """Make the store in `folder` and say what everything took. ValueError if there is one."""
    settings = parse(PretrainConfig, "clef.pretrain", ["stage=recon", f"model={config.model}"])
    vqgan = VQGAN(settings.vqgan).eval()
    encoder = Encoder(settings.encoder, vqgan.codebook.vectors, vqgan.grid[0]).eval()
    path = folder / STORE
    if path.exists():
        raise ValueError(f"out={folder}: there is a {STORE} already; remove it, or give another folder")
    _, cost = measured("write the store", lambda: write_store(path, config, vqgan))
    log.info(cost.line(f"; {size_of(path) / 1e9:.2f} GB of disk"))
    store, cost = measured("open it, digest of names, people and splits", lambda: TokenStore(path))
    log.info(cost.line())
    _, cost = measured("check every shard, as a resumed encode does", store.to_do)
    log.info(cost.line())
    tokens, cost = measured("open, check and load it", lambda: TokenStore(path).load())
    log.info(cost.line())
    time_recon(tokens, len(vqgan.codebook.vectors), config, settings.recon)
    time_embedding(tokens, Model(vqgan, encoder), config)
    time_vectors(folder / VECTORS, tokens, config)


def write_store(path: Path, config: LargeStore, vqgan: VQGAN) -> None:
    """A store in which every row is done; what a shard holds beside tokens, validity and channels is 0."""
    rng = np.random.default_rng(config.seed)
    create_store(path, draw_sessions(config, rng), vqgan, {"random": True})
    store = TokenStore(path, writable=True)
    (rows, columns), codes = store.grid, len(vqgan.codebook.vectors)
    valid = (np.arange(columns) < config.columns).astype(np.float16)
    for first in track(range(0, config.sessions, store.shard), "shards"):
        n = min(store.shard, config.sessions - first)
        drawn = {
            "tokens": (rng.integers(codes, size=(n, rows, columns)) * (valid > 0)).astype(np.uint16),
            "valid": np.tile(valid, (n, 1)),
            "channel_ok": np.ones((n, 19), bool),
            "status": np.full(n, DONE, np.uint8),
        }
        blank = {name: np.zeros((n, *store.group[name].shape[1:])) for name in ROWS if name not in drawn}
        store.write_shard(first // store.shard, drawn | blank)


def draw_sessions(config: LargeStore, rng: np.random.Generator) -> pl.DataFrame:
    """The columns of a session table that a store keeps: every person has one split and a session or more."""
    more = rng.integers(config.subjects, size=config.sessions - config.subjects)
    person = np.sort(np.concatenate([np.arange(config.subjects), more]))
    split = np.array(SPLITS)[rng.choice(3, config.subjects, p=SHARES)]
    names = [f"s{i:07d}" for i in range(config.sessions)]
    return pl.DataFrame({"session_id": names, "subject_id": person, "split": split[person]})


# ---- what is done with it
def time_recon(tokens: Tokens, codes: int, config: LargeStore, recon: ReconConfig) -> None:
    """What stage=recon does beside the network: its order, its counting baselines, its masks."""
    samples = MaskedSessions(tokens, recon, config.seed)
    _, cost = measured("stage=recon: lengths and order of an epoch", lambda: samples.row(0))
    log.info(cost.line())
    _, cost = measured("stage=recon: the losses to beat, before the first step", lambda: samples.baselines(codes))
    log.info(cost.line())
    numbers = [range(i * config.batch, (i + 1) * config.batch) for i in range(config.batches)]
    _, cost = measured(
        f"stage=recon: {config.batches} batches of {config.batch}", lambda: [*map(samples.batch, numbers)]
    )
    rate = config.batches * config.batch / cost.processor
    log.info(
        cost.line(f"; {rate:,.0f} sessions/s, an epoch of {len(samples.train):,} in {len(samples.train) / rate:,.0f} s")
    )


def time_embedding(tokens: Tokens, model: Model, config: LargeStore) -> None:
    """What the encoder takes for some sessions, and so for all."""
    some = tokens.where(np.arange(len(tokens)) < config.embedded)
    vectors, cost = measured(
        f"embed {len(some)} sessions with an encoder {config.model}", lambda: model.embed_tokens(some)
    )
    hours = cost.processor / len(some) * len(tokens) / 3600
    log.info(cost.line(f"; {len(tokens):,} of them {hours:,.1f} core hours, vectors of {vectors.shape[1]} numbers"))


def time_vectors(path: Path, tokens: Tokens, config: LargeStore) -> None:
    """What an embedding file of random vectors takes."""
    vectors = np.random.default_rng(config.seed).standard_normal((len(tokens), config.width), dtype=np.float32)
    made = Embeddings(tokens.session_id.tolist(), vectors, "random")
    _, cost = measured("write the embedding file", lambda: write_embeddings(path, made))
    log.info(cost.line(f"; {path.stat().st_size / 1e9:.2f} GB of disk"))
    _, cost = measured("read the embedding file", lambda: read_embeddings(path))
    log.info(cost.line())


def measured(what: str, action: Callable[[], T]) -> tuple[T, Cost]:
    """What an action gives, and what it took."""
    began, before = time.perf_counter(), time.process_time()
    result = action()
    spent = time.perf_counter() - began, time.process_time() - before
    return result, Cost(what, *spent, peak_memory(os.getpid()))


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    program(LargeStore, main, "tools.large_store")
