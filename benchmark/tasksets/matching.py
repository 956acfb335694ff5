"""Matched sets: each case gets controls of the same sex, site and setting, and of nearly the same age.

Exact matching has a stratum for each combination of sex, site and setting (what is missing is a value of its own, a
missing age as well) and a caliper of five years on age. Propensity matching has one stratum and a caliper on the
logit (benchmark.tasksets.propensity). Within a stratum pairs are optimal (benchmark.tasksets.assignment): as many
cases as possible get a control, then the summed difference is smallest.

Further controls (1:k) come in rounds, and of the cases with a control alone, so that nobody is lost for the sake of
somebody's second one. They have a fifth of the caliper: where candidates of an age are few, a full caliper takes ever
younger (or older) ones in each round, and age tells cases from controls again. Simulated with cases of 40 to 90 and
candidates who are mostly young, weighted by set: AUROC of age 0.506 with one control, 0.518 with four within the full
caliper, 0.506 with four in rounds of a fifth, which find 96 % as many controls.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from benchmark.tasksets.assignment import pair_on_line
from benchmark.tasksets.covariates import MATCH_ON
from benchmark.tasksets.propensity import CALIPER_SD, propensity

MATCHES = ("exact", "propensity")
AGE_YEARS = 5.0
FURTHER = 0.2  # of the caliper, for a case's second control and all that follow


def match_sets(
    labelled: pl.DataFrame, controls: int, seed: int, match_on: Sequence[str] = MATCH_ON, match: str = "exact"
) -> pl.DataFrame:
    """Cases and their controls, chosen among the labelled sessions of one split.

    `labelled` has session_id, label, age, sex, site, setting. Returns session_id, label, case (the session_id
    of the set's case); a case without any control is left out, and so are unused controls. `match_on` names what
    is matched, out of MATCH_ON: age within `AGE_YEARS` and the others exactly, or all by `match="propensity"`.
    """
    rng, frame = np.random.default_rng(seed), labelled.select("session_id", "label", *match_on)
    frame = frame if frame["session_id"].is_sorted() else frame.sort("session_id")  # the draw depends on no order
    case = frame["label"].to_numpy()
    if case.all() or not case.any():
        return _as_sets([])
    strata = _by_propensity(frame, match_on) if match == "propensity" else _by_value(frame, match_on)
    pairs: list[tuple[int, int]] = []
    for rows, values, caliper in strata:
        pairs += _match_stratum(rows[case[rows]], rows[~case[rows]], values, caliper, controls, rng)
    names = [frame["session_id"].gather(rows).to_list() for rows in np.array(pairs, np.int64).reshape(-1, 2).T]
    return _as_sets(list(zip(*names, strict=True)))


Stratum = tuple[np.ndarray, np.ndarray, float]
"""Row numbers of a stratum, the value of every row of the frame, and the caliper on it."""


def _by_value(frame: pl.DataFrame, match_on: Sequence[str]) -> Iterator[Stratum]:
    """A stratum for each combination of values, and within it age; a missing value is a value of its own."""
    exact = [c for c in match_on if c != "age"]
    age = pl.col("age").cast(pl.Float64) if "age" in match_on else pl.lit(0.0)
    rows = frame.select(*exact, "label", age=age, ageless=age.is_null(), row=pl.int_range(pl.len()))
    values = rows["age"].fill_null(0.0).to_numpy()
    for stratum in rows.partition_by(*exact, "ageless", maintain_order=True):
        if stratum["label"].any():
            yield stratum["row"].to_numpy(), values, AGE_YEARS


def _by_propensity(frame: pl.DataFrame, match_on: Sequence[str]) -> Iterator[Stratum]:
    yield np.arange(len(frame)), *propensity(frame, match_on)


def matching_in_words(match: str, match_on: Sequence[str], controls: int) -> str:
    """How `match_sets` matches, as a file or a report says it."""
    exact = [c for c in match_on if c != "age"]
    if not match_on:
        return "on nothing: any control of the same split"
    if match == "propensity":
        how = (
            f"propensity of {', '.join(match_on)} (logistic regression in each split), logits within {CALIPER_SD:g} sd"
        )
    else:
        how = f"{', '.join(exact)} equal, " if exact else ""
        how += f"age within {AGE_YEARS:g} years" if "age" in match_on else "age not matched"
        how += ", missing values a stratum of their own"
    how += "; optimal assignment: most pairs, then the smallest summed difference"
    return how + (f"; up to {controls} controls, the further ones within {FURTHER:g} of that" if controls > 1 else "")


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
    cases: np.ndarray, pool: np.ndarray, values: np.ndarray, caliper: float, controls: int, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Pairs of rows (case, control), a round for each wanted control; only matched cases go on to the next round."""
    pairs = []
    for number in range(controls):
        if not len(cases) or not len(pool):
            break
        within = caliper if number == 0 else caliper * FURTHER
        rows, columns = pair_on_line(values[cases], values[pool], within, rng)
        pairs += zip(cases[rows].tolist(), pool[columns].tolist(), strict=True)
        cases, pool = cases[rows], np.delete(pool, columns)
    return pairs


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
