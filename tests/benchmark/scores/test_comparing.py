"""Means over tasks, paired differences, wins and losses, and how often the intervals hold the truth."""

import dataclasses

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from benchmark.scores.comparing import differences, label_table, mean_scores, task_differences
from benchmark.scores.scoring import score_tasks
from tests.benchmark.examples import make_embeddings, make_scored, make_tasks

DRAWS = tuple((labels, seed) for labels in ("10", "25", "all") for seed in range(3))


def redrawn(scored, labels, seed, embedding, by):
    """The same scores with those of one embedding in one draw moved by so much."""
    one = (pl.col("labels") == labels) & (pl.col("seed") == seed) & (pl.col("embedding") == embedding)
    moved = pl.when(one).then(pl.col("auroc") + by).otherwise(pl.col("auroc"))
    return dataclasses.replace(scored, scores=scored.scores.with_columns(auroc=moved))


def test_means_over_tasks_of_the_same_people_are_not_more_certain():
    """Ten copies of a task say as much as one; ten tasks of other people say more."""
    one = make_tasks(1)
    copies = pl.concat([one.with_columns(task=pl.lit(f"t{i}")) for i in range(10)])
    embeddings = {"e": make_embeddings(one, 0.5, width=4)}
    single, ten = (mean_scores(score_tasks(t, embeddings))[0] for t in (one, copies))
    assert ten.high - ten.low == pytest.approx(single.high - single.low, rel=0.05)
    others = make_tasks(10, (40, 20, 20))
    apart = mean_scores(score_tasks(others, {"e": make_embeddings(others, 0.5, width=16)}))[0]
    assert apart.high - apart.low < 0.7 * (single.high - single.low) * np.sqrt(3)


def test_the_same_people_in_other_sets_are_not_more_certain_either():
    """A task asked twice, its people matched otherwise the second time, is still one task."""
    one = make_scored({"e": 0.5}, tasks=1, controls=4)
    part = one.predictions["t0"]
    order = np.random.default_rng(1).permutation(np.flatnonzero(~part.label))
    again = part.matched_set.copy()
    again[~part.label] = part.matched_set[order]
    copy = dataclasses.replace(part, matched_set=again)
    rows = pl.concat([one.scores, one.scores.with_columns(task=pl.lit("t1"))])
    both = dataclasses.replace(one, scores=rows, tasks=["t0", "t1"], predictions={"t0": part, "t1": copy})
    (single,), (double,) = mean_scores(one), mean_scores(both)
    assert double.high - double.low == pytest.approx(single.high - single.low, rel=0.1)


def test_tables_of_means_are_of_the_largest_label_budget():
    scored = make_scored({"e": 1.0}, draws=DRAWS)
    less = redrawn(scored, "10", 0, "e", -0.2)
    assert mean_scores(less)[0].auroc == mean_scores(scored)[0].auroc
    assert mean_scores(redrawn(scored, "all", 0, "e", -0.3))[0].auroc == pytest.approx(
        mean_scores(scored)[0].auroc - 0.1
    )


def test_other_tasks_widen_the_interval_and_few_tasks_have_none():
    (mean,) = mean_scores(make_scored({"e": np.linspace(0, 2, 8)}, tasks=8))
    assert mean.low_tasks < mean.low < mean.auroc < mean.high < mean.high_tasks
    (few,) = mean_scores(make_scored({"e": 1.0}, tasks=4))
    assert few.low_tasks is few.high_tasks is None


def test_differences_are_paired():
    scored = make_scored({"noise": 0.0, "good": 2.0})
    scored.predictions = {t: dataclasses.replace(p, scores=p.scores[[0, 1, 1]]) for t, p in scored.predictions.items()}
    twin = scored.scores.filter(pl.col("embedding") == "good").with_columns(embedding=pl.lit("same"))
    scored.scores, scored.embeddings = pl.concat([scored.scores, twin]), ["noise", "good", "same"]
    pairs = {frozenset((d.better, d.worse)): d for d in differences(scored)}
    clear, tie = pairs[frozenset(("good", "noise"))], pairs[frozenset(("good", "same"))]
    assert clear.holds and (clear.wins, clear.ties, clear.losses, clear.tasks) == (6, 0, 0, 6) and clear.every_draw
    assert tie.by == tie.low == tie.high == 0 and not tie.holds and not tie.every_draw
    assert (tie.wins, tie.ties, tie.losses, tie.sets_needed) == (0, 6, 0, None)


