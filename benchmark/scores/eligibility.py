"""Which sessions and embeddings may be scored: the same sessions for all, and nobody a model has already seen."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from benchmark.encoders.registry import encoder_of
from clef.embeddings import Embeddings, any_seen
from clef.fold_embeddings import FoldEmbeddings, Store, of_fold
from clef.tasks import is_fold

ROUNDING = 1e-6
"""Differences below this share of the largest value are those of float32."""
MOST_ALIKE = 0.99


def check_embeddings(name: str, value: Store | tuple[Any, Any]) -> Store:
    """Embeddings under the name `name`, from a store, from stores per fold, or from (session_id, vectors (n, D)).

    Raises ValueError (one line) on a wrong shape, repeated sessions, NaN or infinity, or one vector for everybody.
    """
    if isinstance(value, FoldEmbeddings):
        for fold, store in value.folds.items():
            check_embeddings(f"{name}, {fold}", store)
        return value
    if not isinstance(value, Embeddings):
        ids, vectors = value
        value = Embeddings([str(i) for i in ids], np.asarray(vectors), name)
    if value.vectors.ndim != 2 or len(value.vectors) != len(value.session_id):
        raise ValueError(f"{name}: vectors of shape {value.vectors.shape} for {len(value.session_id)} sessions")
    if len(set(value.session_id)) != len(value.session_id):
        raise ValueError(f"{name}: a session_id stands in more than one row; keep one embedding per session")
    if not np.isfinite(value.vectors).all():
        raise ValueError(f"{name}: embeddings hold NaN or infinity; a probe on them would be meaningless")
    encoder = encoder_of(value)
    if not (encoder and encoder.nuisance) and (share := share_alike(value.vectors)):  # of a control, 0.5 is the answer
        raise ValueError(
            f"{name}: {share:.0%} of its {len(value.vectors)} sessions have the same embedding, within rounding; "
            f"nothing can be learned from it; embed the sessions again"
        )
    return value


def share_alike(vectors: np.ndarray, sample: int = 1000) -> float:
    """The share of sessions whose vector is the commonest one within rounding; 0 where that says nothing is wrong.

    vectors (n, D). Of many sessions `sample` are looked at, spread evenly.
    """
    some = np.asarray(vectors[:: max(1, len(vectors) // sample)], np.float64)
    if len(some) < 2 or not some.shape[1]:
        return 0.0
    middle = np.median(some, axis=0)
    alike = (np.abs(some - middle) <= ROUNDING * np.abs(middle).max()).all(1).mean()
    return float(alike) if alike >= MOST_ALIKE else 0.0


def keep_common(tasks: pl.DataFrame, stores: Mapping[str, Store]) -> tuple[pl.DataFrame, list[str]]:
    """Task rows whose session every embedding has, as matched sets, and lines that say what was lost.

    A set is left out with its case or its last control. Raises ValueError for an embedding that has no session at all.
    """
    wanted = set(tasks["session_id"])
    common, notes = set(wanted), []
    for name, store in stores.items():
        has = wanted & set(store.session_id)
        if not has:
            raise ValueError(
                f"{name}: it has none of the {len(wanted)} sessions of these tasks; is it another cohort's? "
                f"(clef.embed calls recordings as a cohort does with cohort=)"
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


def check_folds(tasks: pl.DataFrame, stores: Mapping[str, Store]) -> None:
    """Raise ValueError (one line) if tasks are not in the folds of an embedding that has a model for each fold."""
    splits = set(tasks["split"])
    for name, store in stores.items():
        if isinstance(store, FoldEmbeddings) and not splits <= set(store.folds):
            raise ValueError(
                f"{name}: it has a model for each of {len(store.folds)} folds, and these tasks are in "
                f"{', '.join(sorted(splits))}; build them in its folds, benchmark.build crossfit=DIR"
            )


def _seen_by(store: Store, rows: pl.DataFrame) -> set[int]:
    """Scored subjects whom the model that embeds them for their score was fitted on or selected with."""
    seen: set[int] = set()
    for (split,), part in rows.group_by("split"):
        seen |= any_seen(of_fold(store, split).trained_on, part["subject_id"])
    return seen


def find_overlap(tasks: pl.DataFrame, stores: Mapping[str, Store], allow: bool) -> dict[str, int | None]:
    """How many scored subjects each embedding's model was fitted on or selected with, by hashed subject.

    None where its file does not say whom the model has seen: unknown is not none. Of cross-fitted embeddings each
    fold's subjects are held against that fold's model. Raises ValueError (one line) if there are any, unless `allow`.
    """
    rows = scored_rows(tasks)
    subjects = rows["subject_id"].unique()
    seen = {name: None if unknown_training(store) else len(_seen_by(store, rows)) for name, store in stores.items()}
    if (bad := next((name for name, n in seen.items() if n), None)) and not allow:
        folds = " (with folds all are; build with splits=[test])" if set(rows["split"]) != {"test"} else ""
        if isinstance(stores[bad], FoldEmbeddings):
            folds = " in their own fold (build the tasks with crossfit=DIR of these embeddings)"
        raise ValueError(
            f"{bad}: its model was trained or selected on {seen[bad]} of the {len(subjects)} subjects to be scored"
            f"{folds}; use a model that has not seen them, or allow_overlap=true to score and flag it"
        )
    return seen


def overlap_lines(stores: Mapping[str, Store], overlap: Mapping[str, int | None]) -> list[str]:
    """What can and cannot be said about subjects a model has seen, one line per embedding that needs one."""
    lines = [f"{name}: OVERLAP, its model has seen {n} of the scored subjects" for name, n in overlap.items() if n]
    for name, store in stores.items():
        if unknown_training(store):
            why = "its file does not say whom its model was trained on; overlap cannot be excluded"
            lines.append(f"{name}: training subjects unknown: {why}")
    return lines


def unknown_training(store: Store) -> bool:
    """Whether a file does not say whom its model was trained on, and its encoder is not one that learns of nobody."""
    encoder = encoder_of(store)
    return not store.trained_on and not (encoder and encoder.fitted_on_nobody)
