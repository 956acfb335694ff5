"""AUROC by subgroup: by age band, sex, site and setting, and the level at which each embedding does worst.

Within a level are the matched sets whose case belongs to it; with exact matching their controls share it. A task counts
where a level has `MIN_SETS` such sets, and a level is the mean over those tasks. Because these are other tasks for
another level, `everybody` holds the AUROC of all sets on the same tasks: a level is compared with that. A level
that all sets of a task belong to is no part of it, and does not count.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from benchmark.scores.predictions import Predictions
from benchmark.scores.statistics.auroc import auroc, auroc_interval, set_weights, subject_draws

MIN_SETS = 10
RESAMPLES = 100  # of which only the spread is taken
AGES = {"<18": (0, 18), "18–39": (18, 40), "40–64": (40, 65), "65+": (65, np.inf)}
BY = ("age", "sex", "site", "setting")
UNKNOWN = "unknown"
SUBGROUPS = {
    "embedding": pl.String,
    "by": pl.String,  # age, sex, site or setting
    "level": pl.String,
    "auroc": pl.Float64,  # mean over tasks
    "low": pl.Float64,  # 95 % interval, bootstrap by matched set, tied over tasks by shared people
    "high": pl.Float64,
    "everybody": pl.Float64,  # mean AUROC of all sets on the same tasks
    "tasks": pl.Int64,
    "people": pl.Int64,
}


def subgroup_scores(
    predictions: Mapping[str, Predictions], embeddings: Sequence[str], sessions: pl.DataFrame
) -> pl.DataFrame:
    """A row of `SUBGROUPS` for each embedding and level that has a task with enough sets.

    predictions: task -> predictions of all `embeddings`, in their order · sessions: the session table
    """
    levels = levels_of(sessions)
    everyone = np.unique(np.concatenate([p.subject_id for p in predictions.values()] or [[]]))
    draws = subject_draws(len(everyone), 0, RESAMPLES)
    cells: dict[tuple[str, str], list[_Cell]] = {}
    for one in predictions.values():
        weights = set_weights(draws, np.searchsorted(everyone, one.subject_id), _numbered(one.matched_set))
        whole = _aurocs(one, weights[:0], np.ones(len(one.label), bool))[:, 0]
        for by in BY:
            of_row = _level_of_set(one, levels[by])
            for level in sorted(set(of_row)):
                inside = of_row == level
                if one.label[inside].sum() >= MIN_SETS and not inside.all():
                    cell = _Cell(_aurocs(one, weights, inside), whole, one.subject_id[inside], one.label[inside])
                    cells.setdefault((by, level), []).append(cell)
    rows = [row for key in sorted(cells, key=_order) for row in _rows(*key, cells[key], embeddings)]
    return pl.DataFrame(rows, SUBGROUPS, orient="row")


def worst_levels(subgroups: pl.DataFrame) -> pl.DataFrame:
    """One row of `SUBGROUPS` per embedding: the level that is furthest below everybody on the same tasks."""
    apart = pl.col("auroc") - pl.col("everybody")
    return subgroups.sort(apart, maintain_order=True).unique("embedding", keep="first", maintain_order=True)


def levels_of(sessions: pl.DataFrame) -> dict[str, dict[str, str]]:
    """Session -> its level, for each of `BY`; what is not known is a level of its own."""
    table = sessions.with_columns(age=_bands(sessions["age"]))
    return {by: dict(zip(table["session_id"], table[by].fill_null(UNKNOWN), strict=True)) for by in BY}


@dataclasses.dataclass
class _Cell:
    """One level of one task: AUROC and replicates (embeddings, 1 + R), the whole task's (embeddings,), who (n,)."""

    aurocs: np.ndarray
    whole: np.ndarray
    people: np.ndarray
    case: np.ndarray


def _rows(by: str, level: str, cells: list[_Cell], embeddings: Sequence[str]) -> list[tuple]:
    values = np.nanmean([cell.aurocs for cell in cells], axis=0)  # a resample may leave a task no pair
    whole = np.mean([cell.whole for cell in cells], axis=0)
    people = len({who for cell in cells for who in cell.people})
    cases = len({who for cell in cells for who in cell.people[cell.case]})
    rows = []
    for name, value, everybody in zip(embeddings, values, whole, strict=True):
        low, high = auroc_interval(float(value[0]), value[1:], cases)
        rows.append((name, by, level, value[0], low, high, everybody, len(cells), people))
    return rows


def _aurocs(one: Predictions, weights: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """AUROC (embeddings, 1 + R) of the rows `inside`, of a task or of a part of it: as they are, then resampled."""
    every = np.concatenate([np.ones((1, len(one.label))), weights])[:, inside] * one.weight[inside]
    return np.stack([auroc(one.label[inside], scores[inside], one.fold[inside], every) for scores in one.scores])


def _level_of_set(one: Predictions, level: Mapping[str, str]) -> np.ndarray:
    """The level (n,) of each row's case."""
    case = {
        s: level.get(i, UNKNOWN) for s, i in zip(one.matched_set[one.label], one.session_id[one.label], strict=True)
    }
    return np.array([case[s] for s in one.matched_set])


def _bands(age: pl.Series) -> pl.Series:
    band = pl.lit(None, pl.String)
    for name, (low, high) in AGES.items():
        band = pl.when((pl.col("age") >= low) & (pl.col("age") < high)).then(pl.lit(name)).otherwise(band)
    return age.to_frame().select(age=band)["age"]


def _numbered(values: np.ndarray) -> np.ndarray:
    return np.unique(values, return_inverse=True)[1]


def _order(key: tuple[str, str]) -> tuple[int, int, str]:
    """Levels as people expect them: ages from young to old, the rest by name, the unknown last."""
    by, level = key
    ages = list(AGES).index(level) if level in AGES else 0
    return BY.index(by), len(AGES) if level == UNKNOWN else ages, level
