"""Which sessions and embeddings may be scored: the same sessions for all, and nobody a model has already seen."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from benchmark.encoders.registry import encoder_of
from clef.embeddings import Embeddings, subject_hash
from clef.tasks import is_fold


def check_embeddings(name: str, value: Embeddings | tuple[Any, Any]) -> Embeddings:
    """Embeddings under the name `name`, from a store or from (session_id, vectors (n, D)).

    Raises ValueError (one line) on a wrong shape, repeated sessions, NaN or infinity.
    """
    if not isinstance(value, Embeddings):
        ids, vectors = value
        value = Embeddings([str(i) for i in ids], np.asarray(vectors), name)
    if value.vectors.ndim != 2 or len(value.vectors) != len(value.session_id):
        raise ValueError(f"{name}: vectors of shape {value.vectors.shape} for {len(value.session_id)} sessions")
    if len(set(value.session_id)) != len(value.session_id):
        raise ValueError(f"{name}: a session_id stands in more than one row; keep one embedding per session")
    if not np.isfinite(value.vectors).all():
        raise ValueError(f"{name}: embeddings hold NaN or infinity; a probe on them would be meaningless")
    return value


def keep_common(tasks: pl.DataFrame, stores: Mapping[str, Embeddings]) -> tuple[pl.DataFrame, list[str]]:
    """Task rows whose session every embedding has, as matched sets, and lines that say what was lost.

    A set is left out with its case or its last control. Raises ValueError for an embedding that has no session at all.
    """
    wanted = set(tasks["session_id"])
    common, notes = set(wanted), []
    for name, store in stores.items():
        has = wanted & set(store.session_id)
        if not has:
            raise ValueError(
                f"{name}: it has none of the {len(wanted)} sessions of these tasks; is it another cohort's?"
            )
        if has != wanted:
            notes.append(f"{name} lacks {len(wanted - has)} of {len(wanted)} sessions: left out for all embeddings")
        common &= has
    kept = tasks.filter(pl.col("session_id").is_in(list(common)))
    of_set = ["task", "match_id"]
    return kept.filter(pl.col("label").any().over(of_set) & (~pl.col("label")).any().over(of_set)), notes


def scored_rows(tasks: pl.DataFrame) -> pl.DataFrame:
    """The rows that are scored: those of test, or with folds all."""
    return tasks.filter((pl.col("split") == "test") | pl.col("split").map_elements(is_fold, pl.Boolean))


def find_overlap(tasks: pl.DataFrame, stores: Mapping[str, Embeddings], allow: bool) -> dict[str, int]:
    """How many scored subjects each embedding's model was fitted on or selected with, by hashed subject.

    Raises ValueError (one line) if there are any, unless `allow`.
    """
    rows = scored_rows(tasks)
    subjects = {subject_hash(s) for s in rows["subject_id"].unique()}
    seen = {name: len(subjects & set().union(*store.trained_on.values())) for name, store in stores.items()}
    if (bad := next((name for name, n in seen.items() if n), None)) and not allow:
        folds = " (with folds all are; build with splits=[test])" if set(rows["split"]) != {"test"} else ""
        raise ValueError(
            f"{bad}: its model was trained or selected on {seen[bad]} of the {len(subjects)} subjects to be scored"
            f"{folds}; use a model that has not seen them, or allow_overlap=true to score and flag it"
        )
    return seen


def overlap_lines(stores: Mapping[str, Embeddings], overlap: dict[str, int]) -> list[str]:
    """What can and cannot be said about subjects a model has seen, one line per embedding that needs one."""
    lines = [f"{name}: OVERLAP, its model has seen {n} of the scored subjects" for name, n in overlap.items() if n]
    for name, store in stores.items():
        if unknown_training(store):
            lines.append(f"{name}: its file does not say whom its model was trained on; overlap cannot be excluded")
    return lines


def unknown_training(store: Embeddings) -> bool:
    """Whether a file does not say whom its model was trained on, and its encoder is not one that learns of nobody."""
    encoder = encoder_of(store)
    return not store.trained_on and not (encoder and encoder.fitted_on_nobody)
