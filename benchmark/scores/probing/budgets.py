"""Label budgets: how many training cases, with their matched sets, a probe is given; "10", "25", "5%" or "all".

Labelled people are drawn by the seed from the sorted sets of a task, so they are the same for every embedding and in
whatever order rows come, and nested: the 10 are among the 25. A task has a row for a budget only where it has at least
as many training cases (a share: where it comes to `LEAST` cases), so that means over tasks compare the same ones.
"""

import math
import re

import numpy as np

from benchmark.scores.probing.stacks import Draw
from tokenizer.base.files import fingerprint

ALL = "all"
LEAST = 4
"""Cases that a budget must come to: fewer leave inner folds nothing to choose by."""
INNER_FOLDS = 5
MIN_VAL_CASES = 15  # with fewer, one lucky validation case chooses the regularisation; then inner folds choose


def check_budgets(budgets: list[str]) -> list[str]:
    """Budgets from the smallest to the largest, each once. Raises ValueError (one line) for anything else."""
    if not budgets:
        raise ValueError('train_cases=[] has no entry; give numbers of training cases, shares or "all": [10,25,all]')
    for budget in budgets:
        whole = re.fullmatch(r"\d{1,9}", budget)
        share = re.fullmatch(r"(\d{1,2}(?:\.\d+)?)%", budget)
        if not (budget == ALL or (whole and int(budget) >= LEAST) or (share and float(share[1]) > 0)):
            raise ValueError(
                f"train_cases={budget}: expected a number of training cases from {LEAST} on, a share like 5%, or all"
            )
    return sorted(set(budgets), key=lambda b: (b == ALL, b.endswith("%"), float(b.rstrip("%")) if b != ALL else 0))


def cases_of(budget: str, cases: int) -> int | None:
    """How many of a task's training cases a budget is; None where the task has not so many."""
    if budget == ALL:
        return cases
    wanted = math.ceil(float(budget[:-1]) / 100 * cases) if budget.endswith("%") else int(budget)
    return wanted if LEAST <= wanted <= cases else None


def make_draw(
    y: np.ndarray, train: np.ndarray, val: np.ndarray, group: np.ndarray, budget: str, seed: int
) -> Draw | None:
    """The rows of one budget under one seed, and its inner folds; None where there are not enough cases.

    y, train, val: (n,) bool · group: (n,) int, matched sets. With all labels the val rows choose where they hold
    `MIN_VAL_CASES` cases, else inner folds of matched sets do; of a smaller budget, inner folds of those drawn.
    """
    sets = np.unique(group[train | val])
    sets = sets[np.isin(sets, group[y & (train | val)])]
    wanted = cases_of(budget, len(sets))
    if wanted is None:
        return None
    # the order of a budget's people must not be that of its inner folds: each has a generator of its own
    order = np.random.default_rng(int(fingerprint("label budget", str(seed)), 16)).permutation(sets)
    fit = np.flatnonzero((train | val) & np.isin(group, order[:wanted]))
    if budget == ALL and (y & val).sum() >= MIN_VAL_CASES and (y & train).any():
        return Draw(fit, [val[fit]], "val", seed)
    held_out = inner_folds(group[fit], seed)
    return Draw(fit, held_out, f"{len(held_out)} inner folds" if held_out else "the middle of the grid", seed)


def inner_folds(group: np.ndarray, seed: int) -> list[np.ndarray]:
    """Up to `INNER_FOLDS` masks (n,) of rows to hold out; a matched set is never cut. None for one set alone."""
    sets = np.random.default_rng(seed).permutation(np.unique(group))
    parts = [np.isin(group, part) for part in np.array_split(sets, min(INNER_FOLDS, len(sets)))]
    return parts if len(parts) > 1 else []
