"""Tasks: who is a case, who may be a control, and that matched sets stay where they belong."""

import datetime

import numpy as np
import polars as pl
import pytest

import benchmark
from benchmark.build import BuildConfig, build_tasks, counts_table
from benchmark.tasksets.matching import AGE_YEARS, MATCH_ON, draw_sets, match_sets
from benchmark.tasksets.suites import read_suite, suite_names
from clef.cohort import write_cohort
from clef.tasks import check_tasks, read_tasks, write_tasks
from tokenizer.base.cli import ConfigError, parse

EXACT = [c for c in MATCH_ON if c != "age"]
START = datetime.datetime(2020, 1, 1)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """600 people at two sites; the disease is commoner in the old and at site A; some come twice."""
    rng, out = np.random.default_rng(0), tmp_path_factory.mktemp("cohort")
    rows, events = [], []
    for person in range(600):
        age, site = float(rng.uniform(20, 85)), "AB"[int(rng.random() < 0.5)]
        split = ["train", "val", "test"][int(np.searchsorted([0.6, 0.7], rng.random()))]
        ill = rng.random() < 0.15 + 0.5 * (age > 55) + 0.2 * (site == "A")
        events.append((person, START, "ICD10CM//G40.209" if ill else "ICD10CM//I10", None))
        for visit in range(1 + (rng.random() < 0.2)):
            start = START + datetime.timedelta(days=200 * visit)
            rows.append((f"s{person}-{visit}", person, f"s{person}.edf", start, age, "FM"[person % 2], site, split))
            if visit == 0:  # the drug is taken around the first visit only
                drug = "ATC//N03AX14" if rng.random() < 0.4 else "ATC//N02BE01"
                events.append((person, start + datetime.timedelta(days=30), drug, None))
            finding = "FINDING//focal_slowing" if rng.random() < 0.3 else "FINDING//normal"
            events.append((person, start, finding, None))
        group = "patient" if ill else "control"
        events.append((person, None, f"LABEL//{site}//group//{group}", None))
    schema = ["session_id", "subject_id", "path", "start_time", "age", "sex", "site", "split"]
    sessions = pl.DataFrame(rows, schema=schema, orient="row")
    events = pl.DataFrame(events, schema=["subject_id", "time", "code", "numeric_value"], orient="row")
    write_cohort(out, "test", sessions, events, descriptions={"ICD10CM//G40": "Epilepsy"})
    return out


def test_clinical_suite_holds_234_distinct_questions():
    tasks = read_suite("clinical", [])
    count = {f: sum(t.family == f for t in tasks) for f in ("phenotype", "medication", "finding")}
    assert count == {"phenotype": 120, "medication": 99, "finding": 15}
    assert len({t.codes for t in tasks}) == 234
    assert all(len(c.split("//")[1]) == 7 for t in tasks if t.family == "medication" for c in t.codes)


def test_unknown_suite_says_which_there_are():
    assert {"clinical", "demo", "labels"} <= set(suite_names())
    with pytest.raises(ConfigError, match="there are: clinical, demo, labels"):
        read_suite("clinicl", [])


def test_rules_make_tasks_from_codes():
    codes = ["ICD10CM//G40.909", "ICD10CM//G40.1", "ATC//N03AX14", "ATC//N03", "FINDING//spikes", "GENDER//F"]
    assert {d.task for d in read_suite("demo", codes)} == {"ICD10CM//G40", "ATC//N03AX14", "FINDING//spikes"}
    labels = ["LABEL//x//group//control", "LABEL//x//group//adhd", "LABEL//x//c//1", "LABEL//x//c//0", "LABEL//x//k//a"]
    assert {d.task for d in read_suite("labels", labels)} == {"LABEL//x//group//adhd", "LABEL//x//c//1"}
    assert len(read_suite("labels", [f"LABEL//x//stage//{v}" for v in "abc"])) == 3


def test_matched_sets_agree_and_stay_in_their_split(cohort):
    tasks = benchmark.make_tasks(cohort, "demo")
    check_tasks(tasks)
    people = tasks.join(pl.read_parquet(cohort / "sessions.parquet").drop("split", "subject_id"), on="session_id")
    apart = people.group_by("task", "match_id").agg(
        pl.col("age").max() - pl.col("age").min(), *(pl.col(c).n_unique() for c in EXACT), pl.col("split").n_unique()
    )
    assert apart["age"].max() <= AGE_YEARS
    assert all(apart[c].max() == 1 for c in (*EXACT, "split"))
    assert set(tasks["family"]) == {"phenotype", "medication", "finding"}


