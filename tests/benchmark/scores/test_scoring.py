"""The evaluator: planted truth, permuted labels, folds and seeds."""

import numpy as np
import polars as pl
import pytest

import benchmark
from benchmark.scores.scoring import put_in_folds, score_tasks
from clef.embeddings import Embeddings
from tests.benchmark.examples import make_embeddings, make_tasks


def test_planted_feature_scores_high_and_noise_at_chance():
    tasks = make_tasks(8)
    noise = {f"noise{i}": make_embeddings(tasks, 0.0, seed=i) for i in range(6)}
    scores = benchmark.score(tasks, {"ours": make_embeddings(tasks, 3.0), **noise})
    mean = dict(scores.group_by("embedding").agg(pl.col("auroc").mean()).iter_rows())
    assert mean.pop("ours") > 0.9
    assert abs(np.mean(list(mean.values())) - 0.5) < 0.03
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


def test_the_width_of_an_embedding_does_not_decide():
    """The same 32 factors as they are, and as a thousand columns of all scales in which few directions are large."""
    tasks, rng = make_tasks(6), np.random.default_rng(0)
    factors = rng.standard_normal((400, 32))
    for i, part in enumerate(tasks.partition_by("task", maintain_order=True)):
        factors[part["subject_id"], 12 + i] += 1.5 * part["label"].to_numpy()
    mixed = (factors * np.arange(1, 33.0) ** -1.5) @ rng.standard_normal((32, 1000))
    wide = (mixed + 0.01 * rng.standard_normal((400, 1000))) * np.exp(rng.normal(0, 3, 1000))
    names = [f"s{i}" for i in range(400)]
    scores = benchmark.score(tasks, {"narrow": (names, factors), "wide": (names, wide)})
    mean = dict(scores.group_by("embedding").agg(pl.col("auroc").mean()).iter_rows())
    assert mean["narrow"] > 0.75 and abs(mean["narrow"] - mean["wide"]) < 0.02
    assert (scores.filter(pl.col("embedding") == "wide")["components"] > 0).any()


def test_label_budgets_have_a_row_where_there_are_as_many_cases():
    tasks = pl.concat([make_tasks(1, (40, 20, 60)), make_tasks(2, (8, 4, 60), seed=1).filter(pl.col("task") == "t1")])
    stores = {name: make_embeddings(tasks, 1.5, seed=i) for i, name in enumerate("ab")}
    scored = score_tasks(tasks, stores, seeds=3, resamples=30, train_cases=[10, 25, "all"])
    rows = scored.scores.filter(pl.col("embedding") == "a").sort("task", "labels", "seed")
    of_t0, of_t1 = (rows.filter(pl.col("task") == task) for task in ("t0", "t1"))
    assert of_t0["labels"].to_list() == ["10"] * 3 + ["25"] * 3 + ["all"] * 3
    assert of_t0["train_cases"].to_list() == [10] * 3 + [25] * 3 + [60] * 3
    assert of_t1["labels"].to_list() == ["10"] * 3 + ["all"] * 3
    assert "labels=25: 1 of 2 tasks have fewer training cases, no row" in scored.notes
    by = dict(scored.scores.filter(pl.col("task") == "t0").group_by("labels").agg(pl.col("auroc").mean()).iter_rows())
    assert by["10"] < by["25"] < by["all"]
    assert scored.main == "all" and scored.replicates.shape == (2, 2, 30)
    assert list(scored.predictions) == scored.tasks and scored.predictions["t1"].scores.shape == (2, 120)


def test_the_largest_budget_is_the_main_one_and_tasks_without_it_are_left_out():
    tasks = pl.concat([make_tasks(1, (40, 20, 60)), make_tasks(2, (8, 4, 60), seed=1).filter(pl.col("task") == "t1")])
    options = {"seeds": 2, "resamples": 10, "train_cases": ["25", "10"]}
    scored = score_tasks(tasks, {"e": make_embeddings(tasks, 1.5)}, **options)
    assert scored.main == "25" and scored.tasks == ["t0"] and set(scored.scores["task"]) == {"t0"}
    assert "task 't1' is not scored: it has fewer than 25 training cases" in scored.notes


@pytest.mark.parametrize("folds", [0, 3])
def test_controls_of_a_set_count_as_much_as_one(folds):
    """Three copies of a control instead of one change nothing, in whatever sets they stand."""
    tasks = make_tasks(1)
    copied = tasks.filter(~pl.col("label") & (pl.col("subject_id") % 3 == 0))
    more = [tasks]
    for i in (1, 2):
        shifted = copied.with_columns(subject_id=pl.col("subject_id") + 1000 * i)
        more.append(shifted.with_columns(session_id=pl.format("s{}", pl.col("subject_id"))))
    store = make_embeddings(tasks, 1.0, width=20)
    ids = store.session_id + [f"s{i + 1000 * k}" for k in (1, 2) for i in range(400)]
    stores = {"e": Embeddings(ids, np.tile(store.vectors, (3, 1)), "e")}
    columns = ["auroc", "auprc", "balanced_accuracy", "brier", "ece"]
    one, other = (
        score_tasks(t, stores, folds=folds, resamples=10).scores.select(columns) for t in (tasks, pl.concat(more))
    )
    assert np.allclose(one.row(0), other.row(0), atol=0.03)


def test_what_is_known_of_a_task_stands_in_its_rows():
    tasks = make_tasks(2)
    known = {"smd": {"t0": 0.2, "t1": 0.05}, "groups": {"t0": "N Nervous system"}}
    scores = score_tasks(tasks, {"e": make_embeddings(tasks, 1.0)}, resamples=10, **known).scores.sort("task")
    assert scores["group"].to_list() == ["N Nervous system", ""] and scores["smd"].to_list() == [0.2, 0.05]
    assert ["unbalanced" in flags for flags in scores["flags"]] == [True, False]


@pytest.mark.parametrize("probe", ["ridge", "mlp"])
def test_other_probes_score_too(probe):
    tasks = make_tasks(1)
    scores = benchmark.score(tasks, {"e": make_embeddings(tasks, 3.0, width=8)}, probe=probe)
    assert scores["probe"].to_list() == [probe] and scores["auroc"][0] > 0.65  # 13 steps of the mlp
    with pytest.raises(ValueError, match="probe=forest: there are logistic, ridge, mlp"):
        benchmark.score(tasks, {"e": make_embeddings(tasks, 3.0)}, probe="forest")
