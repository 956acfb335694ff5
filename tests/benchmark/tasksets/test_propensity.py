"""Propensity: the planted logit is estimated, and matching on it balances what exact matching cannot."""

import numpy as np
import polars as pl

from benchmark.tasksets.balance import balance_of
from benchmark.tasksets.covariates import MATCH_ON
from benchmark.tasksets.matching import match_sets
from benchmark.tasksets.propensity import propensity


def people(count=8000, seed=0):
    """Cases are older, mostly at site A, and have unknown sex more often; ten settings' worth of small strata."""
    rng = np.random.default_rng(seed)
    age, site, setting = rng.uniform(18, 90, count), rng.integers(0, 6, count), rng.integers(0, 4, count)
    sex = rng.integers(0, 3, count)
    logit = -4 + 0.04 * (age - 18) + 0.8 * (site == 0) + 0.5 * (sex == 2)
    return logit, pl.DataFrame(
        {
            "session_id": [f"s{i}" for i in range(count)],
            "label": rng.random(count) < 1 / (1 + np.exp(-logit)),
            "age": [None if draw < 0.03 else a for draw, a in zip(rng.random(count), age, strict=True)],
            "sex": [("F", "M", None)[i] for i in sex],
            "site": ["ABCDEF"[i] for i in site],
            "setting": [("routine", "emu", "icu", None)[i] for i in setting],
        },
        schema_overrides={"age": pl.Float32},
    )


def test_the_planted_logit_is_estimated():
    truth, frame = people()
    known = frame["age"].is_not_null().to_numpy()
    logit, caliper = propensity(frame, MATCH_ON)
    assert np.corrcoef(truth[known], logit[known])[0, 1] > 0.97
    case = frame["label"].to_numpy()
    assert caliper == 0.2 * np.sqrt((logit[case].var() + logit[~case].var()) / 2)


def test_propensity_balances_every_covariate_and_loses_nobody():
    _, frame = people()
    sets = match_sets(frame, 1, 0, match="propensity")
    assert sets["label"].sum() >= 0.99 * frame["label"].sum()
    split = pl.lit("test")
    matched = frame.drop("label").join(sets, on="session_id").with_columns(split=split)
    table = balance_of(frame.with_columns(split=split), matched)["test"]
    assert max(abs(before) for before, _ in table.values()) > 0.4
    assert max(abs(after) for _, after in table.values()) < 0.08


def test_nothing_to_tell_cases_by_is_no_error():
    _, frame = people(200)
    alike = frame.with_columns(age=pl.lit(None, pl.Float32), **{c: pl.lit("A") for c in ("sex", "site", "setting")})
    assert match_sets(alike, 1, 0, match="propensity")["label"].sum() == frame["label"].sum()
    assert not len(match_sets(frame.filter("label"), 1, 0, match="propensity"))
