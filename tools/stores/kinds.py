"""The kinds of stores that are damaged: how a small one is made, and how programs use it.

`make(folder, seed)` writes one by the code that every program writes it with; `use(folder)` opens and reads all of it
as programs do, and returns a digest of what was read.
"""

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from benchmark.scores.results import Results
from benchmark.scores.scoring import score_tasks
from benchmark.scores.stored import read_scores, write_scores
from clef.cohort import Cohort, write_cohort
from clef.embeddings import Embeddings, read_embeddings, subject_hash, write_embeddings
from clef.tasks import SCHEMA, read_tasks, write_tasks
from clef.training.checkpoints import PARTS
from clef.training.run import Run
from tokenizer.store import DONE, REASON_BYTES, REFUSED, TokenStore, create_store, text_bytes
from tokenizer.vqgan import VQGAN, VQGANConfig

PEOPLE, SHARD = 90, 32
SMALL = VQGANConfig(width=8, encoder_blocks=1, decoder_blocks=1, codes=32, code_dimension=4)


@dataclasses.dataclass(frozen=True)
class Kind:
    make: Callable[[Path, int], None]
    use: Callable[[Path], str]
    folder: bool = True
    """Whether several files belong together. Of a single file, another whole one is another store and no damage."""
    allowed: Callable[[Path], set[str]] = lambda folder: set()
    """Results that are right, too: of a run, its checkpoint before the newest."""


def digest(*values: Any) -> str:
    """A name for values: arrays, frames, tensors, dictionaries and plain ones."""
    sha = hashlib.sha256()
    for value in values:
        if isinstance(value, torch.Tensor):
            value = value.numpy()
        if isinstance(value, np.ndarray) and value.dtype != object:
            sha.update(f"{value.dtype} {value.shape}".encode() + value.tobytes())
        elif isinstance(value, pl.DataFrame):
            sha.update(f"{value.schema}{value.rows()}".encode())
        elif isinstance(value, dict):
            sha.update(digest(*(part for item in sorted(value.items()) for part in item)).encode())
        else:
            sha.update(repr(value).encode())
    return sha.hexdigest()


# ---- what is kept in them
def sessions_of(seed: int) -> pl.DataFrame:
    """A session table of `PEOPLE`."""
    random = np.random.default_rng(seed)
    split = np.array(["train", "val", "test"])[random.integers(0, 3, PEOPLE)]
    return pl.DataFrame(
        {
            "session_id": [f"site{seed}_{i:04d}" for i in range(PEOPLE)],
            "subject_id": random.permutation(10_000)[:PEOPLE],
            "path": [f"recordings/{i}.edf" for i in range(PEOPLE)],
            "age": random.integers(0, 90, PEOPLE).astype(np.float32),
            "sex": np.array(["F", "M"])[random.integers(0, 2, PEOPLE)],
            "site": [f"site{seed}"] * PEOPLE,
            "split": split,
        }
    )