def test_folds_hold_whole_sets_and_splits_can_be_chosen(cohort):
    tasks = benchmark.make_tasks(cohort, "demo", folds=5, splits=["test"], min_cases=10)
    assert tasks.group_by("task", "match_id").agg(pl.col("split").n_unique())["split"].max() == 1
    assert tasks.group_by("task", "subject_id").agg(pl.col("split").n_unique())["split"].max() == 1
    assert set(tasks["split"]) == {f"fold{i}" for i in range(5)}
    test = pl.read_parquet(cohort / "sessions.parquet").filter(pl.col("split") == "test")
    assert set(tasks["session_id"]) <= set(test["session_id"])


def test_unmatched_keeps_the_cases_and_loses_the_matching(cohort):
    matched, unmatched = (benchmark.make_tasks(cohort, "demo", matched=m) for m in (True, False))
    cases = [set(t.filter("label").select("task", "session_id").iter_rows()) for t in (matched, unmatched)]
    assert cases[0] == cases[1]
    ages = pl.read_parquet(cohort / "sessions.parquet").select("session_id", "age")
    gap = []
    for tasks in (matched, unmatched):
        one = tasks.filter(pl.col("task") == "ICD10CM//G40").join(ages, on="session_id")
        gap.append(one.filter("label")["age"].mean() - one.filter(~pl.col("label"))["age"].mean())
    assert abs(gap[0]) < 2 < 8 < gap[1]


def test_a_matched_variable_says_nothing_once_matched(cohort):
    """Age and site tell cases from controls, until controls are matched on them."""
    sessions = pl.read_parquet(cohort / "sessions.parquet")
    site = sessions.select("age", (pl.col("site") == "A").cast(pl.Float32)).to_numpy()
    mean = {}
    for matched in (True, False):
        tasks = benchmark.make_tasks(cohort, "demo", matched=matched).filter(pl.col("task") == "ICD10CM//G40")
        scores = benchmark.score(tasks, {"age and site": (sessions["session_id"].to_list(), site)}, folds=5)
        mean[matched] = scores["auroc"].mean()
    assert mean[False] > 0.65
    assert abs(mean[True] - 0.5) < 0.09


def test_medication_counts_only_near_the_session_and_findings_at_it(cohort):
    tasks = benchmark.make_tasks(cohort, "demo")
    exposed = tasks.filter((pl.col("task") == "ATC//N03AX14") & pl.col("label"))
    assert exposed["session_id"].str.ends_with("-0").all()  # the second visit is 170 days after the drug
    labels = benchmark.make_tasks(cohort, "labels")
    assert set(labels["task"]) == {"LABEL//A//group//patient", "LABEL//B//group//patient"}


def test_what_is_built_is_the_same_every_time_and_survives_the_disk(cohort, tmp_path):
    config = parse(BuildConfig, "benchmark.build", [f"cohort={cohort}", "suite=demo", "out=x"])
    (tasks, about), (again, _) = build_tasks(config), build_tasks(config)
    assert tasks.equals(again)
    write_tasks(tmp_path / "tasks.parquet", tasks, about)
    read, said = read_tasks(tmp_path / "tasks.parquet")
    assert read.equals(tasks)
    assert "optimal" in said["protocol"]["matching"]
    assert said["names"]["ICD10CM//G40"] == "Epilepsy" if "ICD10CM//G40" in said["names"] else True
    assert "ICD10CM//G40" in counts_table(said["counts"])


def test_a_table_changed_by_hand_is_noticed(cohort, tmp_path):
    tasks, about = build_tasks(BuildConfig(str(cohort), "", "demo"))
    path = tmp_path / "tasks.parquet"
    write_tasks(path, tasks, about)
    metadata = {k: v for k, v in pl.read_parquet_metadata(path).items() if k != "ARROW:schema"}
    kept = tasks.filter(pl.col("task") != tasks["task"][0])
    kept.write_parquet(path, metadata=metadata)
    with pytest.raises(ValueError, match="changed after it was built"):
        read_tasks(path)


def test_bad_tables_are_refused_in_one_line(cohort, tmp_path):
    tasks = benchmark.make_tasks(cohort, "demo")
    crossed = tasks.with_columns(split=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("val")).otherwise("split"))
    for bad in (crossed, pl.concat([tasks, tasks.head(1)]), tasks.drop("match_id"), tasks.slice(1)):
        with pytest.raises(ValueError) as error:
            check_tasks(bad)
        assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match=r"benchmark.build"):
        read_tasks(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(ValueError, match="not a Parquet file"):
        read_tasks(tmp_path / "text.parquet")
    with pytest.raises(ValueError, match="lower min_cases"):
        benchmark.make_tasks(cohort, "demo", min_cases=1000)


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
