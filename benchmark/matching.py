"""Matched sets: each case gets controls of the same sex, site and setting, and of nearly the same age.

Matching is optimal within each stratum: first as many cases as possible get a control, then the summed age
difference is smallest (Hungarian method, scipy's `linear_sum_assignment`; greedy nearest-neighbour matching loses
cases wherever two of them want the same control). What is missing (no age, no sex …) is a stratum of its own.
"""

import numpy as np
import polars as pl
from scipy.optimize import linear_sum_assignment

EXACT = ("sex", "site", "setting")
AGE_YEARS = 5.0
MOST_CELLS = 4_000_000  # of one assignment problem; beyond it (thousands of cases) candidates are thinned by a draw


def match_sets(labelled: pl.DataFrame, controls: int, seed: int) -> pl.DataFrame:
    """Cases and their controls, chosen among the labelled sessions of one split.

    `labelled` has session_id, label, age, sex, site, setting. Returns session_id, label, case (the session_id
    of the set's case); a case without any control is left out, and so are unused controls.
    """
    rng = np.random.default_rng(seed)
    pairs: list[tuple[str, str]] = []
    strata = labelled.with_columns(pl.col("age").is_null().alias("_ageless")).sort("session_id")
    for _, stratum in strata.group_by([*EXACT, "_ageless"], maintain_order=True):
        pairs += _match_stratum(stratum.filter("label"), stratum.filter(~pl.col("label")), controls, rng)
    return _as_sets(pairs)


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
    cases: pl.DataFrame, pool: pl.DataFrame, controls: int, rng: np.random.Generator
) -> list[tuple[str, str]]:
    """Pairs (case, control), a round for each wanted control; only matched cases go on to the next round."""
    pairs = []
    for _ in range(controls):
        if not len(cases) or not len(pool):
            break
        offered = _thin(pool, len(cases), rng)
        rows, columns = _assign(_ages(cases), _ages(offered))
        cases, taken = cases[rows], offered[columns]
        pairs += list(zip(cases["session_id"], taken["session_id"], strict=True))
        pool = pool.join(taken, on="session_id", how="anti", maintain_order="left")
    return pairs


def _ages(frame: pl.DataFrame) -> np.ndarray:
    return frame["age"].fill_null(0.0).cast(pl.Float64).to_numpy()


def _assign(cases: np.ndarray, pool: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of matched cases and of their controls: most pairs within `AGE_YEARS`, then least age difference."""
    apart = np.abs(cases[:, None] - pool[None, :])
    forbidden = apart > AGE_YEARS
    # one forbidden pair costs more than all allowed ones together, so their number is minimised first
    cost = np.where(forbidden, AGE_YEARS * (len(cases) + 1) + 1.0, apart)
    rows, columns = linear_sum_assignment(cost)
    kept = ~forbidden[rows, columns]
    return rows[kept], columns[kept]


def _thin(pool: pl.DataFrame, cases: int, rng: np.random.Generator) -> pl.DataFrame:
    most = max(MOST_CELLS // cases, 2 * cases)
    if len(pool) <= most:
        return pool
    return pool[np.sort(rng.choice(len(pool), most, replace=False))]


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
