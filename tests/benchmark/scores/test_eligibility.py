"""Which sessions and embeddings may be scored."""

import numpy as np
import polars as pl
import pytest

import benchmark
from benchmark.report.terminal.tables import mean_table
from benchmark.scores.eligibility import find_overlap, overlap_lines
from benchmark.scores.results import Results
from benchmark.scores.scoring import score_tasks
from clef.embeddings import Embeddings, subject_hash
from tests.benchmark.examples import make_embeddings, make_tasks


def test_overlap_is_refused_or_flagged():
    tasks = make_tasks(1)
    embeddings = make_embeddings(tasks, 1.0)
    embeddings.trained_on = {"train": [subject_hash(i) for i in range(200)], "val": []}
    assert benchmark.score(tasks, {"e": embeddings})["overlap"].max() == 0
    with pytest.raises(ValueError, match="with folds all are"):
        benchmark.score(tasks, {"e": embeddings}, folds=5)
    embeddings.trained_on["val"] = [subject_hash(i) for i in tasks.filter(pl.col("split") == "test")["subject_id"][:3]]
    with pytest.raises(ValueError, match=r"trained or selected on 3 of the 120 subjects"):
        benchmark.score(tasks, {"e": embeddings})
    allowed = benchmark.score(tasks, {"e": embeddings}, allow_overlap=True)
    assert allowed["overlap"].to_list() == [3]
    assert "overlap" in allowed["flags"][0]


def test_missing_sessions_are_left_out_for_all_with_their_sets():
    tasks = make_tasks(2)
    whole, part = make_embeddings(tasks, 2.0), make_embeddings(tasks, 2.0)
    lost = tasks.filter((pl.col("split") == "test") & (pl.col("task") == "t0"))["session_id"][0]
    keep = [i for i, s in enumerate(part.session_id) if s != lost]
    part = Embeddings([part.session_id[i] for i in keep], part.vectors[keep], "part")
    scored = score_tasks(tasks, {"whole": whole, "part": part})
    first = scored.scores.filter(pl.col("task") == "t0")
    assert set(first["cases"]) == {59} and set(first["controls"]) == {59} and set(first["left_out"]) == {2}
    assert first["auroc"].n_unique() == 1
    assert any("lacks 1 of" in note for note in scored.notes)


def test_bad_embeddings_give_one_line():
    tasks = make_tasks(1)
    good = make_embeddings(tasks, 1.0)
    nan = good.vectors.copy()
    nan[3, 3] = np.nan
    for ids, vectors, said in (
        (good.session_id, nan, "NaN"),
        (["s1"] * 400, good.vectors, "more than one row"),
        ([f"other{i}" for i in range(400)], good.vectors, "none of the"),
        (good.session_id[:5], good.vectors, "for 5 sessions"),
    ):
        with pytest.raises(ValueError, match=said) as error:
            benchmark.score(tasks, {"e": (ids, vectors)})
        assert "\n" not in str(error.value)


def test_only_who_is_fitted_on_nobody_need_not_say_whom_it_has_seen():
    stores = {kind: Embeddings(["s"], np.zeros((1, 1)), kind, config={"kind": kind}) for kind in ("metadata", "codes")}
    told = Embeddings(["s"], np.zeros((1, 1)), "told", trained_on={"train": ["x"]})
    stores |= {"told": told, "mine": Embeddings(["s"], np.zeros((1, 1)), "mine")}
    overlap = find_overlap(make_tasks(1), stores, allow=False)
    assert overlap == {"metadata": 0, "codes": None, "told": 0, "mine": None}
    lines = overlap_lines(stores, overlap | {"told": 2})
    assert [line.split(":")[0] for line in lines] == ["told", "codes", "mine"]
    assert "OVERLAP" in lines[0] and all("training subjects unknown" in line for line in lines[1:])


def test_unknown_is_not_none_in_a_table_of_scores():
    tasks = make_tasks(1)
    mine, told = make_embeddings(tasks, 1.0), make_embeddings(tasks, 1.0)
    told.trained_on = {"train": [], "val": []}
    scored = score_tasks(tasks, {"mine": mine, "told": told})
    rows = {row["embedding"]: row for row in scored.scores.to_dicts()}
    assert rows["mine"]["overlap"] is None and "training subjects unknown" in rows["mine"]["flags"]
    assert rows["told"]["overlap"] == 0 and "unknown" not in rows["told"]["flags"]
    table = mean_table(Results(scored, {}))
    assert "mine ‡" in table and "told ‡" not in table and "‡ training subjects unknown" in table


@pytest.mark.parametrize("how", ("zero", "equal", "rounding", "all but a few"))
def test_one_vector_for_everybody_is_refused(how):
    tasks = make_tasks(1)
    good = make_embeddings(tasks, 1.0)
    vectors = np.zeros_like(good.vectors) if how == "zero" else np.tile(good.vectors[:1], (len(good.vectors), 1))
    if how == "rounding":
        vectors = vectors * (1 + 1e-7 * np.arange(len(vectors))[:, None] / len(vectors))
    if how == "all but a few":
        vectors[:3] = good.vectors[:3]
    with pytest.raises(ValueError, match=r"e: \d+% of its 400 sessions have the same embedding") as error:
        benchmark.score(tasks, {"e": (good.session_id, vectors)})
    assert "\n" not in str(error.value)
