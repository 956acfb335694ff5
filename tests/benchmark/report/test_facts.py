"""Facts: who is judged, who is a control, what a task's row says, what was won and lost."""

import dataclasses

import polars as pl
import pytest

from benchmark.encoders.registry import ENCODERS
from benchmark.report.facts import NOT_TESTED, Facts
from benchmark.scores.results import Results
from tests.benchmark.report.made import made_up


@pytest.fixture(scope="module")
def facts():
    return Facts(made_up({"ours": 1.6, "theirs": 0.1, "untrained": 0.9, "bandpower": 0.5, "truth": 2.5}, cases=60))


def test_judged_controls_and_references_are_apart(facts):
    assert facts.judged == ["ours", "theirs"] and facts.control == "untrained" and facts.best.embedding == "ours"
    assert [m.embedding for m in facts.references] == ["truth"]
    assert "truth" not in {m.embedding for m in facts.means} and "truth" not in facts.shown


def test_scores_are_those_of_the_largest_label_budget(facts):
    assert set(facts.scores["labels"]) == {"all"} and facts.budgets == ["all", "25", "10"]
    assert facts.at_budget["ours", "all"] > facts.at_budget["ours", "25"] > facts.at_budget["ours", "10"] > 0.5


def test_label_budgets_are_compared_on_the_tasks_that_have_them_all(facts):
    table, easy = facts.scored.scores, max(facts.rows, key=lambda row: row["scores"]["ours"][0])["code"]
    part = table.filter((pl.col("labels") != "25") | (pl.col("task") == easy))
    one = Facts(Results(dataclasses.replace(facts.scored, scores=part), {}))
    assert one.tasks_of_all_budgets == [easy] and one.budgets == ["all", "25", "10"]
    assert one.at_budget["ours", "all"] == pytest.approx(one.intervals[easy, "ours"][0])
    apart = table.filter((pl.col("labels") != "25") | (pl.col("task") == easy))
    apart = apart.filter((pl.col("labels") != "10") | (pl.col("task") != easy))
    none = Facts(Results(dataclasses.replace(facts.scored, scores=apart), {}))
    assert none.budgets == ["all"] and none.tasks_of_all_budgets == sorted(facts.scored.tasks)


def test_a_task_has_a_row_with_what_is_to_be_known_of_it(facts):
    row = next(row for row in facts.rows if row["code"] == "ICD10CM//G41")
    assert row["task"] == "Status epilepticus (G41)" and row["group"] == "G1 chapter" and row["cases"] == 60
    assert set(row["scores"]) == set(facts.names) and row["smd"] == 0.02 and row["flags"] == []
    first = next(row for row in facts.rows if row["code"] == "ICD10CM//G40")
    assert sorted(first["flags"]) == ["small-n", "unbalanced"]
    assert [r["family"] for r in facts.rows] == sorted(r["family"] for r in facts.rows)


def test_tasks_are_won_and_lost_against_the_control_with_the_highest_mean(facts):
    won, lost = facts.outcomes("ours", "win"), facts.outcomes("theirs", "loss")
    assert won and lost and facts.outcomes("theirs", "win") == []
    assert all(row["q"] < 0.05 and row["by"] > 0 for row in won) and all(row["by"] < 0 for row in lost)
    assert [abs(row["by"]) for row in won] == sorted((abs(row["by"]) for row in won), reverse=True)


def test_without_predictions_nothing_is_called_won(facts):
    scored = dataclasses.replace(facts.scored, predictions={})
    bare = Facts(Results(scored, {}))
    assert bare.rows[0]["against"]["ours"] == NOT_TESTED and bare.outcomes("ours", "win") == []


def test_without_a_control_nothing_is_held_against_one():
    facts = Facts(made_up({"ours": 1.0, "theirs": 0.5}))
    assert facts.control is None and facts.against == {} and facts.rows[0]["against"] == {}


def test_a_file_of_any_name_is_what_its_metadata_say():
    results = made_up({"ours": 1.0, "mine": 0.5})
    results.encoders["mine"] = ENCODERS["bandpower"]
    assert Facts(results).control == "mine" and Facts(results).judged == ["ours"]


def test_flags_of_a_task_are_those_of_any_row(facts):
    table = facts.scored.scores.with_columns(
        flags=pl.when(pl.col("embedding") == "theirs").then(pl.lit("overlap")).otherwise(pl.lit(""))
    )
    other = Facts(Results(dataclasses.replace(facts.scored, scores=table), {}))
    assert other.flags["ICD10CM//G41"] == ["overlap"]
