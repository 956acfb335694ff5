"""Tasks of a cohort: folds, splits, what is written and what is refused."""

import dataclasses

import polars as pl
import pytest

import benchmark
from benchmark import build
from benchmark.build import BuildConfig, build_tasks, main
from benchmark.report.terminal.counts import counts_table
from benchmark.tasksets.balance import unbalanced
from clef.cohort import Cohort
from clef.folds import draw_folds, write_folds
from clef.tasks import check_tasks, read_tasks, write_tasks
from tokenizer.base.cli import ConfigError, parse


def test_folds_hold_whole_sets_and_splits_can_be_chosen(people):
    tasks = benchmark.make_tasks(people, "demo", folds=5, splits=["test"], min_cases=10)
    assert tasks.group_by("task", "match_id").agg(pl.col("split").n_unique())["split"].max() == 1
    assert tasks.group_by("task", "subject_id").agg(pl.col("split").n_unique())["split"].max() == 1
    assert set(tasks["split"]) == {f"fold{i}" for i in range(5)}
    test = pl.read_parquet(people / "sessions.parquet").filter(pl.col("split") == "test")
    assert set(tasks["session_id"]) <= set(test["session_id"])


def test_folds_of_a_crossfitted_model_are_kept_and_matched_within(people, tmp_path):
    table = draw_folds(Cohort(people), 4, 0)
    write_folds(tmp_path, table, {"folds": 4, "seed": 0})
    config = BuildConfig(str(people), "x", "demo", match_on=["sex", "site"], crossfit=str(tmp_path))
    tasks, about = build_tasks(config)
    check_tasks(tasks)
    of = {subject: f"fold{fold}" for subject, fold in table.iter_rows()}
    assert all(of[subject] == split for subject, split in tasks.select("subject_id", "split").iter_rows())
    assert about["protocol"]["crossfit"] == 4 and str(tmp_path) not in str(about)
    with pytest.raises(ConfigError, match="give one"):
        build_tasks(dataclasses.replace(config, folds=4))


def test_what_is_built_is_the_same_every_time_and_survives_the_disk(people, tmp_path):
    config = parse(BuildConfig, "benchmark.build", [f"cohort={people}", "suite=demo", "out=x"])
    (tasks, about), (again, _) = build_tasks(config), build_tasks(config)
    assert tasks.equals(again)
    write_tasks(tmp_path / "tasks.parquet", tasks, about)
    read, said = read_tasks(tmp_path / "tasks.parquet")
    assert read.equals(tasks)
    assert "optimal" in said["protocol"]["matching"]
    assert said["names"]["ICD10CM//G40"] == "Epilepsy" if "ICD10CM//G40" in said["names"] else True
    assert "ICD10CM//G40" in counts_table(said["counts"])


def test_what_a_cohort_cannot_be_asked_is_listed_and_said(people, caplog):
    suite = people.parent / "long.yaml"
    rows = ["{task: G40, family: phenotype, codes: [ICD10CM//G40]}"]
    rows += ["{task: hair, family: phenotype, codes: [ICD10CM//G40.2091]}"]
    suite.write_text("tasks:\n" + "".join(f"- {row}\n" for row in rows))
    tasks, about = build_tasks(BuildConfig(str(people), "", str(suite)))
    assert set(tasks["task"]) == {"G40"} and list(about["unaskable"]) == ["hair"]
    assert "7 characters, and the cohort's ICD-10 codes of G have 6 at most" in about["unaskable"]["hair"]
    assert "1 of 2 phenotype tasks cannot be asked (first: hair)" in caplog.text
    assert about["protocol"]["definitions"]["G40"] == {
        **{"task": "G40", "family": "phenotype", "codes": ("ICD10CM//G40",), "window": "ever", "window_days": None},
        **{"exclude": ("ICD10CM//G40",), "group": "G00-G99 Nervous system", "known_by": "ICD10CM//"},
    }


