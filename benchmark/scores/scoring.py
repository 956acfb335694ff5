"""Score embeddings on tasks: a probe for each task and embedding, AUROC on people it has not seen.

All embeddings are scored on the same sessions: one that any of them lacks is left out, with its matched set, for
all. The unit is the session, one per subject and task. `scores.parquet` (written by benchmark.run) is `SCORES`.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from benchmark.scores.bench import Bench, TaskScores
from benchmark.scores.eligibility import (
    check_embeddings,
    check_folds,
    find_overlap,
    keep_common,
    overlap_lines,
    scored_rows,
)
from benchmark.scores.predictions import Predictions
from benchmark.scores.statistics import RESAMPLES
from benchmark.tasksets.matching import assign_folds
from clef.fold_embeddings import Store
from clef.tasks import check_tasks, hash_of_splits, is_fold
from tokenizer.base.progress import track

SMALL_N = 15  # scored cases below which a single task says little, whatever its interval
UNKNOWN = "training subjects unknown"
SCORES = {
    "task": pl.String,
    "family": pl.String,
    "embedding": pl.String,
    "seed": pl.Int64,
    "auroc": pl.Float64,
    "low": pl.Float64,  # 95 % interval, bootstrap by matched set, the probe held fixed
    "high": pl.Float64,
    "cases": pl.Int64,  # scored
    "controls": pl.Int64,
    "train_cases": pl.Int64,
    "train_controls": pl.Int64,
    "left_out": pl.Int64,  # sessions of the task that some embedding lacks, and the rest of their matched sets
    "c": pl.Float64,  # chosen regularisation, scikit-learn's C on standardised features; with folds, the median
    "chosen_on": pl.String,
    "scored_on": pl.String,  # "test", or "5 folds" (out of fold; pairs compared within their fold, then pooled)
    "unit": pl.String,
    "probe": pl.String,
    "width": pl.Int64,
    "model": pl.String,  # fingerprint the embedding's file gives
    "split_hash": pl.String,
    "overlap": pl.Int64,  # scored subjects the model was trained or selected on; empty if its file does not say
    "flags": pl.String,  # "small-n", "overlap", "training subjects unknown"
}


@dataclasses.dataclass
class Scored:
    """Scores with what is needed to compare them.

    scores: rows of `SCORES` · tasks, embeddings: names · replicates: (tasks, embeddings, R) bootstrap AUROCs, paired
    notes: what was left out and what is to be known, one line each · subjects: how many people were scored
    predictions: task -> what the probes said of each scored session
    """

    scores: pl.DataFrame
    tasks: list[str]
    embeddings: list[str]
    replicates: np.ndarray
    notes: list[str]
    subjects: int
    predictions: dict[str, Predictions] = dataclasses.field(default_factory=dict)


def score(
    tasks: pl.DataFrame,
    embeddings: Mapping[str, Store | tuple[Any, Any]],
    *,
    folds: int = 0,
    seeds: int = 1,
    allow_overlap: bool = False,
) -> pl.DataFrame:
    """AUROC of each embedding on each task, with intervals: rows of `SCORES`.

    tasks: as from `benchmark.make_tasks` · embeddings: name -> Embeddings, or (session_id, vectors (n, D)).
    Raises ValueError (one line) on NaN, repeated sessions, or training subjects among the scored (unless allowed).
    """
    check_tasks(tasks)
    return score_tasks(tasks, embeddings, folds=folds, seeds=seeds, allow_overlap=allow_overlap).scores


def score_tasks(
    tasks: pl.DataFrame,
    embeddings: Mapping[str, Store | tuple[Any, Any]],
    *,
    folds: int = 0,
    seeds: int = 1,
    allow_overlap: bool = False,
    resamples: int = RESAMPLES,
) -> Scored:
    """As `score`, and with the bootstrap replicates for comparisons between embeddings and means over tasks.

    tasks: as `clef.tasks.read_tasks` or `benchmark.make_tasks` return them, which have checked them.
    """
    stores = {name: check_embeddings(name, value) for name, value in embeddings.items()}
    if not stores:
        raise ValueError("no embeddings to score; give at least one, embeddings=a.parquet")
    kept, notes = keep_common(tasks, stores)
    tables = [put_in_folds(kept, folds, seed) for seed in range(seeds)]
    check_folds(tables[0], stores)
    overlap = find_overlap(tables[0], stores, allow_overlap)
    bench = Bench(stores, kept, resamples)
    names, rows, replicates = [], [], []
    for task, parts in track(_by_task(tables), "probes"):
        if reason := next((r for r in map(_too_few, parts) if r), ""):
            notes.append(f"task {task!r} is not scored: {reason}")
            continue
        results = _score_seeds(bench, parts, redrawn=folds > 0)
        names.append(task)
        rows += [row | {"seed": seed} for seed, result in enumerate(results) for row in result.rows]
        replicates.append(np.mean([result.replicates for result in results], axis=0))
    if not rows:
        raise ValueError(f"no task can be scored: {notes[-1] if notes else 'no session is left'}")
    left_out = dict(tasks.join(kept, on=["task", "session_id"], how="anti").group_by("task").len().iter_rows())
    scores = _complete(rows, stores, overlap, left_out, [hash_of_splits(table) for table in tables])
    subjects = scored_rows(tables[0].filter(pl.col("task").is_in(names)))["subject_id"].n_unique()
    notes += overlap_lines(stores, overlap)
    return Scored(scores, names, list(stores), np.stack(replicates), notes, subjects)


def _by_task(tables: list[pl.DataFrame]) -> list[tuple[str, list[pl.DataFrame]]]:
    """Each task with its rows in every table: one table per seed, all of the same tasks in the same order."""
    parts = zip(*(table.partition_by("task", maintain_order=True) for table in tables), strict=True)
    return [(part[0]["task"][0], list(part)) for part in parts]


def _score_seeds(bench: Bench, parts: list[pl.DataFrame], redrawn: bool) -> list[TaskScores]:
    """One task under each seed; `redrawn` says that a seed draws other folds."""
    first = bench.score_task(parts[0], 0)
    if not redrawn and all(row["chosen_on"] == "val" for row in first.rows):
        return [first] * len(parts)  # nothing is left to a seed: neither folds nor inner folds were drawn
    return [first, *(bench.score_task(part, seed) for seed, part in enumerate(parts[1:], 1))]


def _complete(
    rows: list[dict[str, Any]],
    stores: Mapping[str, Store],
    overlap: Mapping[str, int | None],
    left_out: dict[str, int],
    hashes: list[str],
) -> pl.DataFrame:
    """`SCORES` from the rows of the bench, with what is the same for a whole task, embedding or seed, and flags."""
    whole = []
    for row in rows:
        name, seen = row["embedding"], overlap[row["embedding"]]
        flags = ["small-n"] * (row["cases"] < SMALL_N) + ["overlap"] * bool(seen)
        flags += [UNKNOWN] * (seen is None)
        of_task = {"left_out": left_out.get(row["task"], 0), "split_hash": hashes[row["seed"]]}
        whole.append(row | of_task | {"model": stores[name].model, "overlap": seen, "flags": ", ".join(flags)})
    return pl.DataFrame(whole, schema=SCORES)


def put_in_folds(tasks: pl.DataFrame, folds: int, seed: int) -> pl.DataFrame:
    """Tasks with whole matched sets put into `folds` folds, whatever their split; as they are if `folds` is 0.

    Raises ValueError if they were built with another number of folds.
    """
    built = {s for s in set(tasks["split"]) if is_fold(s)}
    if not folds or len(built) == folds:
        return tasks
    if built:
        raise ValueError(
            f"folds={folds}: these tasks were built with {len(built)} folds; leave out folds= or build again"
        )
    parts = []
    for part in tasks.partition_by("task", maintain_order=True):
        fold = assign_folds(part["match_id"].unique().to_list(), folds, seed)
        parts.append(part.with_columns(split=pl.col("match_id").replace_strict(fold, return_dtype=pl.String)))
    return pl.concat(parts) if parts else tasks


def _too_few(part: pl.DataFrame) -> str:
    """Why a task cannot be scored after sessions were left out, or an empty text."""
    cases = dict(part.filter("label").group_by("split").len().iter_rows())
    if is_fold(part["split"][0]):
        return (
            "" if sum(cases.values()) >= 4 and len(cases) > 1 else f"{sum(cases.values())} cases are left in its folds"
        )
    short = [s for s in ("train", "test") if cases.get(s, 0) < 2]
    return f"{cases.get(short[0], 0)} cases are left in {short[0]}" if short else ""
