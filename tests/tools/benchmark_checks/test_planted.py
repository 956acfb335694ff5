"""Checks on a small planted world: each one fails when what it guards is broken."""

import dataclasses

import numpy as np
import polars as pl
import pytest

from benchmark.tasksets.suites import read_suite
from tools.benchmark_checks.judging import judge_mean
from tools.benchmark_checks.planted import (
    check_age,
    check_balance,
    check_ceilings,
    check_independent,
    main_rows,
    make,
    mean_differences,
    reported_differences,
    score,
    values,
)
from tools.benchmark_checks.world import PREVALENCE, known_to_nobody, make_world, write_suite

TASKS = ("ICD10CM//G93", "ICD10CM//F41", "FINDING//spikes", "FINDING//diffuse_beta", "ATC//N05BA06", "ATC//N05CF02")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """1,500 people and the tasks of six concepts."""
    folder = tmp_path_factory.mktemp("world")
    world = make_world(folder, 1500, 0)
    return dataclasses.replace(world, concepts=write_suite(folder / "few.yaml", read_suite("demo", TASKS)))


@pytest.fixture(scope="module")
def tasks(world):
    return make(world, world.concepts, 0)


@pytest.fixture(scope="module")
def scored(world, tasks):
    return score(tasks[0], {name: world.stores[name] for name in ("latents", "metadata")}, 50)


def outcomes(checks):
    return [check.outcome for check in checks]


def leaking(world, tasks):
    """Metadata with the label of the first task in them, as the task's own code on record would be."""
    store, first = world.stores["metadata"], tasks.filter(task=tasks["task"][0])
    case = np.isin(store.session_id, first.filter("label")["session_id"].to_list())
    return known_to_nobody("metadata", store.session_id, np.column_stack([store.vectors, case]))


def test_the_world_is_a_cohort_with_every_planted_task(world, tasks, scored):
    assert set(tasks[0]["task"]) == set(TASKS) and tasks[1]["suite"].endswith("few.yaml")
    assert np.mean(values(scored, "latents")) > 0.7 > 0.6 > np.mean(values(scored, "metadata")) > 0.4
    full = make_world(world.folder.parent / "again", 1000, 1)
    rows = pl.read_json(full.concepts)["tasks"].explode().struct.unnest()
    assert len(rows) == 51 and set(TASKS) < set(rows["task"])


def test_codes_of_the_control_suite_are_given_to_a_few_of_everybody(world):
    independent, _ = make(world, world.controls, 0)
    assert independent["task"].n_unique() >= 6
    with_age = independent.join(world.sessions.select("session_id", "age", "sex"), on="session_id")
    cases = with_age.filter(pl.col("label") & (pl.col("family") == "phenotype")).group_by("task").len()["len"]
    assert cases.min() > 0.5 * PREVALENCE * 1500 and cases.max() < 2 * PREVALENCE * 1500


def test_ceilings_that_are_off_by_003_are_seen(scored):
    """Of so few people the check itself judges nothing; so they count as having learned from many."""
    many = dataclasses.replace(scored, scores=scored.scores.with_columns(train_cases=pl.lit(2000)))
    exact = dict(zip(TASKS, [0.0] * 6, strict=True)) | dict(
        main_rows(many, "latents").select("task", "auroc").iter_rows()
    )
    assert outcomes(check_ceilings(many, exact)) == ["passed", "passed"]
    for shift in (0.03, -0.03):
        assert outcomes(check_ceilings(many, {k: v + shift for k, v in exact.items()})) == ["FAILED", "FAILED"]
    apart = {k: v + (-1) ** i * 0.03 for i, (k, v) in enumerate(exact.items())}
    assert outcomes(check_ceilings(many, apart))[0] == "FAILED"
    few = check_ceilings(scored, exact)
    assert outcomes(few) == ["too few people to check"] * 2
    assert outcomes(check_ceilings(scored, {k: v + 0.1 for k, v in exact.items()})) == ["FAILED"] * 2


def test_metadata_that_leak_are_seen(world, tasks, scored):
    assert judge_mean("metadata", values(scored, "metadata"), 0.5, 0.02).outcome != "FAILED"
    one = tasks[0].filter(task=tasks[0]["task"][0])
    leak = score(one, {"metadata": leaking(world, one)}, 50)
    assert values(leak, "metadata")[0] > 0.95


def test_labels_that_are_not_permuted_are_seen(scored):
    assert judge_mean("permuted", values(scored, "latents"), 0.5, 0.02).outcome == "FAILED"


def test_codes_that_are_not_independent_are_seen(world):
    independent, _ = make(world, world.controls, 0)
    latents = world.stores["latents"]
    cases = independent.filter("label")["session_id"].implode()
    telling = np.column_stack([latents.vectors, np.isin(latents.session_id, cases[0].to_list())])
    fine = check_independent(score(independent, {"latents": latents}, 20))
    told = check_independent(
        score(independent, {"latents": known_to_nobody("latents", latents.session_id, telling)}, 20)
    )
    assert fine.outcome != "FAILED" == told.outcome


def test_controls_of_another_age_are_seen(world, tasks):
    ages = world.stores["age"]
    cases = np.isin(ages.session_id, tasks[0].filter("label")["session_id"].to_list())
    older = known_to_nobody("age", ages.session_id, ages.vectors + 10 * cases[:, None])
    assert check_age(score(tasks[0], {"age": ages}, 20)).outcome != "FAILED"
    assert check_age(score(tasks[0], {"age": older}, 20)).outcome == "FAILED"


def test_the_difference_of_means_of_sets_that_count_equally():
    tasks = pl.DataFrame(
        {
            "task": "t",
            "match_id": ["1", "1", "2", "2", "2"],
            "session_id": list("abcde"),
            "label": [True, False, True, False, False],
        }
    )
    sessions = pl.DataFrame(
        {"session_id": list("abcde"), "age": [50.0, 52, 60, 61, 67], "sex": ["F"] * 5, "site": "A", "setting": "icu"}
    )
    # cases 50 and 60; controls 52, and the mean of 61 and 67
    mean = (52 + (61 + 67) / 2) / 2
    variance = ((52 - mean) ** 2 + ((61 - mean) ** 2 + (67 - mean) ** 2) / 2) / 2
    assert mean_differences(tasks, sessions) == pytest.approx({"t": (mean - 55) / np.sqrt((25 + variance) / 2)})


def test_tasks_out_of_balance_have_to_be_flagged(world, tasks):
    table, about = tasks
    assert check_balance(table, world.sessions, about).outcome == "passed"
    ill = table.filter("label", task=TASKS[0])["session_id"].implode()
    older = world.sessions.with_columns(age=pl.col("age") + 5 * pl.col("session_id").is_in(ill))
    check = check_balance(table, older, about)
    assert check.outcome == "FAILED" and check.measured.endswith("of 6 tasks") and TASKS[0] in check.remark
    flagged = {task: {"train": {}, "test": {"age": [0.5, -0.3], "site": [0.5, None]}} for task in TASKS}
    assert check_balance(table, older, {"balance": flagged}).outcome == "passed"
    assert reported_differences({"balance": flagged})[TASKS[0]] == 0.3