def test_wins_and_losses_are_corrected_for_the_number_of_tasks():
    """200 tasks without a difference: 5 % have p < 0.05, and next to none is called."""
    scored = make_scored({"a": 1.0, "b": 1.0}, tasks=200, people=300, together=0.0)
    table = task_differences(scored, "a", "b")
    assert 3 < (table["p"] < 0.05).sum() < 20 and table["outcome"].value_counts()["count"].max() >= 198
    (d,) = differences(scored)
    assert d.wins + d.ties + d.losses == d.tasks == 200


def test_tasks_are_won_and_lost_each_way():
    scored = make_scored({"a": [2.5, 2.5, 0.0, 1.0], "b": [0.0, 0.0, 2.5, 1.0]}, tasks=4)
    table = task_differences(scored, "a", "b")
    assert table["outcome"].to_list() == ["win", "win", "loss", "tie"]
    assert (
        (table["low"] < table["by"]).all() and (table["by"] < table["high"]).all() and (table["q"] >= table["p"]).all()
    )
    assert task_differences(scored, "b", "a")["by"].to_list() == (-table["by"]).to_list()


@pytest.mark.parametrize(("labels", "seed"), [("10", 2), ("all", 0)])
def test_one_draw_in_which_the_order_is_another_is_enough(labels, seed):
    scored = make_scored({"a": 1.5, "b": 0.5}, draws=DRAWS)
    (d,) = differences(scored)
    assert (d.better, d.every_draw, d.draws) == ("a", True, 9)
    assert not differences(redrawn(scored, labels, seed, "b", 0.4))[0].every_draw


def test_the_sets_needed_show_the_difference_in_four_of_five_studies():
    pilot = differences(make_scored({"a": 1.2, "b": 0.8}, tasks=1, people=2000, ill=0.3, together=0.0))[0]
    assert pilot.better == "a" and 20 < pilot.sets_needed < 600
    truth = norm.cdf(1.2 / np.sqrt(2)) - norm.cdf(0.8 / np.sqrt(2))
    needed, held = int(pilot.sets_needed * (pilot.by / truth) ** 2), 0
    for seed in range(200):
        (d,) = differences(make_scored({"a": 1.2, "b": 0.8}, 1, int(needed / 0.3), 1, 0.3, 0.0, seed=seed))
        held += d.holds and d.better == "a"
    assert 0.7 < held / 200 < 0.9


def test_labels_have_a_row_for_each_budget_with_the_spread_of_seeds():
    scored = redrawn(make_scored({"a": 1.5, "b": 0.5}, draws=DRAWS), "10", 2, "b", -0.3)
    table = label_table(scored)
    assert table["labels"].to_list() == ["10", "10", "25", "25", "all", "all"]
    ten = table.row(by_predicate=(pl.col("labels") == "10") & (pl.col("embedding") == "b"), named=True)
    assert ten["highest"] - ten["lowest"] == pytest.approx(0.3) and ten["auroc"] < ten["highest"] and ten["tasks"] == 6


@pytest.mark.slow
@pytest.mark.parametrize(("controls", "together", "tasks"), [(4, 0.5, 24), (1, 0.0, 12), (1, 0.8, 6)])
def test_intervals_of_means_cover(controls, together, tasks):
    """1,000 cohorts: intervals hold the mean of these tasks' AUROCs, and the others that of all tasks of the kind."""
    rng, held, held_tasks, held_difference = np.random.default_rng(0), [], [], []
    wide = np.sqrt(1 + 0.4**2 / 2) * np.sqrt(2)  # effects have mean 0.8 and sd 0.4: the mean AUROC of all such tasks
    fixed = rng.normal(0.8, 0.4, tasks)
    for seed in range(1000):
        effects = rng.normal(0.8, 0.4, tasks)
        a, b = mean_scores_of(fixed, controls, together, tasks, seed)
        held.append(a[0] <= norm.cdf(fixed / np.sqrt(2)).mean() <= a[1])
        held_difference.append(b[0] <= norm.cdf(fixed / np.sqrt(2)).mean() - 0.5 <= b[1])
        (mean,) = mean_scores(make_scored({"e": effects}, tasks, controls=controls, together=together, seed=seed))
        held_tasks.append(mean.low_tasks <= norm.cdf(0.8 / wide) <= mean.high_tasks)
    assert all(0.93 < np.mean(of) < 0.97 for of in (held, held_tasks, held_difference))


def mean_scores_of(effects, controls, together, tasks, seed):
    """Interval of one embedding's mean and of its difference from one that knows nothing."""
    scored = make_scored({"e": effects, "none": 0.0}, tasks, controls=controls, together=together, seed=seed)
    mean = next(m for m in mean_scores(scored) if m.embedding == "e")
    (d,) = differences(scored)
    low, high = (d.low, d.high) if d.better == "e" else (-d.high, -d.low)
    return (mean.low, mean.high), (low, high)
