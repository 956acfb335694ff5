"""On whom the spaces of a task are fitted."""

import numpy as np
import polars as pl
import pytest

from benchmark.encoders.encoder import TaskEmbeddings
from benchmark.scores.scoring import put_in_folds, score_tasks
from benchmark.scores.spaces import Spaces
from clef.embeddings import Embeddings
from clef.fold_embeddings import FoldEmbeddings
from tests.benchmark.examples import make_embeddings, make_tasks


def spaces_of(table, store, task="t0", name="test"):
    part = table.filter(pl.col("task") == task)
    out = (part["split"] == name).to_numpy()
    return part, Spaces({"e": store}, table).of(store, part, name, out)


def changed(store, subjects):
    vectors = store.vectors.copy()
    vectors[list(subjects)] = 1e3
    return Embeddings(store.session_id, vectors, "e")


@pytest.mark.parametrize("folds", [0, 4])
def test_scored_people_have_no_say_in_the_spaces_they_are_read_in(folds):
    table = put_in_folds(make_tasks(3), folds, 0)
    store, name = make_embeddings(table, 1.0), "fold1" if folds else "test"
    part, spaces = spaces_of(table, store, name=name)
    scored = set(part.filter(pl.col("split") == name)["subject_id"])
    _, again = spaces_of(table, changed(store, scored), name=name)
    kept = (part["split"] != name).to_numpy()
    assert [s.components for s in spaces] == [0, 32]
    for one, other in zip(spaces, again, strict=True):
        assert np.array_equal(one.z[kept], other.z[kept])
    others = set(table["subject_id"]) - scored
    assert not np.allclose(
        spaces_of(table, changed(store, sorted(others)[:9]), name=name)[1][0].z[kept], spaces[0].z[kept]
    )


def test_with_splits_all_tasks_are_read_in_one_space():
    table, store = make_tasks(2), make_embeddings(make_tasks(2), 1.0)
    all_spaces = Spaces({"e": store}, table)
    seen = {}
    for part in table.partition_by("task"):
        (full, _) = all_spaces.of(store, part, "test", (part["split"] == "test").to_numpy())
        for session, row in zip(part["session_id"], full.z, strict=True):
            assert np.array_equal(seen.setdefault(session, row), row)
    pool = table.filter(pl.col("split") != "test")["subject_id"].unique().to_numpy()
    mean, sd = store.vectors[pool].astype(float).mean(0), store.vectors[pool].astype(float).std(0)
    person = int(table["subject_id"][0])
    assert np.allclose(seen[f"s{person}"], (store.vectors[person] - mean) / sd)


def test_each_fold_is_read_in_the_space_of_its_own_model():
    table = put_in_folds(make_tasks(1), 2, 0)
    good = make_embeddings(table, 2.0)
    turned = Embeddings(good.session_id, -2 * good.vectors[:, ::-1], "e")
    store = FoldEmbeddings({"fold0": good, "fold1": turned})
    _, own = spaces_of(table, store, name="fold1")
    assert np.allclose(own[0].z, -spaces_of(table, good, name="fold1")[1][0].z[:, ::-1], atol=1e-6)


def test_vectors_may_depend_on_the_task():
    tasks = make_tasks(2)
    labels = np.zeros((400, 2))
    for i, part in enumerate(tasks.partition_by("task")):
        labels[part["subject_id"], i] = part["label"]
    noise, ids = np.random.default_rng(0).standard_normal((400, 1)), [f"s{i}" for i in range(400)]
    store = TaskEmbeddings(ids, noise, "answers", columns=lambda task: labels[:, [int(task[1:])]])
    scores = score_tasks(tasks, {"answers": store}, resamples=10).scores
    assert scores["auroc"].to_list() == [1.0, 1.0] and scores["width"].to_list() == [2, 2]
