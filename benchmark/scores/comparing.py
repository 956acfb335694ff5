"""Means over tasks, differences between embeddings, and what they need to be believed.

All embeddings are scored on the same rows, so everything is paired. An interval of a mean or of a difference says what
other people might have given, for these tasks and these probes (statistics.covariance); `low_tasks` and `high_tasks`
say what other people and other tasks of the kind might have given. Neither covers another training of the
model; `every_draw` says whether the order is the same whoever was labelled and however many. Intervals of means are not
corrected for their number; single tasks are, by the false discovery rate.
"""

import dataclasses
import functools
from itertools import combinations

import numpy as np
import polars as pl
from scipy.special import stdtrit

from benchmark.scores.scoring import Scored
from benchmark.scores.statistics.auroc import logit_interval
from benchmark.scores.statistics.covariance import MeanCovariance, mean_covariance, resampled_covariance
from benchmark.scores.statistics.delong import DeLong
from benchmark.scores.statistics.multiplicity import q_values

POWER = 1.959964 + 0.841621  # normal quantiles of 0.975 and 0.8
MIN_TASKS = 5  # fewer say too little about tasks of the kind: of three, intervals cover 92 to 93 % (simulated)
FALSE_DISCOVERIES = 0.05
"""Share of wins and losses over tasks that may be none."""


@dataclasses.dataclass
class Mean:
    """Mean AUROC of one embedding over `tasks` tasks, its intervals, and the mean per family."""

    embedding: str
    auroc: float
    low: float
    high: float
    tasks: int
    families: dict[str, float]
    overlap: int | None
    """Scored subjects its model has seen; None if its file does not say."""
    low_tasks: float | None = None
    """Interval for other people and other tasks; None with fewer than `MIN_TASKS`."""
    high_tasks: float | None = None


@dataclasses.dataclass
class Difference:
    """Mean AUROC of `better` minus that of `worse`, paired; over `tasks` tasks it wins, ties and loses (q < 0.05)."""

    better: str
    worse: str
    by: float
    low: float
    high: float
    wins: int
    ties: int
    losses: int
    tasks: int
    every_draw: bool
    """Whether `better` is above in every seed and at every label budget: in each of `draws`."""
    draws: int
    sets_needed: int | None
    """Matched sets per task that show a difference of this size, were it the true one; None if there is none."""

    @property
    def holds(self) -> bool:
        """Whether the interval excludes no difference."""
        return self.low > 0


