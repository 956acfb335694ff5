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
    case, n = both["label"].to_numpy(), len(labelled)
    weight = member_weights(matched["label"].to_numpy(), matched["case"].to_numpy())
    table = {}
    for name, x in covariates(both).items():
        apart, spread = _difference(x[:n], case[:n], np.ones(n))
        left, _ = _difference(x[n:], case[n:], weight)
        spread = spread or float(np.nanstd(x[:n]))  # each group all alike: a site of cases only
        table[name] = [round(apart / spread, 4), round(left / spread, 4)] if spread else [0.0, 0.0]
    return table


def _difference(x: np.ndarray, case: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Weighted mean of the cases less that of the controls, among known values, and the pooled standard deviation."""
    known = ~np.isnan(x)
    groups = [(x[rows], weight[rows]) for rows in (known & case, known & ~case)]
    if not all(len(values) for values, _ in groups):
        return 0.0, 0.0  # nothing to compare
    means = [np.average(values, weights=w) for values, w in groups]
    variances = [np.average((values - m) ** 2, weights=w) for (values, w), m in zip(groups, means, strict=True)]
    return float(means[0] - means[1]), float(np.sqrt(np.mean(variances)))


def largest(about: Mapping[str, Any], task: str, split: str) -> float | None:
    """The largest absolute standardised mean difference after matching; None where the file does not say.

    about: metadata of a task file · split: a split's name; of a file with folds, whatever is asked for, all of them.
    """
    splits = about.get("balance", {}).get(task, {})
    table = splits.get(split, splits.get("all"))
    return max((abs(after) for _, after in table.values()), default=0.0) if table is not None else None


def unbalanced(about: Mapping[str, Any]) -> dict[str, list[str]]:
    """Split -> the tasks with a covariate above `UNBALANCED` after matching in it, the worst first."""
    worst: dict[str, list[tuple[float, str]]] = {}
    for task, splits in about.get("balance", {}).items():
        for split in splits:
            if (smd := largest(about, task, split) or 0.0) > UNBALANCED:
                worst.setdefault(split, []).append((-smd, task))
    return {split: [task for _, task in sorted(tasks)] for split, tasks in worst.items()}
