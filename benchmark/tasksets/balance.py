"""The balance table: standardised mean differences of cases and controls, before matching and after.

The difference of a covariate's means among cases and controls, in units of its standard deviation: the root of the
mean of both groups' variances before matching, in both columns (Stuart 2010), so that what changes is the difference
alone. Before: everybody who is labelled, cases on record and candidates. After: the matched sets by their weights
(case 1, each of k controls 1/k). An absolute difference above 0.1 is the usual sign of imbalance (Austin 2009).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from benchmark.tasksets.covariates import MATCH_ON, covariates
from benchmark.tasksets.weights import member_weights

UNBALANCED = 0.1
COLUMNS = ("label", *MATCH_ON)
Balance = dict[str, list[float]]
"""Covariate -> its standardised mean difference before and after matching."""


def balance_of(labelled: pl.DataFrame, matched: pl.DataFrame) -> dict[str, Balance]:
    """Balance of one task in each of its splits.

    labelled: everybody who is labelled, matched: the rows of its sets, with `case` the set's name; both have `label`,
    `split`, age, sex, site and setting. Splits without a matched set are left out.
    """
    before = labelled.partition_by("split", as_dict=True)
    sets = matched.partition_by("split", as_dict=True)
    return {split[0]: _balance(before[split], part) for split, part in sorted(sets.items()) if split in before}


def _balance(labelled: pl.DataFrame, matched: pl.DataFrame) -> Balance:
    both = pl.concat([labelled.select(COLUMNS), matched.select(COLUMNS)])
    names, columns = list(values := covariates(both)), list(values.values())
    x = np.column_stack(columns) if columns else np.empty((len(both), 0))
    case, n = both["label"].to_numpy(), len(labelled)
    apart, spread = _differences(x[:n], case[:n], np.ones(n))
    left, _ = _differences(x[n:], case[n:], member_weights(case[n:], matched["case"].to_numpy()))
    spread = np.where(spread > 0, spread, 1.0)  # only where nothing differs
    table = np.column_stack([apart / spread, np.nan_to_num(left) / spread]).round(4).tolist()
    # an age that one group alone has leaves nothing to compare; `age unknown` then says so
    return {name: row for name, row, known in zip(names, table, ~np.isnan(apart), strict=True) if known}


def _differences(x: np.ndarray, case: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted means of the cases less those of the controls (p,), among known values, and the spread (p,) they have.

    x: (n, p), NaN where unknown. NaN for a covariate that is known of one group alone.
    """
    known, x = ~np.isnan(x), np.nan_to_num(x)
    (first, below), (second, above) = (_moments(x[rows], known[rows] * weight[rows, None]) for rows in (case, ~case))
    spread = np.sqrt((below + above) / 2)
    # each group all alike, as with a site of cases only: in units of everybody's spread
    spread = np.where(spread > 0, spread, np.sqrt(_moments(x, known.astype(float))[1]))
    return first - second, spread


def _moments(x: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted means and variances (p,) of the columns of x (n, p); NaN where nothing has weight."""
    total = weight.sum(0)
    total = np.where(total > 0, total, np.nan)
    mean = (weight * x).sum(0) / total
    return mean, (weight * (x - mean) ** 2).sum(0) / total


def largest(about: Mapping[str, Any], task: str, split: str) -> float | None:
    """The largest absolute standardised mean difference after matching; None where the file does not say.

    about: metadata of a task file · split: a split's name; of a file with folds, whatever is asked for, all of them.
    """
    splits = about.get("balance", {}).get(task, {})
    table = splits.get(split, splits.get("all", {}))
    return max((abs(after) for _, after in table.values() if after is not None), default=None)


def unbalanced(about: Mapping[str, Any]) -> dict[str, list[str]]:
    """Split -> the tasks with a covariate above `UNBALANCED` after matching in it, the worst first."""
    worst: dict[str, list[tuple[float, str]]] = {}
    for task, splits in about.get("balance", {}).items():
        for split in splits:
            if (smd := largest(about, task, split) or 0.0) > UNBALANCED:
                worst.setdefault(split, []).append((-smd, task))
    return {split: [task for _, task in sorted(tasks)] for split, tasks in worst.items()}
