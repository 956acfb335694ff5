"""Score embeddings on tasks: a probe for each task and embedding, AUROC on people it has not seen.

All embeddings are scored on the same sessions: one that any of them lacks is left out, with its matched set, for
all. The unit is the session, one per subject and task. `scores.parquet` (written by benchmark.run) is `SCORES`.
"""

import dataclasses
from collections.abc import Mapping, Sequence
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
from benchmark.scores.probing.budgets import ALL, check_budgets
from benchmark.scores.probing.choice import PROBES
from benchmark.scores.spaces import Spaces
from benchmark.scores.statistics.auroc import RESAMPLES
from benchmark.tasksets.matching import assign_folds
from clef.fold_embeddings import Store
from clef.tasks import check_tasks, hash_of_splits, is_fold
from tokenizer.base.progress import track

SMALL_N = 15  # scored cases below which a single task says little, whatever its interval
MOST_SMD = 0.1  # a covariate further apart than this was not matched well
UNKNOWN = "training subjects unknown"
SCORES = {
    "task": pl.String,
    "family": pl.String,
    "group": pl.String,  # chapter or letter of the task's codes, as its suite says; empty if it does not
    "embedding": pl.String,
    "probe": pl.String,  # logistic, ridge or mlp
    "labels": pl.String,  # the label budget: "all", "25" training cases, "5%" of them
    "seed": pl.Int64,
    "auroc": pl.Float64,
    "low": pl.Float64,  # 95 % interval, bootstrap by matched set, the probe held fixed
    "high": pl.Float64,
    "auprc": pl.Float64,
    "balanced_accuracy": pl.Float64,  # at a threshold from inner out-of-fold scores
    "brier": pl.Float64,  # of probabilities calibrated on inner out-of-fold scores
    "ece": pl.Float64,
    "cases": pl.Int64,  # scored
    "controls": pl.Int64,
    "train_cases": pl.Int64,  # of one probe; with folds the mean
    "train_controls": pl.Int64,
    "left_out": pl.Int64,  # sessions of the task that some embedding lacks, and the rest of their matched sets
    "c": pl.Float64,  # chosen regularisation, scikit-learn's C on the chosen space; with folds the median; empty: mlp
    "components": pl.Int64,  # chosen width: 0 all dimensions, else whitened components; with folds the commonest
    "chosen_on": pl.String,
    "scored_on": pl.String,  # "test", or "5 folds" (out of fold; pairs compared within their fold, then pooled)
    "unit": pl.String,
    "protocol": pl.String,  # the probe in words
    "width": pl.Int64,
    "model": pl.String,  # fingerprint the embedding's file gives
    "split_hash": pl.String,
    "overlap": pl.Int64,  # scored subjects the model was trained or selected on; empty if its file does not say
    "smd": pl.Float64,  # largest standardised mean difference of a covariate after matching; empty if unknown
    "flags": pl.String,  # "small-n", "overlap", "training subjects unknown", "unbalanced"
}


@dataclasses.dataclass(eq=False)  # a Scored is itself and no other, so that what is computed of it is computed once
class Scored:
    """Scores with what is needed to compare them.

    scores: rows of `SCORES` · tasks, embeddings: names · notes: what was left out and is to be known, one line each
    replicates: (tasks, embeddings, R) bootstrap AUROCs, paired, at the label budget `main`, the mean over seeds
    subjects: how many people were scored · main: the largest label budget · predictions: by task, of seed 0 and `main`
    """

    scores: pl.DataFrame
    tasks: list[str]
    embeddings: list[str]
    replicates: np.ndarray
    notes: list[str]
    subjects: int
    main: str = ALL
    predictions: dict[str, Predictions] = dataclasses.field(default_factory=dict)


def score(
    tasks: pl.DataFrame,
    embeddings: Mapping[str, Store | tuple[Any, Any]],
    *,
    folds: int = 0,
    seeds: int = 1,
    allow_overlap: bool = False,
    probe: str = "logistic",
    train_cases: Sequence[int | str] = (ALL,),
) -> pl.DataFrame:
    """AUROC and other metrics of each embedding on each task, with intervals: rows of `SCORES`.

    tasks: as from `benchmark.make_tasks` · embeddings: name -> Embeddings, or (session_id, vectors (n, D))
    probe: logistic, ridge or mlp · train_cases: label budgets, such as [10, 25, "all"] or ["5%"].
    Raises ValueError (one line) on NaN, repeated sessions, or training subjects among the scored (unless allowed).
    """
    check_tasks(tasks)
    options = {"folds": folds, "seeds": seeds, "allow_overlap": allow_overlap}
    return score_tasks(tasks, embeddings, **options, probe=probe, train_cases=train_cases).scores


