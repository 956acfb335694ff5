"""Matched sets: each case gets controls of the same sex, site and setting, and of nearly the same age.

Matching is optimal within each stratum: first as many cases as possible get a control, then the summed age
difference is smallest (Hungarian method, scipy's `linear_sum_assignment`; greedy nearest-neighbour matching loses
cases wherever two of them want the same control). What is missing (no age, no sex …) is a stratum of its own.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.optimize import linear_sum_assignment

MATCH_ON = ("sex", "site", "setting", "age")
AGE_YEARS = 5.0
MOST_CELLS = 4_000_000  # of one assignment problem; beyond it (thousands of cases) candidates are thinned by a draw


def match_sets(labelled: pl.DataFrame, controls: int, seed: int, match_on: Sequence[str] = MATCH_ON) -> pl.DataFrame:
    """Cases and their controls, chosen among the labelled sessions of one split.

    `labelled` has session_id, label, age, sex, site, setting. Returns session_id, label, case (the session_id
    of the set's case); a case without any control is left out, and so are unused controls. `match_on` names what
    is matched, out of MATCH_ON: age within `AGE_YEARS`, the others exactly.
    """
    rng, frame = np.random.default_rng(seed), labelled.sort("session_id")
    if "age" not in match_on:
        frame = frame.with_columns(pl.lit(None, pl.Float32).alias("age"))
    case, age = frame["label"].to_numpy(), frame["age"].fill_null(0.0).cast(pl.Float64).to_numpy()
    pairs: list[tuple[int, int]] = []
    for rows in _strata(frame, [c for c in match_on if c != "age"]):
        pairs += _match_stratum(rows[case[rows]], rows[~case[rows]], age, controls, rng)
    names = frame["session_id"].to_list()
    return _as_sets([(names[a], names[b]) for a, b in pairs])


def _strata(frame: pl.DataFrame, exact: list[str]) -> list[np.ndarray]:
    """Row numbers of each stratum; a missing value is a value of its own."""
    values = [*(pl.col(c).fill_null("?") for c in exact), pl.col("age").is_null()]
    key = frame.select(pl.concat_str(values, separator="\x1f")).to_series().rank("dense").to_numpy()
    order = np.argsort(key, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(key[order])) + 1)


def draw_sets(labelled: pl.DataFrame, cases: list[str], controls: int, seed: int) -> pl.DataFrame:
    """The given cases with controls drawn at random: the unmatched twin of `match_sets`, in the same form."""
    pool = labelled.filter(~pl.col("label"))["session_id"].sort().to_numpy()
    wanted = [case for _ in range(controls) for case in sorted(cases)]
    drawn = np.random.default_rng(seed).permutation(pool)
    return _as_sets([(case, str(control)) for case, control in zip(wanted, drawn, strict=False)])


def assign_folds(cases: list[str], folds: int, seed: int) -> dict[str, str]:
    """A fold for each matched set, by its case: seeded, and as even as can be."""
    order = np.random.default_rng(seed).permutation(len(cases))
    return {sorted(cases)[i]: f"fold{rank % folds}" for rank, i in enumerate(order)}


def _match_stratum(
    cases: np.ndarray, pool: np.ndarray, age: np.ndarray, controls: int, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Pairs of rows (case, control), a round for each wanted control; only matched cases go on to the next round."""
    pairs = []
    for _ in range(controls):
        if not len(cases) or not len(pool):
            break
        most = max(MOST_CELLS // len(cases), 2 * len(cases))
        offered = pool if len(pool) <= most else np.sort(rng.choice(pool, most, replace=False))
        rows, columns = _assign(age[cases], age[offered])
        cases, taken = cases[rows], offered[columns]
        pairs += zip(cases.tolist(), taken.tolist(), strict=True)
        pool = pool[~np.isin(pool, taken)]
    return pairs


def _assign(cases: np.ndarray, pool: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of matched cases and of their controls: most pairs within `AGE_YEARS`, then least age difference."""
    apart = np.abs(cases[:, None] - pool[None, :])
    forbidden = apart > AGE_YEARS
    # one forbidden pair costs more than all allowed ones together, so their number is minimised first
    cost = np.where(forbidden, AGE_YEARS * (len(cases) + 1) + 1.0, apart)
    rows, columns = linear_sum_assignment(cost)
    kept = ~forbidden[rows, columns]
    return rows[kept], columns[kept]


def _as_sets(pairs: list[tuple[str, str]]) -> pl.DataFrame:
    cases = sorted({case for case, _ in pairs})
    return pl.DataFrame(
        {
            "session_id": cases + [control for _, control in pairs],
            "label": [True] * len(cases) + [False] * len(pairs),
            "case": cases + [case for case, _ in pairs],
        },
        schema={"session_id": pl.String, "label": pl.Boolean, "case": pl.String},
    )
