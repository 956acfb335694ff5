"""The evaluator: planted truth, permuted labels, folds and seeds."""

import polars as pl

import benchmark
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
