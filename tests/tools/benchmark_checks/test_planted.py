"""Checks on a small planted world: each one fails when what it guards is broken."""

import dataclasses

import numpy as np
import polars as pl
import pytest

from benchmark.tasksets.permuting import permute_labels
from benchmark.tasksets.suites import read_suite
from tools.benchmark_checks.planted import (
    check_balance,
    check_ceilings,
    check_chance,
    main_rows,
    make,
    mean_differences,
    reported_differences,
    score,
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


def with_labels(store, tasks):
    """A store in which the cases of `tasks` are told, as by a count of codes with the task's own among them."""
    case = np.isin(store.session_id, tasks.filter("label")["session_id"].to_list())
    return known_to_nobody(store.name, store.session_id, np.column_stack([store.vectors, case]))


def aurocs(scored, store):
    return main_rows(scored, store)["auroc"].to_list()


def test_the_world_is_a_cohort_with_every_planted_task(world, tasks, scored):
    assert set(tasks[0]["task"]) == set(TASKS) and tasks[1]["suite"].endswith("few.yaml")
    assert np.mean(aurocs(scored, "latents")) > 0.7 > 0.6 > np.mean(aurocs(scored, "metadata")) > 0.4
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


def test_metadata_that_leak_are_seen_in_all_tasks_or_one(world, tasks, scored):
    metadata = world.stores["metadata"]
    assert check_chance("metadata", scored, "metadata", 0.02).outcome != "FAILED"
    for told in (tasks[0], tasks[0].filter(task=TASKS[0])):
        leak = check_chance(
            "metadata", score(tasks[0], {"metadata": with_labels(metadata, told)}, 20), "metadata", 0.02
        )
        assert leak.outcome == "FAILED"
    assert TASKS[0] in leak.remark


def test_labels_that_are_not_permuted_are_seen(world, tasks, scored):
    permuted = score(permute_labels(tasks[0], 0), {"latents": world.stores["latents"]}, 20)
    assert check_chance("permuted", permuted, "latents", 0.02).outcome != "FAILED"
    assert check_chance("permuted", scored, "latents", 0.02).outcome == "FAILED"


def test_codes_that_are_not_independent_are_seen(world):
    independent, _ = make(world, world.controls, 0)
    latents = world.stores["latents"]
    stores = {"latents": latents, "told": with_labels(latents, independent)}
    scored = score(independent, stores, 20)
    assert check_chance("controls", scored, "latents", 0.03).outcome != "FAILED"
    assert check_chance("controls", scored, "told", 0.03).outcome == "FAILED"


def test_controls_of_another_age_are_seen(world, tasks):
    ages = world.stores["age"]
    scored = score(
        tasks[0], {"age": ages, "older": known_to_nobody("older", ages.session_id, older(ages, tasks[0]))}, 20
    )
    assert check_chance("age", scored, "age", 0.02).outcome != "FAILED"
    assert check_chance("age", scored, "older", 0.02).outcome == "FAILED"


def older(ages, tasks):
    """Ages (n, 1) at which the cases are ten years older."""
    return ages.vectors + 10 * np.isin(ages.session_id, tasks.filter("label")["session_id"].to_list())[:, None]


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
