"""Controls on the benchmark itself."""

import numpy as np
import polars as pl
import pytest

from benchmark.scores.controls import (
    known_people,
    read_controls,
    read_unmatched,
    score_once,
    score_permuted,
    score_unmatched,
    subgroups_of,
)
from benchmark.scores.scoring import score_tasks
from clef.cohort import Cohort, write_cohort
from clef.embeddings import Embeddings
from clef.tasks import write_tasks
from tests.benchmark.examples import make_embeddings, make_tasks


@pytest.fixture(scope="module")
def scored():
    tasks = make_tasks(6)
    stores = {"ours": make_embeddings(tasks, 2.0), "noise": make_embeddings(tasks, 0.0)}
    known = make_embeddings(tasks, 1.0)
    stores["known"] = Embeddings(known.session_id, known.vectors, "known", config={"kind": "metadata"})
    return tasks, stores, score_tasks(tasks, stores, resamples=10)


def test_permuted_labels_give_a_half_where_the_labels_give_much_more(scored):
    tasks, stores, main = scored
    permuted = score_permuted(tasks, stores, main, {"resamples": 10})
    means = dict(permuted.scores.group_by("embedding").agg(pl.col("auroc").mean()).iter_rows())
    assert all(mean == pytest.approx(0.5, abs=0.06) for mean in means.values())
    assert main.scores.filter(embedding="ours")["auroc"].mean() > 0.8


def test_it_is_one_draw_whatever_was_asked_for(scored):
    tasks, stores, _ = scored
    assert set(score_once(tasks, stores, {"seeds": 3, "folds": 3, "resamples": 10}).scores["seed"]) == {0}


def test_only_rows_that_matching_takes_something_from_are_shown_without(scored):
    tasks, stores, main = scored
    assert score_unmatched((tasks, {}), stores, main, {"resamples": 10}).embeddings == ["known"]
    assert score_unmatched((tasks, {}), {"ours": stores["ours"]}, main, {}) is None
    assert score_unmatched(None, stores, main, {}) is None


def test_files_of_other_tasks_are_checked_before_anything_is_scored(tmp_path):
    tasks, others = make_tasks(2), make_tasks(1).with_columns(task=pl.lit("other"))
    write_tasks(tmp_path / "matched.parquet", tasks, {"protocol": {"matched": True}})
    write_tasks(tmp_path / "others.parquet", others, {"protocol": {"matched": False}})
    assert read_unmatched(None, tasks) is None and read_controls(None, tasks) is None
    with pytest.raises(ValueError, match="these tasks are matched; build with matched=false"):
        read_unmatched(str(tmp_path / "matched.parquet"), tasks)
    with pytest.raises(ValueError, match="none of its tasks is among those scored"):
        read_unmatched(str(tmp_path / "others.parquet"), tasks)
    with pytest.raises(ValueError, match="'t0' is among those scored"):
        read_controls(str(tmp_path / "matched.parquet"), tasks)
    assert len(read_controls(str(tmp_path / "others.parquet"), tasks)[0]) == len(others)


def test_identity_and_subgroups_ask_the_cohort_who_is_who(scored, tmp_path):
    """Nobody scored comes twice; with a second visit of everybody they do."""
    tasks, stores, main = scored
    once = pl.DataFrame({"session_id": [f"s{i}" for i in range(400)], "subject_id": range(400)})
    once = once.with_columns(path=pl.lit("a.edf"), split=pl.lit("test"))
    twice = pl.concat([once, once.with_columns(session_id=pl.format("{} again", "session_id"))])
    for name, sessions in (("once", once), ("twice", twice)):
        write_cohort(tmp_path / name, name, sessions, pl.DataFrame({"subject_id": [0], "code": ["ICD10CM//I10"]}))
    both = {}
    for name, store in stores.items():
        ids, vectors = store.session_id, store.vectors
        both[name] = Embeddings([*ids, *(f"{i} again" for i in ids)], np.concatenate([vectors, vectors]), name)
    assert known_people(Cohort(tmp_path / "once"), tasks, stores, main, 0) == []
    rows = known_people(Cohort(tmp_path / "twice"), tasks, both, main, 0)
    assert [row.embedding for row in rows] == list(stores) and all(row.recall == 1 for row in rows)
    assert {row.people for row in rows} == {main.subjects}, "the scored people and nobody else"
    assert subgroups_of(None, main).is_empty()