@functools.lru_cache(maxsize=8)
def _covariance(scored: Scored) -> tuple[dict[str, DeLong], MeanCovariance]:
    """DeLong of each task, and the covariance of means; without predictions, from the replicates."""
    if not scored.predictions:
        return {}, resampled_covariance(scored.replicates, scored.subjects // 2)
    tests, total = mean_covariance([scored.predictions[task] for task in scored.tasks])
    return dict(zip(scored.tasks, tests, strict=True)), total


@functools.lru_cache(maxsize=8)
def mean_scores(scored: Scored) -> tuple[Mean, ...]:
    """One row per embedding, best first."""
    table, covariance = per_task(scored), _covariance(scored)[1]
    families = dict(scored.scores.select("task", "family").unique().iter_rows())
    of = np.array([families[t] for t in scored.tasks])
    overlap = dict(scored.scores.group_by("embedding").agg(pl.col("overlap").max()).iter_rows())
    rows = []
    for i, name in enumerate(scored.embeddings):
        mean, only = float(table[:, i].mean()), np.eye(len(scored.embeddings))[i]
        low, high = logit_interval(mean, covariance.se(only), _sets(scored), covariance.quantile)
        row = Mean(name, mean, low, high, len(table), {}, overlap[name])
        row.families = {family: float(table[of == family, i].mean()) for family in sorted(set(of))}
        if len(table) >= MIN_TASKS:
            se, quantile = covariance.se_of_tasks(only, table[:, i])
            row.low_tasks, row.high_tasks = logit_interval(mean, se, _sets(scored), quantile)
        rows.append(row)
    return tuple(sorted(rows, key=lambda row: -row.auroc))


@functools.lru_cache(maxsize=8)
def differences(scored: Scored) -> tuple[Difference, ...]:
    """All pairs of embeddings, the better one of each first, in the order of the table."""
    table, covariance, sets = per_task(scored), _covariance(scored)[1], _sets(scored)
    order = [scored.embeddings.index(mean.embedding) for mean in mean_scores(scored)]
    draws = _draws(scored)
    rows = []
    for a, b in combinations(order, 2):
        by = float((table[:, a] - table[:, b]).mean())
        se = covariance.se(np.eye(len(order))[a] - np.eye(len(order))[b])
        half = covariance.quantile * se
        outcome = task_differences(scored, scored.embeddings[a], scored.embeddings[b])["outcome"].to_list()
        counts = [outcome.count(word) for word in ("win", "tie", "loss")]
        above = bool((draws[:, a] > draws[:, b]).all())
        names = scored.embeddings[a], scored.embeddings[b]
        needed = _sets_needed(by, se, sets)
        rows.append(Difference(*names, by, by - half, by + half, *counts, len(table), above, len(draws), needed))
    return tuple(rows)


def task_differences(scored: Scored, a: str, b: str) -> pl.DataFrame:
    """AUROC of embedding `a` minus that of `b` in each task: task, by, low, high, p, q, outcome ("win", "tie", "loss").

    p is of the paired DeLong test by matched set, q corrects it for the number of tasks; a win is by > 0 with
    q < `FALSE_DISCOVERIES`. All of seed 0 at the largest label budget, so `by` may differ a little from the difference
    of scores that are means over seeds. Empty for scores that were kept without predictions.
    """
    i, j = scored.embeddings.index(a), scored.embeddings.index(b)
    rows = []
    for task, test in _covariance(scored)[0].items():
        by, se, p = test.difference(i, j)
        half = float(stdtrit(max(test.sets - 1, 1), 0.975)) * se
        rows.append((task, by, by - half, by + half, p))
    schema = {"task": pl.String} | dict.fromkeys(("by", "low", "high", "p"), pl.Float64)
    table = pl.DataFrame(rows, schema=schema, orient="row")
    called = pl.when(pl.col("q") >= FALSE_DISCOVERIES).then(pl.lit("tie"))
    return table.with_columns(q=pl.Series(q_values(table["p"].to_numpy()), dtype=pl.Float64)).with_columns(
        outcome=called.when(pl.col("by") > 0).then(pl.lit("win")).otherwise(pl.lit("loss"))
    )


def label_table(scored: Scored) -> pl.DataFrame:
    """Mean AUROC over tasks by label budget: embedding, labels, auroc (mean over seeds), lowest, highest, tasks.

    lowest, highest: of the seeds. Budgets are in the order of the training cases they gave, the largest last. All are
    of the same `tasks` tasks, those with cases enough for every budget: means of other tasks at each budget would
    compare tasks. Where no task has, the largest budget alone is left.
    """
    seeds = (
        of_all_budgets(scored)
        .group_by("embedding", "labels", "seed")
        .agg(pl.col("auroc").mean(), given=pl.col("train_cases").mean(), tasks=pl.col("task").n_unique())
    )
    table = seeds.group_by("embedding", "labels").agg(
        auroc=pl.col("auroc").mean(),
        lowest=pl.col("auroc").min(),
        highest=pl.col("auroc").max(),
        tasks=pl.col("tasks").max(),
        given=pl.col("given").mean(),
    )
    is_main = pl.col("labels") == scored.main
    return table.sort(is_main, "given", pl.col("auroc").neg(), "embedding").drop("given")


def of_all_budgets(scored: Scored) -> pl.DataFrame:
    """Rows of the tasks that were scored at every label budget; of all tasks at the largest one, if there are none."""
    counts = scored.scores.group_by("task").agg(budgets=pl.col("labels").n_unique())
    common = counts.filter(pl.col("budgets") == scored.scores["labels"].n_unique())["task"]
    is_kept = pl.col("task").is_in(common.implode()) if len(common) else pl.col("labels") == scored.main
    return scored.scores.filter(is_kept)


def per_task(scored: Scored) -> np.ndarray:
    """AUROC (tasks, embeddings) at the largest label budget, the mean over seeds."""
    main = scored.scores.filter(pl.col("labels") == scored.main)
    wide = main.group_by("task", "embedding").agg(pl.col("auroc").mean())
    value = {(task, embedding): mean for task, embedding, mean in wide.iter_rows()}
    return np.array([[value[t, e] for e in scored.embeddings] for t in scored.tasks])


def _draws(scored: Scored) -> np.ndarray:
    """Mean AUROC over tasks (draws, embeddings): a draw is a seed at a label budget."""
    means = scored.scores.group_by("labels", "seed", "embedding").agg(pl.col("auroc").mean())
    wide = means.pivot("embedding", index=["labels", "seed"], values="auroc")
    return wide.select(scored.embeddings).to_numpy()


def _sets(scored: Scored) -> float:
    """Matched sets that a task is scored on, on average: each has one case."""
    return float(scored.scores.unique("task")["cases"].mean())


def _sets_needed(by: float, se: float, sets: float) -> int | None:
    """Matched sets per task for 80 % power at 5 %, two-sided: a standard error falls with their square root.

    n = (z₀.₉₇₅ + z₀.₈)² · n₀ · se² / by², of Obuchowski & McClish 1997 with the variance measured on n₀ sets.
    """
    if by == 0:
        return None
    return max(2, int(np.ceil(POWER**2 * sets * (se / by) ** 2)))
