"""Score embeddings on tasks: a probe for each task and embedding, AUROC on people it has not seen.

All embeddings are scored on the same sessions: one that any of them lacks is left out, with its matched set, for
all. The unit is the session, one per subject and task. `scores.parquet` (written by benchmark.run) is `SCORES`.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from benchmark.scores.eligibility import check_embeddings, find_overlap, keep_common, overlap_lines
from benchmark.scores.probes import GRID, INNER_FOLDS, MIN_VAL_CASES, probe_rows
from benchmark.scores.statistics import RESAMPLES, auroc, auroc_interval, set_weights, subject_draws
from benchmark.tasksets.matching import assign_folds
from clef.embeddings import Embeddings
from clef.tasks import check_tasks, hash_of_splits, is_fold
from tokenizer.base.progress import track

SMALL_N = 15  # scored cases below which a single task says little, whatever its interval
PROBE = (
    f"L2 logistic, float64, balanced classes, standardised on training rows, C·D in 1e{np.log10(GRID[0]):.0f}…"
    f"1e{np.log10(GRID[-1]):.0f}, chosen by balanced log loss on val if it has {MIN_VAL_CASES} cases, else on "
    f"{INNER_FOLDS} inner folds of matched sets; refitted on train + val"
)
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
    "overlap": pl.Int64,  # scored subjects the model was trained or selected on
    "flags": pl.String,  # "small-n", "overlap"
}


@dataclasses.dataclass
class Scored:
    """Scores with what is needed to compare them.

    scores: rows of `SCORES` · tasks, embeddings: names · replicates: (tasks, embeddings, R) bootstrap AUROCs, paired
    notes: what was left out and what is to be known, one line each
    """

    scores: pl.DataFrame
    tasks: list[str]
    embeddings: list[str]
    replicates: np.ndarray
    notes: list[str]


def score(
    tasks: pl.DataFrame,
    embeddings: Mapping[str, Embeddings | tuple[Any, Any]],
    *,
    folds: int = 0,
    seeds: int = 1,
    allow_overlap: bool = False,
) -> pl.DataFrame:
    """AUROC of each embedding on each task, with intervals: rows of `SCORES`.

    tasks: as from `benchmark.make_tasks` · embeddings: name -> Embeddings, or (session_id, vectors (n, D)).
    Raises ValueError (one line) on NaN, repeated sessions, or training subjects among the scored (unless allowed).
    """
    return score_tasks(tasks, embeddings, folds=folds, seeds=seeds, allow_overlap=allow_overlap).scores


def score_tasks(
    tasks: pl.DataFrame,
    embeddings: Mapping[str, Embeddings | tuple[Any, Any]],
    *,
    folds: int = 0,
    seeds: int = 1,
    allow_overlap: bool = False,
    resamples: int = RESAMPLES,
) -> Scored:
    """As `score`, and with the bootstrap replicates for comparisons between embeddings and means over tasks."""
    check_tasks(tasks)
    stores = {name: check_embeddings(name, value) for name, value in embeddings.items()}
    if not stores:
        raise ValueError("no embeddings to score; give at least one, embeddings=a.parquet")
    kept, notes = keep_common(tasks, stores)
    tables = [put_in_folds(kept, folds, seed) for seed in range(seeds)]
    overlap = find_overlap(tables[0], stores, allow_overlap)
    bench = _Bench(stores, kept, resamples)
    lost = dict(tasks.join(kept, on=["task", "session_id"], how="anti").group_by("task").len().iter_rows())
    origin = {n: {"model": s.model, "overlap": overlap[n]} for n, s in stores.items()}
    hashes, rows, names, replicates = [hash_of_splits(table) for table in tables], [], [], []
    for parts in track(
        list(zip(*(t.partition_by("task", maintain_order=True) for t in tables), strict=True)), "probes"
    ):
        task = parts[0]["task"][0]
        if reason := next((r for r in map(_too_few, parts) if r), ""):
            notes.append(f"task {task!r} is not scored: {reason}")
            continue
        scored = [bench.score_task(parts[0], 0)]
        settled = not folds and all(row["chosen_on"] == "val" for row in scored[0][0])  # nothing is left to a seed
        scored += [scored[0] if settled else bench.score_task(part, i) for i, part in enumerate(parts[1:], 1)]
        for seed, (found, _) in enumerate(scored):
            extra = {"seed": seed, "left_out": lost.get(task, 0), "split_hash": hashes[seed]}
            rows += [_flagged(row | extra | origin[row["embedding"]]) for row in found]
        names.append(task)
        replicates.append(np.mean([r for _, r in scored], axis=0))
    if not rows:
        raise ValueError(f"no task can be scored: {notes[-1] if notes else 'no session is left'}")
    notes += overlap_lines(stores, overlap)
    return Scored(pl.DataFrame(rows, schema=SCORES), names, list(stores), np.stack(replicates), notes)


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


class _Bench:
    """What all tasks share: the embeddings, where each session stands in them, and the bootstrap's draws."""

    def __init__(self, stores: Mapping[str, Embeddings], tasks: pl.DataFrame, resamples: int):
        self.stores = stores
        self.row = {name: {s: i for i, s in enumerate(store.session_id)} for name, store in stores.items()}
        self.column = {s: i for i, s in enumerate(tasks["subject_id"].unique().sort())}
        self.draws = subject_draws(len(self.column), 0, resamples)

    def score_task(self, part: pl.DataFrame, seed: int) -> tuple[list[dict[str, Any]], np.ndarray]:
        """Rows of one task and seed, and replicates (embeddings, R): the same resamples for every embedding."""
        split, y = part["split"].to_numpy(), part["label"].to_numpy()
        group = np.unique(part["match_id"].to_numpy(), return_inverse=True)[1]
        folded = is_fold(str(split[0]))
        scored = np.ones(len(y), bool) if folded else split == "test"
        fold = np.unique(split[scored], return_inverse=True)[1]
        subject = np.array([self.column[s] for s in part["subject_id"]])[scored]
        weights = set_weights(self.draws, subject, np.unique(group[scored], return_inverse=True)[1])
        common = _counts(part, y, scored, scored if folded else ~scored)
        rows, replicates = [], []
        for name, store in self.stores.items():
            x = store.vectors[[self.row[name][s] for s in part["session_id"]]]
            scores, c, chosen_on = (_out_of_fold if folded else _held_out)(x, y, split, group, seed)
            replicates.append(auroc(y[scored], scores[scored], fold, weights))
            value = float(auroc(y[scored], scores[scored], fold)[0])
            low, high = auroc_interval(value, replicates[-1], int(y[scored].sum()))
            found = {"auroc": value, "low": low, "high": high}
            rows.append(common | found | {"embedding": name, "width": x.shape[1], "c": c, "chosen_on": chosen_on})
        return rows, np.stack(replicates)