def score_tasks(
    tasks: pl.DataFrame,
    embeddings: Mapping[str, Store | tuple[Any, Any]],
    *,
    folds: int = 0,
    seeds: int = 1,
    allow_overlap: bool = False,
    resamples: int = RESAMPLES,
    probe: str = "logistic",
    train_cases: Sequence[int | str] = (ALL,),
    smd: Mapping[str, float | None] | None = None,
    groups: Mapping[str, str] | None = None,
) -> Scored:
    """As `score`, and with the bootstrap replicates for comparisons between embeddings and means over tasks.

    tasks: as `clef.tasks.read_tasks` or `benchmark.make_tasks` return them, which have checked them
    smd: task -> largest standardised mean difference after matching · groups: task -> its group in the suite.
    """
    budgets = check_budgets([str(budget) for budget in train_cases])
    if probe not in PROBES:
        raise ValueError(f"probe={probe}: there are {', '.join(PROBES)}")
    stores = {name: check_embeddings(name, value) for name, value in embeddings.items()}
    if not stores:
        raise ValueError("no embeddings to score; give at least one, embeddings=a.parquet")
    kept, notes = keep_common(tasks, stores)
    tables = [put_in_folds(kept, folds, seed) for seed in range(seeds)]
    check_folds(tables[0], stores)
    overlap = find_overlap(tables[0], stores, allow_overlap)
    bench = Bench(stores, kept, resamples, probe, budgets)
    results, unscored = _score_all(bench, tables)
    notes += unscored
    if not results:
        raise ValueError(f"no task can be scored: {notes[-1] if notes else 'no session is left'}")
    for budget in budgets[:-1]:
        short = sum(budget not in {row["labels"] for row in result.rows} for result in results.values())
        notes += [f"labels={budget}: {short} of {len(results)} tasks have fewer training cases, no row"] * bool(short)
    left_out = dict(tasks.join(kept, on=["task", "session_id"], how="anti").group_by("task").len().iter_rows())
    known = {
        task: {"left_out": left_out.get(task, 0), "smd": (smd or {}).get(task), "group": (groups or {}).get(task) or ""}
        for task in results
    }
    rows = [row for result in results.values() for row in result.rows]
    scores = _complete(rows, stores, overlap, known, [hash_of_splits(table) for table in tables])
    subjects = scored_rows(tables[0].filter(pl.col("task").is_in(list(results))))["subject_id"].n_unique()
    replicates = np.stack([result.replicates.mean(0) for result in results.values()])
    predictions = {task: result.predictions for task, result in results.items() if result.predictions}
    notes += overlap_lines(stores, overlap)
    return Scored(scores, list(results), list(stores), replicates, notes, subjects, budgets[-1], predictions)


def _score_all(bench: Bench, tables: list[pl.DataFrame]) -> tuple[dict[str, TaskScores], list[str]]:
    """Every task that can be scored with the largest budget under every seed, and a line for each other one."""
    spaces = [Spaces(bench.stores, tables[0])]
    spaces += [spaces[0] if table is tables[0] else Spaces(bench.stores, table) for table in tables[1:]]
    scored, notes, main = {}, [], bench.budgets[-1]
    for task, parts in track(_by_task(tables), "probes"):
        if reason := next((r for r in map(_too_few, parts) if r), ""):
            notes.append(f"task {task!r} is not scored: {reason}")
            continue
        result = _score_seeds(bench, parts, spaces)
        if any(row["labels"] == main for row in result.rows):
            scored[task] = result
        else:
            notes.append(f"task {task!r} is not scored: it has fewer than {main} training cases")
    return scored, notes


def _by_task(tables: list[pl.DataFrame]) -> list[tuple[str, list[pl.DataFrame]]]:
    """Each task with its rows in every table: one table per seed, all of the same tasks in the same order."""
    cut = {id(table): table.partition_by("task", maintain_order=True) for table in tables}
    parts = zip(*(cut[id(table)] for table in tables), strict=True)
    return [(part[0]["task"][0], list(part)) for part in parts]


def _score_seeds(bench: Bench, parts: list[pl.DataFrame], spaces: list[Spaces]) -> TaskScores:
    """One task under each seed: at once where all seeds have the same rows, else one after the other."""
    if all(part is parts[0] for part in parts):
        return bench.score_task(parts[0], list(range(len(parts))), spaces[0])
    each = [bench.score_task(part, [seed], space) for seed, (part, space) in enumerate(zip(parts, spaces, strict=True))]
    # folds drawn anew may leave one seed too few cases for a budget: then no seed has a row of it
    common = set.intersection(*({row["labels"] for row in result.rows} for result in each))
    rows = [row for result in each for row in result.rows if row["labels"] in common]
    return TaskScores(rows, np.concatenate([result.replicates for result in each]), each[0].predictions)


def _complete(
    rows: list[dict[str, Any]],
    stores: Mapping[str, Store],
    overlap: Mapping[str, int | None],
    of_task: Mapping[str, dict[str, Any]],
    hashes: list[str],
) -> pl.DataFrame:
    """`SCORES` from the rows of the bench, with what is the same for a whole task, embedding or seed, and flags."""
    whole = []
    for row in rows:
        store, seen, of_row = stores[row["embedding"]], overlap[row["embedding"]], of_task[row["task"]]
        of_row = of_row | {"split_hash": hashes[row["seed"]], "model": store.model, "overlap": seen}
        flags = {"small-n": row["cases"] < SMALL_N, "overlap": bool(seen), UNKNOWN: seen is None}
        flags["unbalanced"] = (of_row["smd"] or 0) > MOST_SMD
        whole.append(row | of_row | {"flags": ", ".join(flag for flag, raised in flags.items() if raised)})
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
