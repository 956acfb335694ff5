"""Matched sets: optimal, alike, and of one split."""

import polars as pl

import benchmark
from benchmark.tasksets.matching import AGE_YEARS, MATCH_ON, draw_sets, match_sets
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