def test_windows_of_phenotypes_are_a_setting(people):
    ever, before, around = (
        build_tasks(BuildConfig(str(people), "", "demo", window=window, window_days=days, min_cases=5))
        for window, days in (("ever", None), ("before", None), ("around", 10))
    )
    counts = [about["counts"]["ICD10CM//G40"]["cases"] for _, about in (ever, before, around)]
    assert counts[0] == counts[1] == counts[2] > 100, "all diagnoses are of the day of the first session"
    second = [t.filter((pl.col("task") == "ICD10CM//G40") & pl.col("session_id").str.ends_with("-1")) for t, _ in
              (ever, before, around)]  # fmt: skip
    assert len(second[0]) > 0 and len(second[1]) > 0 and len(second[2]) == 0
    words = [build._windows(about["protocol"]["definitions"].values()) for _, about in (ever, before, around)]
    assert "anywhere in the record (window=ever): " in words[0][0]
    assert "before the session's start (window=before): " in words[1][0]
    assert "10 days around the session's start (window=around): " in words[2][0]
    with pytest.raises(ConfigError, match="around, but no window_days"):
        benchmark.make_tasks(people, "demo", window="around")


def test_propensity_is_a_choice_and_another_matching_is_none(people):
    config = BuildConfig(str(people), "", "demo", match="propensity", controls=2)
    tasks, about = build_tasks(config)
    check_tasks(tasks)
    assert about["protocol"]["match"] == "propensity"
    assert "within 0.2 sd" in about["protocol"]["matching"] and "up to 2 controls" in about["protocol"]["matching"]
    with pytest.raises(ConfigError, match="match=nearest: there is no such matching; there are: exact, propensity"):
        benchmark.make_tasks(people, "demo", match="nearest")
    with pytest.raises(ConfigError, match="max_cases=-1: use 0 for all"):
        benchmark.make_tasks(people, "demo", max_cases=-1)


def test_the_last_lines_name_the_unbalanced_tasks(people, tmp_path, caplog):
    caplog.set_level("INFO", "benchmark.build")
    for matched in (True, False):
        main(BuildConfig(str(people), str(tmp_path / f"{matched}.parquet"), "demo", matched=matched))
    one, other = (line for line in caplog.messages if line.startswith("balance:"))
    _, about = read_tasks(tmp_path / "False.parquet")
    assert "ICD10CM//G40" in unbalanced(about)["test"]
    assert f"some of {len(about['balance'])} tasks" in other and " in test (most in " in other
    assert one != other


def test_cases_beyond_the_most_are_told_from_cases_without_a_control(people):
    counts = {most: build_tasks(BuildConfig(str(people), "", "demo", max_cases=most))[1]["counts"] for most in (0, 30)}
    everyone, some = (counts[most]["ICD10CM//G40"] for most in (0, 30))
    assert everyone["surplus"] == 0 < everyone["dropped"]
    assert some["splits"]["train"] <= 30 and some["surplus"] > 30
    assert all(c["cases"] == c["matched"] + c["dropped"] + c["surplus"] for c in (everyone, some))


def test_a_table_changed_by_hand_is_noticed(people, tmp_path):
    tasks, about = build_tasks(BuildConfig(str(people), "", "demo"))
    path = tmp_path / "tasks.parquet"
    write_tasks(path, tasks, about)
    metadata = {k: v for k, v in pl.read_parquet_metadata(path).items() if k != "ARROW:schema"}
    kept = tasks.filter(pl.col("task") != tasks["task"][0])
    kept.write_parquet(path, metadata=metadata)
    with pytest.raises(ValueError, match="another program changed it"):
        read_tasks(path)


def test_bad_tables_are_refused_in_one_line(people, tmp_path):
    tasks = benchmark.make_tasks(people, "demo")
    crossed = tasks.with_columns(split=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("val")).otherwise("split"))
    for bad in (crossed, pl.concat([tasks, tasks.head(1)]), tasks.drop("match_id"), tasks.slice(1)):
        with pytest.raises(ValueError) as error:
            check_tasks(bad)
        assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match=r"benchmark.build"):
        read_tasks(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(ValueError, match=r"not a readable Parquet file.*`python -m benchmark.build` writes task files"):
        read_tasks(tmp_path / "text.parquet")
    with pytest.raises(ValueError, match="where it needs them; lower min_cases"):
        benchmark.make_tasks(people, "demo", min_cases=1000)
    with pytest.raises(ValueError, match=r"match on less \(5 tasks had the cases, but no controls alike in sex, site"):
        benchmark.make_tasks(people, "demo", min_cases=75, max_cases=0)