def _held_out(x: np.ndarray, y: np.ndarray, split: np.ndarray, group: np.ndarray, seed: int):
    probe = probe_rows(x, y, split == "train", split == "val", group, seed)
    return probe.scores, probe.c, probe.chosen_on


def _out_of_fold(x: np.ndarray, y: np.ndarray, split: np.ndarray, group: np.ndarray, seed: int):
    """Scores of each fold from a probe that was fitted, and its C chosen, on the other folds only."""
    scores, cs, none = np.full(len(y), np.nan), [], np.zeros(len(y), bool)
    for name in np.unique(split):
        out = split == name
        probe = probe_rows(x, y, ~out, none, group, seed)
        scores[out] = probe.scores[out]
        cs.append(probe.c)
    return scores, float(np.median(cs)), probe.chosen_on


def _counts(part: pl.DataFrame, y: np.ndarray, scored: np.ndarray, fit: np.ndarray) -> dict[str, Any]:
    folds = part["split"].n_unique() if is_fold(part["split"][0]) else 0
    return {
        "task": part["task"][0],
        "family": part["family"][0],
        "cases": int(y[scored].sum()),
        "controls": int((~y[scored]).sum()),
        "train_cases": int(y[fit].sum()),
        "train_controls": int((~y[fit]).sum()),
        "scored_on": f"{folds} folds" if folds else "test",
        "unit": "session, one per subject",
        "probe": PROBE,
    }


def _flagged(row: dict[str, Any]) -> dict[str, Any]:
    flags = ["small-n"] * (row["cases"] < SMALL_N) + ["overlap"] * (row["overlap"] > 0)
    return row | {"flags": ", ".join(flags)}
