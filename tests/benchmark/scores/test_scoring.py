"""The evaluator: planted truth, permuted labels, folds and seeds."""

import polars as pl
import pytest

import benchmark
from benchmark.scores.scoring import put_in_folds, score_tasks
from tests.benchmark.examples import make_embeddings, make_tasks


def test_planted_feature_scores_high_and_noise_at_chance():
    tasks = make_tasks(8)
    scores = benchmark.score(tasks, {"ours": make_embeddings(tasks, 3.0), "noise": make_embeddings(tasks, 0.0)})
    mean = dict(scores.group_by("embedding").agg(pl.col("auroc").mean()).iter_rows())
    assert mean["ours"] > 0.9
    assert abs(mean["noise"] - 0.5) < 0.05
    assert set(scores["chosen_on"]) == {"val"}
    few = make_tasks(2, (40, 5, 40))
    assert set(benchmark.score(few, {"e": make_embeddings(few, 3.0)})["chosen_on"]) == {"5 inner folds"}


def test_permuted_labels_give_chance_also_out_of_fold():
    """A broken evaluator (folds that train on the test fold, statistics of test rows) would score above 0.5 here."""
    tasks = make_tasks(12)
    flip = pl.struct("task", "match_id").hash(seed=4) % 2 == 1
    shuffled = tasks.with_columns(label=pl.col("label") ^ flip)
    embeddings = {"e": make_embeddings(tasks, 3.0)}
    for folds in (0, 5):
        assert benchmark.score(tasks, embeddings, folds=folds)["auroc"].mean() > 0.9
        assert abs(benchmark.score(shuffled, embeddings, folds=folds)["auroc"].mean() - 0.5) < 0.06


def test_folds_score_everybody_once_and_seeds_redraw():
    tasks = make_tasks(2)
    scores = benchmark.score(tasks, {"e": make_embeddings(tasks, 1.0)}, folds=4, seeds=2)
    assert set(scores["scored_on"]) == {"4 folds"}
    assert set(scores["cases"]) == {120}
    assert scores["split_hash"].n_unique() == 2


def test_what_users_hand_over_is_checked():
    tasks = make_tasks(1)
    crossed = tasks.with_columns(split=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("val")).otherwise("split"))
    with pytest.raises(ValueError, match="crosses splits"):
        benchmark.score(crossed, {"e": make_embeddings(tasks, 1.0)})
    with pytest.raises(ValueError, match="no embeddings to score"):
        benchmark.score(tasks, {})


def test_a_task_with_too_few_cases_is_left_out_and_said():
    tasks = make_tasks(2)
    few = tasks.filter((pl.col("task") == "t0") | (pl.col("split") != "test"))
    scored = score_tasks(few, {"e": make_embeddings(tasks, 1.0)}, resamples=10)
    assert scored.tasks == ["t0"] and "task 't1' is not scored: 0 cases are left in test" in scored.notes
    assert scored.replicates.shape == (1, 1, 10)


def test_seeds_repeat_what_nothing_is_left_to_and_redraw_inner_folds():
    settled, drawn = make_tasks(1), make_tasks(1, (40, 5, 40))
    for tasks, chosen_on in ((settled, "val"), (drawn, "5 inner folds")):
        scores = score_tasks(tasks, {"e": make_embeddings(tasks, 0.7)}, seeds=2, resamples=10).scores
        assert scores["seed"].to_list() == [0, 1] and set(scores["chosen_on"]) == {chosen_on}
    assert scores["split_hash"].n_unique() == 1
    same = score_tasks(settled, {"e": make_embeddings(settled, 0.7)}, seeds=2, resamples=10).scores
    assert same.drop("seed").unique().height == 1


def test_tasks_built_with_folds_keep_them():
    tasks = put_in_folds(make_tasks(1), 3, 0)
    assert put_in_folds(tasks, 3, 1) is tasks and put_in_folds(tasks, 0, 1) is tasks
    with pytest.raises(ValueError, match="built with 3 folds"):
        put_in_folds(tasks, 5, 0)
