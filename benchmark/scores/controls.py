"""Controls on the benchmark itself: the same rows on other labels and other tasks, scored once each.

Permuted labels and tasks that an EEG should not show have to give 0.5; the unmatched twins of the tasks show what
matching takes from the rows that know what it matches on; subject identity and subgroups say who is behind a score.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from benchmark.encoders.registry import encoders_of
from benchmark.scores.eligibility import scored_rows
from benchmark.scores.identity import Identity, score_identity
from benchmark.scores.probing.budgets import ALL
from benchmark.scores.scoring import Scored, put_in_folds, score_tasks
from benchmark.scores.subgroups import SUBGROUPS, subgroup_scores
from benchmark.tasksets.permuting import permute_labels
from clef.cohort import Cohort
from clef.fold_embeddings import Store
from clef.tasks import read_tasks

Tasks = tuple[pl.DataFrame, dict[str, Any]]
"""A table of tasks, and what its file says."""


def read_unmatched(path: str | None, tasks: pl.DataFrame) -> Tasks | None:
    """The unmatched twins of `tasks`. Raises ValueError (one line) if they are matched, or others."""
    if not path:
        return None
    twins, about = read_tasks(path)
    if about.get("protocol", {}).get("matched", True):
        raise ValueError(f"unmatched_tasks={path}: these tasks are matched; build with matched=false")
    if twins.join(tasks, on="task", how="semi").is_empty():
        raise ValueError(f"unmatched_tasks={path}: none of its tasks is among those scored")
    return twins, about


def read_controls(path: str | None, tasks: pl.DataFrame) -> Tasks | None:
    """Tasks that an EEG should not show. Raises ValueError (one line) if one of them is among `tasks`."""
    if not path:
        return None
    controls, about = read_tasks(path)
    if len(same := controls.join(tasks, on="task", how="semi")):
        raise ValueError(
            f"control_tasks={path}: its task {same['task'][0]!r} is among those scored; give tasks that an EEG should "
            f"not show, built with suite=controls"
        )
    return controls, about


def score_once(
    tasks: pl.DataFrame, stores: Mapping[str, Store], options: Mapping[str, Any], labels: str = ALL
) -> Scored:
    """All rows on other tasks or labels: one draw of the probes at one label budget.

    `options` as for `score_tasks`; what they say of draws and budgets does not hold here.
    """
    return score_tasks(tasks, stores, **(dict(options) | {"seeds": 1, "train_cases": [labels]}))


def score_unmatched(
    twins: Tasks | None, stores: Mapping[str, Store], matched: Scored, options: Mapping[str, Any]
) -> Scored | None:
    """Embeddings that matching takes something from, on the unmatched twins of the scored tasks."""
    shown = {name: stores[name] for name, encoder in encoders_of(stores).items() if encoder.matched_away}
    if twins is None or not shown:
        return None
    return score_once(twins[0].filter(pl.col("task").is_in(matched.tasks)), shown, options, matched.main)


def score_permuted(
    tasks: pl.DataFrame, stores: Mapping[str, Store], scored: Scored, options: Mapping[str, Any]
) -> Scored:
    """All rows on the scored tasks with permuted labels."""
    permuted = permute_labels(tasks.filter(pl.col("task").is_in(scored.tasks)), seed=0)
    return score_once(permuted, stores, options, scored.main)


def known_people(
    cohort: Cohort, tasks: pl.DataFrame, stores: Mapping[str, Store], scored: Scored, folds: int
) -> list[Identity]:
    """Does each embedding know the scored people again? Empty where nobody comes twice."""
    rows = scored_rows(put_in_folds(tasks.filter(pl.col("task").is_in(scored.tasks)), folds, 0))
    return score_identity(stores, cohort.sessions, rows)


def subgroups_of(cohort: Cohort | None, scored: Scored) -> pl.DataFrame:
    """AUROC by age band, sex, site and setting; no row without a cohort, whose sessions say who is what."""
    if cohort is None:
        return pl.DataFrame(schema=SUBGROUPS)
    return subgroup_scores(scored.predictions, scored.embeddings, cohort.sessions)