def _tasks_of(seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    people = random.permutation(10_000)[:240].tolist()
    rows = [
        (f"t{t}", "label", f"s{p}", p, i % 2 == 0, ("train", "val", "test")[i // 2 % 3], f"m{i // 2}")
        for t in range(2)
        for i, p in enumerate(people)
    ]
    return pl.DataFrame(rows, SCHEMA, orient="row")


def _embeddings_of(tasks: pl.DataFrame, seed: int) -> Embeddings:
    names = tasks["session_id"].unique(maintain_order=True).to_list()
    vectors = np.random.default_rng(seed).standard_normal((len(names), 16)).astype(np.float32)
    seen = {"train": [subject_hash(i) for i in range(20)], "val": []}
    return Embeddings(names, vectors, f"e{seed}", "model", {"pool": "rows"}, seen)


# ---- token stores
def make_tokens(folder: Path, seed: int) -> None:
    torch.manual_seed(seed)
    vqgan, random = VQGAN(SMALL).eval(), np.random.default_rng(seed)
    create_store(folder / "tokens.zarr", sessions_of(seed), vqgan, {"crop": "start"}, shard=SHARD)
    store = TokenStore(folder / "tokens.zarr", writable=True)
    for shard in store.to_do():
        n = min(SHARD, PEOPLE - shard * SHARD)
        status = np.where(random.random(n) < 0.1, REFUSED, DONE).astype(np.uint8)
        reasons = [text_bytes("no EEG" if s == REFUSED else "", REASON_BYTES) for s in status]
        store.write_shard(
            shard,
            {
                "tokens": random.integers(0, 32, (n, 16, 128)).astype(np.uint16),
                "valid": random.random((n, 128)).astype(np.float16),
                "channel_ok": random.random((n, 19)) < 0.9,
                "level": random.normal(0, 5, n).astype(np.float32),
                "reason": np.stack(reasons),
                "status": status,
            },
        )


def use_tokens(folder: Path) -> str:
    store = TokenStore(folder / "tokens.zarr")
    fields = [getattr(store.load(), f) for f in ("tokens", "valid", "session_id", "subject_id", "split", "level")]
    config, weights = store.tokenizer.to_bytes()
    return digest(*fields, store.channel_ok[:], store.refused(), store.fingerprint, store.attributes, config, weights)


# ---- tables
def make_cohort(folder: Path, seed: int) -> None:
    sessions, random = sessions_of(seed), np.random.default_rng(seed)
    codes = [f"ICD10CM//G{i}" for i in random.integers(10, 60, 300)]
    who = sessions["subject_id"].to_numpy()[random.integers(0, PEOPLE, 300)]
    events = pl.DataFrame({"subject_id": who, "code": codes})
    texts = [f"Report {seed}: slow {i}" for i in random.integers(0, 9, PEOPLE)]
    reports = sessions.select("session_id").with_columns(text=pl.Series(texts))
    write_cohort(folder, f"synthetic {seed}", sessions, events, reports, {c: f"{c} in words" for c in codes})


def use_cohort(folder: Path) -> str:
    cohort = Cohort(folder)
    codes = cohort.descriptions
    return digest(cohort.sessions, cohort.events, cohort.reports, codes, cohort.is_synthetic, cohort.fingerprint)


def make_embeddings(folder: Path, seed: int) -> None:
    write_embeddings(folder / "embeddings.parquet", _embeddings_of(_tasks_of(seed), seed))


def use_embeddings(folder: Path) -> str:
    return digest(dataclasses.asdict(read_embeddings(folder / "embeddings.parquet")))


def make_tasks(folder: Path, seed: int) -> None:
    write_tasks(
        folder / "tasks.parquet", _tasks_of(seed), {"suite": "labels", "cohort": {"name": "c", "fingerprint": "f"}}
    )


def use_tasks(folder: Path) -> str:
    return digest(*read_tasks(folder / "tasks.parquet"))


def make_scores(folder: Path, seed: int) -> None:
    tasks = _tasks_of(seed)
    stores = {"a": _embeddings_of(tasks, seed), "b": _embeddings_of(tasks, seed + 9)}
    scored = score_tasks(tasks, stores, resamples=20, allow_overlap=True)
    write_scores(folder / "scores.parquet", Results(scored, {"suite": "labels"}), stores)


def use_scores(folder: Path) -> str:
    return digest(*read_scores(folder / "scores.parquet"))


# ---- models and runs
def make_model(folder: Path, seed: int) -> None:
    torch.manual_seed(seed)
    VQGAN(SMALL).save_pretrained(folder / "tokenizer")


def use_model(folder: Path) -> str:
    vqgan = VQGAN.from_pretrained(folder / "tokenizer")
    return digest(dict(vqgan.state_dict()), vqgan.config, vqgan.describe())


@dataclasses.dataclass
class Settings:
    """What a run is told, and the little of it that its folder needs."""

    steps: int = 9


def make_run(folder: Path, seed: int) -> None:
    run = _run(folder)
    for step in (1, 2):
        run.save_checkpoint(step, _tensors(seed, step))
        run.log_metrics({"step": step, "loss": 1 / step})


def use_run(folder: Path) -> str:
    return digest(_run(folder).load_checkpoint())


def _run(folder: Path) -> Run:
    return Run(str(folder / "run"), Settings(), {"tokens": "fingerprint"})


def _tensors(seed: int, step: int) -> dict[str, dict[str, torch.Tensor]]:
    torch.manual_seed(1000 * seed + step)
    return {part: {"weight": torch.randn(40, 40)} for part in PARTS}


KINDS = {
    "tokens": Kind(make_tokens, use_tokens),
    "embeddings": Kind(make_embeddings, use_embeddings, folder=False),
    "tasks": Kind(make_tasks, use_tasks, folder=False),
    "scores": Kind(make_scores, use_scores, folder=False),
    "cohort": Kind(make_cohort, use_cohort),
    "model": Kind(make_model, use_model),
    "run": Kind(make_run, use_run, allowed=lambda folder: {digest((s, _tensors(0, s))) for s in (1, 2)}),
}
"""By the names that the program's `kinds=` has."""
