"""Matched sets: optimal, alike, and of one split."""

import numpy as np
import polars as pl

import benchmark
from benchmark.scores.statistics.auroc import auroc
from benchmark.tasksets.covariates import MATCH_ON
from benchmark.tasksets.matching import AGE_YEARS, draw_sets, match_sets
from benchmark.tasksets.weights import member_weights
from clef.tasks import check_tasks

EXACT = [c for c in MATCH_ON if c != "age"]


def test_matching_is_optimal_where_greedy_is_not():
    """The case of 50 must leave the control of 52 to the case of 56, who has no other."""
    people = pl.DataFrame(
        {
            "session_id": ["a", "b", "x", "y"],
            "label": [True, True, False, False],
            "age": [50.0, 56.0, 52.0, 46.0],
            "sex": ["F"] * 4,
            "site": ["A"] * 4,
            "setting": [None] * 4,
        },
        schema_overrides={"setting": pl.String},
    )
    sets = match_sets(people, 1, 0)
    pairs = set(sets.filter(~pl.col("label")).select("case", "session_id").iter_rows())
    assert pairs == {("a", "y"), ("b", "x")}
    ageless = people.with_columns(age=pl.when(pl.col("session_id") == "x").then(None).otherwise("age"))
    assert len(match_sets(ageless, 1, 0)) == 2  # a missing age matches nothing but a missing age
    assert len(match_sets(ageless, 1, 0, ["sex", "site"])) == 4  # where age is not asked for, it parts nobody
    assert len(draw_sets(people, ["a", "b"], 1, 0)) == 4


def of_ages(cases, pool):
    """Sessions of one stratum, cases first."""
    label = [True] * len(cases) + [False] * len(pool)
    frame = pl.DataFrame({"label": label, "age": np.concatenate([cases, pool])})
    names = pl.format("s{}", pl.int_range(pl.len()).cast(pl.String).str.zfill(6))
    return frame.with_columns(session_id=names, sex=pl.lit("F"), site=pl.lit("A"), setting=pl.lit("emu"))


def test_nobody_who_can_be_matched_is_lost():
    """2,000 cases among 20,000 candidates, of which those old enough are exactly as many."""
    rng = np.random.default_rng(0)
    people = of_ages(rng.uniform(86, 90, 2000), np.concatenate([rng.uniform(20, 81, 18000), rng.uniform(85, 91, 2000)]))
    assert match_sets(people, 1, 0)["label"].sum() == 2000


def age_auroc(people, controls, weighted):
    sets = match_sets(people, controls, 0).join(people.select("session_id", "age"), on="session_id")
    label, age = sets["label"].to_numpy(), sets["age"].to_numpy()
    weights = member_weights(label, sets["case"].to_numpy()) if weighted else np.ones(len(label))
    return float(auroc(label, age, weights=weights[None])[0])


def test_more_controls_per_case_leave_age_as_uninformative_as_one():
    """Old cases, mostly young candidates: old cases find fewer controls, and later rounds have younger ones left."""
    values = {}
    for seed in range(4):
        rng = np.random.default_rng(seed)
        people = of_ages(np.round(rng.uniform(40, 90, 300)), np.round(18 + 72 * (1 - np.sqrt(rng.random(4000)))))
        for key in ((1, True), (4, False), (4, True)):
            values.setdefault(key, []).append(age_auroc(people, *key))
    mean = {key: np.mean(draws) for key, draws in values.items()}
    assert abs(mean[1, True] - 0.5) < 0.02 and abs(mean[4, True] - 0.5) < 0.02
    assert mean[4, False] > 0.54  # each control counted alike
    assert all(abs(value - 0.5) < 0.02 for value in values[4, True])


def test_a_case_matched_once_is_never_lost_to_further_controls():
    rng = np.random.default_rng(1)
    people = of_ages(rng.uniform(60, 90, 200), rng.uniform(20, 80, 300))
    one, four = (set(match_sets(people, controls, 0)["case"]) for controls in (1, 4))
    assert len(one) == len(four)


def test_matched_sets_agree_and_stay_in_their_split(people):
    tasks = benchmark.make_tasks(people, "demo")
    check_tasks(tasks)
    rows = tasks.join(pl.read_parquet(people / "sessions.parquet").drop("split", "subject_id"), on="session_id")
    apart = rows.group_by("task", "match_id").agg(
        pl.col("age").max() - pl.col("age").min(), *(pl.col(c).n_unique() for c in EXACT), pl.col("split").n_unique()
    )
    assert apart["age"].max() <= AGE_YEARS
    assert all(apart[c].max() == 1 for c in (*EXACT, "split"))
    assert set(tasks["family"]) == {"phenotype", "medication", "finding"}


def test_unmatched_keeps_the_cases_and_loses_the_matching(people):
    matched, unmatched = (benchmark.make_tasks(people, "demo", matched=m) for m in (True, False))
    cases = [set(t.filter("label").select("task", "session_id").iter_rows()) for t in (matched, unmatched)]
    assert cases[0] == cases[1]
    ages = pl.read_parquet(people / "sessions.parquet").select("session_id", "age")
    gap = []
    for tasks in (matched, unmatched):
        one = tasks.filter(pl.col("task") == "ICD10CM//G40").join(ages, on="session_id")
        gap.append(one.filter("label")["age"].mean() - one.filter(~pl.col("label"))["age"].mean())
    assert abs(gap[0]) < 2 < 8 < gap[1]


def test_a_matched_variable_says_nothing_once_matched(people):
    """Age and site tell cases from controls, until controls are matched on them."""
    sessions = pl.read_parquet(people / "sessions.parquet")
    site = sessions.select("age", (pl.col("site") == "A").cast(pl.Float32)).to_numpy()
    mean = {}
    for matched in (True, False):
        tasks = benchmark.make_tasks(people, "demo", matched=matched).filter(pl.col("task") == "ICD10CM//G40")
        scores = benchmark.score(tasks, {"age and site": (sessions["session_id"].to_list(), site)}, folds=5)
        mean[matched] = scores["auroc"].mean()
    assert mean[False] > 0.65
    assert abs(mean[True] - 0.5) < 0.09
