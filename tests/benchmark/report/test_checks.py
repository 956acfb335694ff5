"""Checks of the benchmark itself: balance, rows that should know nothing, groups of people."""

import pytest

from benchmark.report.checks import by_covariate, checks, imbalances, subgroup_rows, worst_groups
from benchmark.report.facts import Facts
from tests.benchmark.report.made import COVARIATES, made_up


@pytest.fixture
def results():
    return made_up({"ours": 1.0, "metadata": 0.0, "acquisition": 0.3, "untrained": 0.5})


def test_imbalances_are_the_worst_first_and_of_scored_tasks_alone(results):
    results.about["balance"]["elsewhere"] = {"test": {"age": [9.0, 9.0]}}
    results.about["balance"]["ICD10CM//G41"] = {"train": {"age": [0.2, -0.4]}, "test": {"age": [None, None]}}
    rows = imbalances(Facts(results))
    assert (rows[0].task, rows[0].split, rows[0].after) == ("Status epilepticus (G41)", "train", -0.4)
    assert len(rows) == 11 * len(COVARIATES) + 2 and rows[-1].after in (0.0, None)


def test_covariates_are_summed_up(results):
    results.about["balance"]["ICD10CM//G41"]["test"]["age"] = [0.2, -0.4]
    age, *others = by_covariate(imbalances(Facts(results)))
    assert (age["covariate"], age["count"], age["after"], age["off_after"]) == ("age", 12, 0.4, 3)
    assert all(row["after"] == 0.12 and row["off_after"] == 2 for row in others)


def test_a_file_without_balance_has_none(results):
    del results.about["balance"]
    assert imbalances(Facts(results)) == [] and by_covariate([]) == []


def test_every_check_says_what_it_should_give(results):
    lines = checks(Facts(results))
    what = [line.what for line in lines]
    assert what[0].startswith("a member of every matched set") and what[1].startswith("3 conditions that an EEG")
    assert [w.split(":")[0] for w in what[2:]] == ["acquisition", "metadata", "ours"]
    assert [line.expected[:4] for line in lines] == ["0.50", "0.50", "near", "0.50", "0.50"]
    assert "40 of 100" in lines[-1].remark and "furthest: " in lines[1].remark


def test_a_check_that_fails_says_so(results):
    results.permuted = made_up({"ours": 3.0, "untrained": 0.0}, cases=60).scored
    assert "0.5 lies outside the interval of ours" in checks(Facts(results))[0].remark


def test_what_was_not_checked_is_absent():
    results = made_up({"ours": 1.0})
    results.permuted = results.controls = None
    results.identity = []
    assert checks(Facts(results)) == []


def test_the_worst_group_is_the_one_furthest_below_everybody(results):
    rows = subgroup_rows(Facts(results))
    assert [(r["by"], r["level"]) for r in rows if r["worst"] and r["embedding"] == "ours"] == [("age", "over 60")]
    assert worst_groups(rows)[0].startswith("ours does worst at age over 60: 0.61 [0.56, 0.66], everybody")
    results.subgroups = results.subgroups.clear()
    assert subgroup_rows(Facts(results)) == [] and worst_groups([]) == []
