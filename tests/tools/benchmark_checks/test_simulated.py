"""Simulated tasks have the truth that they say; intervals and comparisons that are wrong are seen."""

import dataclasses

import numpy as np
import polars as pl
import pytest

from benchmark.scores.scoring import score_tasks
from tools.benchmark_checks.simulated import DESIGNS, SMALL, Design, check_coverage, check_discoveries, only, simulate

DESIGN = Design(30, 0.75)


@pytest.fixture(scope="module")
def scored():
    tasks, (store,) = simulate(DESIGN, 100, 1, np.random.default_rng(0))
    return score_tasks(tasks, {"score": store}, resamples=200)


def changed(scored, **columns):
    return dataclasses.replace(scored, scores=scored.scores.with_columns(**columns))


@pytest.mark.parametrize("design", [DESIGN, Design(40, 0.9, 4), Design(40, 0.75, 4, uneven=True)], ids=str)
def test_what_is_simulated_is_true(design):
    tasks, (store,) = simulate(design, 100, 1, np.random.default_rng(1))
    frame = tasks.with_columns(score=pl.Series(store.vectors[:, 0]), size=pl.len().over("task", "match_id"))
    wins, pairs = 0.0, 0.0
    for _, part in frame.group_by("task"):
        case, control = part.filter("label"), part.filter(~pl.col("label"))
        # every set counts once, and a case is not compared with the controls of its own set
        weight = (1 / (control["size"] - 1)).to_numpy() * (
            case["match_id"].to_numpy()[:, None] != control["match_id"].to_numpy()
        )
        wins += (weight * (case["score"].to_numpy()[:, None] > control["score"].to_numpy())).sum()
        pairs += weight.sum()
    assert wins / pairs == pytest.approx(design.auroc, abs=0.02)
    assert frame.group_by("task", "match_id").agg(pl.col("label").sum())["label"].unique().to_list() == [1]
    assert (frame["size"].n_unique() > 1) == design.uneven


def test_intervals_half_as_wide_or_beside_the_truth_are_seen(scored):
    right = check_coverage(scored, DESIGN)
    assert right.outcome != "FAILED" and float(right.measured.split()[0]) > 89
    middle, half = (pl.col("low") + pl.col("high")) / 2, (pl.col("high") - pl.col("low")) / 4
    assert check_coverage(changed(scored, low=middle - half, high=middle + half), DESIGN).outcome == "FAILED"
    assert check_coverage(scored, Design(30, 0.6)).outcome == "FAILED"
    always = check_coverage(changed(scored, low=pl.lit(0.0), high=pl.lit(1.0)), DESIGN)
    assert always.measured == "100.0 %" and always.outcome != "passed"


def test_small_tasks_have_to_be_flagged(scored):
    small = Design(10, 0.75)
    assert check_coverage(changed(scored, flags=pl.lit("small-n")), small).outcome == "passed"
    assert check_coverage(scored, small).outcome == "FAILED"


def test_designs_are_of_every_kind():
    assert (
        any(d.uneven for d in DESIGNS) and any(d.controls > 1 for d in DESIGNS) and any(d.sets < SMALL for d in DESIGNS)
    )


def test_only_some_tasks(scored):
    part = only(scored, scored.tasks[3:5])
    assert part.tasks == scored.tasks[3:5] == part.scores["task"].unique().sort().to_list()
    np.testing.assert_array_equal(part.replicates, scored.replicates[3:5])


def test_differences_that_are_invented_are_seen():
    tasks, stores = simulate(DESIGN, 60, 2, np.random.default_rng(2))
    named = dict(zip(("one", "other"), stores, strict=True))
    checks = list(check_discoveries(score_tasks(tasks, named, resamples=20)))
    assert "FAILED" not in [check.outcome for check in checks]
    label = tasks["label"].to_numpy()[:, None]
    named["one"] = dataclasses.replace(stores[0], vectors=stores[0].vectors + 2 * label.astype(np.float32))
    better = check_discoveries(score_tasks(tasks, named, resamples=20))
    assert [check.outcome for check in better] == ["FAILED", "FAILED"]
