"""Means over tasks and differences between embeddings, with paired bootstrap intervals.

In each replicate the same resampled sets are used for all embeddings and, through shared people, for all tasks
(benchmark.scores.statistics). So an interval says what other subjects might have given, for these tasks and these
probes; it does not cover other tasks, nor another training of the model. Differences are not corrected for their
number.
"""

import dataclasses
from itertools import combinations

import numpy as np
import polars as pl

from benchmark.scores.scoring import Scored
from benchmark.scores.statistics import interval


@dataclasses.dataclass
class Mean:
    """Mean AUROC of one embedding over `tasks` tasks, its interval, and the mean per family."""

    embedding: str
    auroc: float
    low: float
    high: float
    tasks: int
    families: dict[str, float]
    overlap: int | None
    """Scored subjects its model has seen; None if its file does not say."""


@dataclasses.dataclass
class Difference:
    """Mean AUROC of `better` minus that of `worse`, paired; `wins` of `tasks` tasks."""

    better: str
    worse: str
    by: float
    low: float
    high: float
    wins: int
    tasks: int

    @property
    def holds(self) -> bool:
        """Whether the interval excludes no difference."""
        return self.low > 0


def mean_scores(scored: Scored) -> list[Mean]:
    """One row per embedding, best first."""
    table = per_task(scored)
    families = dict(scored.scores.select("task", "family").unique().iter_rows())
    of = np.array([families[t] for t in scored.tasks])
    overlap = dict(scored.scores.group_by("embedding").agg(pl.col("overlap").max()).iter_rows())
    rows = []
    for i, name in enumerate(scored.embeddings):
        low, high = interval(_over_tasks(scored.replicates[:, i]))
        each = {family: float(table[of == family, i].mean()) for family in sorted(set(of))}
        rows.append(Mean(name, float(table[:, i].mean()), low, high, len(table), each, overlap[name]))
    return sorted(rows, key=lambda row: -row.auroc)


def differences(scored: Scored) -> list[Difference]:
    """All pairs of embeddings, the better one of each first, in the order of the table."""
    table, order = per_task(scored), [scored.embeddings.index(m.embedding) for m in mean_scores(scored)]
    rows = []
    for a, b in combinations(order, 2):
        low, high = interval(_over_tasks(scored.replicates[:, a] - scored.replicates[:, b]))
        apart = table[:, a] - table[:, b]
        names = scored.embeddings[a], scored.embeddings[b]
        rows.append(Difference(*names, float(apart.mean()), low, high, int((apart > 0).sum()), len(table)))
    return rows


def _over_tasks(replicates: np.ndarray) -> np.ndarray:
    """Mean over tasks of each replicate (tasks, replicates); a draw that left no task both classes says nothing."""
    scored = ~np.isnan(replicates).all(0)
    return np.nanmean(replicates[:, scored], axis=0)


def per_task(scored: Scored) -> np.ndarray:
    """AUROC (tasks, embeddings), the mean over seeds."""
    wide = scored.scores.group_by("task", "embedding").agg(pl.col("auroc").mean())
    value = {(task, embedding): mean for task, embedding, mean in wide.iter_rows()}
    return np.array([[value[t, e] for e in scored.embeddings] for t in scored.tasks])
