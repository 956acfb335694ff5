"""Checks of the benchmark itself: balance of matched people, and rows that should know nothing.

Balance is the standardised mean difference (SMD) of a covariate between cases and controls, before and after matching;
0.1 and more counts as unbalanced (Austin 2009). The other checks are scores: of exchanged labels, of conditions that
an EEG should not show, of what is known without the brain, of who it is, and of groups of people.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from benchmark.report.facts import Facts
from benchmark.scores.comparing import Mean, mean_scores, per_task
from benchmark.scores.scoring import Scored
from benchmark.scores.subgroups import worst_levels
from benchmark.tasksets.balance import UNBALANCED

WORST = 10


@dataclasses.dataclass
class Imbalance:
    """One covariate of one task and split: its SMD before and after matching."""

    task: str
    split: str
    covariate: str
    before: float | None
    after: float | None


@dataclasses.dataclass
class Check:
    """One line of the table of checks: what was scored, what it should give, what it gives, and a remark."""

    what: str
    expected: str
    measured: str
    remark: str = ""


def imbalances(facts: Facts) -> list[Imbalance]:
    """All that the tasks' file knows of the balance of the scored tasks, the worst after matching first."""
    balance = facts.about.get("balance") or {}
    rows = [
        Imbalance(facts.results.words(task), split, covariate, before, after)
        for task in facts.scored.tasks
        for split, covariates in balance.get(task, {}).items()
        for covariate, (before, after) in covariates.items()
    ]
    return sorted(rows, key=lambda row: (-abs(row.after or 0), row.task, row.split))


def by_covariate(rows: list[Imbalance]) -> list[dict[str, Any]]:
    """A row per covariate, the worst first: tasks and splits, how many are unbalanced, the largest before and after."""
    table = []
    for covariate in dict.fromkeys(sorted(row.covariate for row in rows)):
        mine = [row for row in rows if row.covariate == covariate]
        before, after = ([abs(v) for v in values if v is not None] for values in zip(*_pairs(mine), strict=True))
        table.append(
            {"covariate": covariate, "count": len(mine)}
            | {"before": max(before, default=None), "after": max(after, default=None)}
            | {"off_before": sum(v > UNBALANCED for v in before), "off_after": sum(v > UNBALANCED for v in after)}
        )
    return sorted(table, key=lambda row: -(row["after"] or 0))


def _pairs(rows: list[Imbalance]) -> list[tuple[float | None, float | None]]:
    return [(row.before, row.after) for row in rows]


def checks(facts: Facts) -> list[Check]:
    """Every check that this run made, in the order of the page."""
    return [*_permuted(facts), *_controls(facts), *_nuisance(facts), *_identity(facts)]


def _permuted(facts: Facts) -> Iterator[Check]:
    if scored := facts.results.permuted:
        yield Check(
            "a member of every matched set, drawn at random, as its case", "0.50", _range(scored), _astray(scored)
        )


def _controls(facts: Facts) -> Iterator[Check]:
    scored = facts.results.controls
    if not scored:
        return
    table = per_task(scored)
    task, column = np.unravel_index(np.abs(table - 0.5).argmax(), table.shape)
    where = f"{facts.results.words(scored.tasks[task])}, {scored.embeddings[column]} {table[task, column]:.2f}"
    yield Check(
        f"{len(scored.tasks)} conditions that an EEG should not show",
        "0.50",
        _range(scored),
        "; ".join(filter(None, [_astray(scored), f"furthest: {where}"])),
    )


def _nuisance(facts: Facts) -> Iterator[Check]:
    for mean in facts.means:
        encoder = facts.results.encoders.get(mean.embedding)
        if encoder and encoder.matched_away:
            yield Check(f"{mean.embedding}: {encoder.what}", "0.50 if matching left nothing", _mean(mean))
        elif encoder and encoder.nuisance:
            yield Check(f"{mean.embedding}: {encoder.what}", "near 0.50", _mean(mean), "may hold a little of the EEG")


def _identity(facts: Facts) -> Iterator[Check]:
    for row in (row for row in facts.results.identity if row.embedding in facts.shown):
        yield Check(
            f"{row.embedding}: is another session of the same person nearer than one of somebody else?",
            "0.50 if it does not tell people apart",
            f"{row.auroc:.2f}",
            f"the nearest of {row.pool} is the same person in {100 * row.recall:.0f} of 100 cases; {row.people} people",
        )


def _range(scored: Scored) -> str:
    """Means of all embeddings from the lowest to the highest, each with its interval."""
    means = mean_scores(scored)
    ends = [means[-1], means[0]] if len(means) > 1 else means
    return " to ".join(f"{_mean(m)} {m.embedding}" for m in ends)


def _astray(scored: Scored) -> str:
    """Whose interval 0.5 lies outside of; empty if nobody's."""
    odd = [m.embedding for m in mean_scores(scored) if not m.low <= 0.5 <= m.high]
    return f"0.5 lies outside the interval of {', '.join(odd)} (by chance of one row in 20)" if odd else ""


def _mean(mean: Mean) -> str:
    return f"{mean.auroc:.3f} [{mean.low:.3f}, {mean.high:.3f}]"


def subgroup_rows(facts: Facts) -> list[dict[str, Any]]:
    """Rows of `SUBGROUPS` of the shown embeddings; `worst` marks the level that is furthest below everybody."""
    table = facts.results.subgroups.filter(pl.col("embedding").is_in(facts.shown))
    worst = {(row["embedding"], row["by"], row["level"]) for row in worst_levels(table).to_dicts()}
    rows = [row | {"worst": (row["embedding"], row["by"], row["level"]) in worst} for row in table.to_dicts()]
    return sorted(rows, key=lambda row: facts.shown.index(row["embedding"]))


def worst_groups(rows: list[dict[str, Any]]) -> list[str]:
    """The group in which each embedding does worst, in words."""
    return [
        f"{row['embedding']} does worst at {row['by']} {row['level']}: {row['auroc']:.2f} "
        f"[{row['low']:.2f}, {row['high']:.2f}], everybody on the same tasks {row['everybody']:.2f}; "
        f"tasks: {row['tasks']}, people: {row['people']}"
        for row in rows
        if row["worst"]
    ]
