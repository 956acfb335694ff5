"""The bench: one task scored for every embedding, with the bootstrap's replicates."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from benchmark.encoders.encoder import vectors_of
from benchmark.scores.probes import GRID, INNER_FOLDS, MIN_VAL_CASES, probe_rows
from benchmark.scores.statistics import auroc, auroc_interval, set_weights, subject_draws
from clef.fold_embeddings import Store, of_fold
from clef.tasks import is_fold

PROBE = (
    f"L2 logistic, float64, balanced classes, standardised on training rows, C·D in 1e{np.log10(GRID[0]):.0f}…"
    f"1e{np.log10(GRID[-1]):.0f}, chosen by balanced log loss on val if it has {MIN_VAL_CASES} cases, else on "
    f"{INNER_FOLDS} inner folds of matched sets; refitted on train + val"
)
Choice = tuple[np.ndarray, float, str]
"""Scores (n,) of all rows, the regularisation C, and what it was chosen on."""
Vectors = dict[str, np.ndarray]
"""Vectors (n, D) of all rows, for the score of each split or fold."""


@dataclasses.dataclass
class TaskScores:
    """One task under one seed: a row of scores per embedding, and bootstrap replicates (embeddings, R), paired."""

    rows: list[dict[str, Any]]
    replicates: np.ndarray


class Bench:
    """What all tasks share: the embeddings, where each session stands in them, and the bootstrap's draws."""

    def __init__(self, stores: Mapping[str, Store], tasks: pl.DataFrame, resamples: int):
        self.stores = stores
        single = [of_fold(s, fold) for s in stores.values() for fold in getattr(s, "folds", ("",))]
        self.row = {id(store): {s: i for i, s in enumerate(store.session_id)} for store in single}
        self.column = {s: i for i, s in enumerate(tasks["subject_id"].unique().sort())}
        self.draws = subject_draws(len(self.column), 0, resamples)

    def score_task(self, part: pl.DataFrame, seed: int) -> TaskScores:
        """Scores of every embedding on one task, `part` of the task table, under one seed."""
        split, y = part["split"].to_numpy(), part["label"].to_numpy()
        group = np.unique(part["match_id"].to_numpy(), return_inverse=True)[1]
        folded = is_fold(str(split[0]))
        scored = np.ones(len(y), bool) if folded else split == "test"
        fold = np.unique(split[scored], return_inverse=True)[1]
        subject = np.array([self.column[s] for s in part["subject_id"]])[scored]
        # the same resamples for every embedding: that is what makes their differences paired
        weights = set_weights(self.draws, subject, np.unique(group[scored], return_inverse=True)[1])
        common = _counts(part, y, scored, scored if folded else ~scored)
        rows, replicates = [], []
        for name, store in self.stores.items():
            x = self.vectors(store, part)
            scores, c, chosen_on = (_out_of_fold if folded else _held_out)(x, y, split, group, seed)
            replicates.append(auroc(y[scored], scores[scored], fold, weights))
            value = float(auroc(y[scored], scores[scored], fold)[0])
            low, high = auroc_interval(value, replicates[-1], int(y[scored].sum()))
            result = {"auroc": value, "low": low, "high": high}
            width = next(iter(x.values())).shape[1]
            rows.append(common | result | {"embedding": name, "width": width, "c": c, "chosen_on": chosen_on})
        return TaskScores(rows, np.stack(replicates))

    def vectors(self, store: Store, part: pl.DataFrame) -> Vectors:
        """Vectors (n, D) of a task's sessions for the score of each of its splits or folds.

        A fold's people are scored in the space of the model that has not seen them, and so are those the probe learns
        from: cross-fitted embeddings have another array for each fold, others the same one.
        """
        made: dict[int, np.ndarray] = {}
        spaces: Vectors = {}
        for name in part["split"].unique():
            single = of_fold(store, name)
            if id(single) not in made:
                rows = [self.row[id(single)][s] for s in part["session_id"]]
                made[id(single)] = vectors_of(single, part["task"][0])[rows]
            spaces[name] = made[id(single)]
        return spaces


def _held_out(x: Vectors, y: np.ndarray, split: np.ndarray, group: np.ndarray, seed: int) -> Choice:
    probe = probe_rows(x["test"], y, split == "train", split == "val", group, seed)
    return probe.scores, probe.c, probe.chosen_on


def _out_of_fold(x: Vectors, y: np.ndarray, split: np.ndarray, group: np.ndarray, seed: int) -> Choice:
    """Scores of each fold from a probe that was fitted, and its C chosen, on the other folds only."""
    scores, cs, none = np.full(len(y), np.nan), [], np.zeros(len(y), bool)
    for name in np.unique(split):
        out = split == name
        probe = probe_rows(x[name], y, ~out, none, group, seed)
        scores[out] = probe.scores[out]
        cs.append(probe.c)
    return scores, float(np.median(cs)), probe.chosen_on


def _counts(part: pl.DataFrame, y: np.ndarray, scored: np.ndarray, fit: np.ndarray) -> dict[str, Any]:
    folds = part["split"].n_unique() if is_fold(part["split"][0]) else 0
    return {
        "task": part["task"][0],
        "family": part["family"][0],
        "labels": "all",
        "cases": int(y[scored].sum()),
        "controls": int((~y[scored]).sum()),
        "train_cases": int(y[fit].sum()),
        "train_controls": int((~y[fit]).sum()),
        "scored_on": f"{folds} folds" if folds else "test",
        "unit": "session, one per subject",
        "probe": PROBE,
    }
