"""What a stage is fed with: the stores that a command line names, checked against each other.

    cohort folder · token store · finished model to start from  ->  sessions, tokens, and whom a model has seen

Every stage is fitted on split train and selected on split val; whom that was goes into the model, hashed, so that the
benchmark can refuse to score it on its own training subjects.
"""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from clef.embeddings import hash_subjects
from clef.network.attention import Kernel
from clef.network.encoder import Encoder
from tokenizer.store import Tokens, TokenStore


@dataclasses.dataclass
class Inputs:
    """What every stage may be built from; a stage's row in the table says which of the first three it needs.

    cohort: cohort folder · tokens: token store · init: `model/` of a finished run · seed: of all randomness
    attention: the kernel of the session encoder · device: where training will be
    writes: whether a stage may keep what it computes beside the cohort · workers: processes that read recordings
    """

    cohort: str | None = None
    tokens: str | None = None
    init: Path | None = None
    seed: int = 0
    attention: Kernel = "auto"
    device: str = "cpu"
    writes: bool = True
    workers: int = 0


def load_tokens(path: str) -> tuple[TokenStore, Tokens]:
    """An encoded store and its sessions in memory; those without a valid column are left out."""
    store = TokenStore(path)
    tokens = store.load()
    return store, tokens.where(tokens.valid.any(1))


def check_tokenizer(encoder: Encoder, store: TokenStore, name: str) -> None:
    """Raise ValueError unless the encoder was trained on tokens of this store's tokenizer."""
    trained = encoder.about.get("tokenizer")
    if trained != store.fingerprint:
        raise ValueError(
            f"tokens={name}: made with tokenizer {store.fingerprint}, the model was trained on tokens of {trained}; "
            f"encode the cohort with the model's own tokenizer (tokenizer=RUN)"
        )


def check_splits(tokens: Tokens, sessions: pl.DataFrame, inputs: Inputs) -> None:
    """Raise ValueError if the cohort puts a session of the store into another split or does not know it."""
    known = dict(zip(sessions["session_id"], sessions["split"], strict=True))
    differing = [s for s, split in zip(tokens.session_id, tokens.split, strict=True) if known.get(s) != split]
    if differing:
        raise ValueError(
            f"tokens={inputs.tokens}: {len(differing)} sessions are not in cohort={inputs.cohort} with the same split "
            f"(first: {differing[0]}); encode this cohort"
        )


def about_training(stage: str, store: TokenStore, tokens: Tokens) -> dict[str, Any]:
    """What a model folder says of its training: stage, tokenizer, and hashed subjects per split.

    Subjects the tokenizer was trained on count as seen: their recordings shaped the codes.
    """
    earlier = dict(store.attributes["tokenizer"]).get("about", {}).get("trained_on", {})
    seen = trained_on(tokens.subject_id, tokens.split, earlier)
    both = {split: sorted(set(seen.get(split, [])) | set(earlier.get(split, []))) for split in ("train", "val")}
    return {"stage": stage, "tokenizer": store.fingerprint, "trained_on": both}


def trained_on(
    subjects: Iterable[int], splits: Iterable[str], like: dict[str, list[str]] | None = None
) -> dict[str, list[str]]:
    """Hashed subjects of train and val: what a stage is fitted on and selected with."""
    subjects, splits = np.asarray(subjects), np.asarray(splits)
    return hash_subjects({split: subjects[splits == split] for split in ("train", "val")}, like)
