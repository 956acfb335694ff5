"""The index: its hits against a plain sort, ties, and files that are another model's or of other tokens."""

import numpy as np
import pytest
import torch

import clef
from clef.embeddings import Embeddings, read_embeddings, write_embeddings
from clef.search.index import SAMPLED, Index, make_index, make_report_index, read_index, stamped
from tokenizer.store import TokenStore


@pytest.fixture(scope="module")
def model(tiny_align):
    return clef.load(tiny_align)


@pytest.fixture(scope="module")
def stored(model, tiny_store):
    return make_index(model, TokenStore(tiny_store).load())


def some_index(n: int = 300) -> Index:
    vectors = np.random.default_rng(0).standard_normal((n, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Index(Embeddings([f"s{i}" for i in range(n)], vectors, "some"))


@pytest.mark.parametrize("count", [1, 7, 299, 300, 1000])
def test_the_nearest_are_those_of_a_plain_sort(count):
    index, vector = some_index(), np.full(16, 0.25, np.float32)
    hits = index.nearest(vector, count)
    cosines = index.vectors.numpy().astype(np.float64) @ vector
    assert hits.rows.tolist() == np.argsort(-cosines, kind="stable")[:count].tolist()
    np.testing.assert_allclose(hits.cosines, cosines[hits.rows], atol=1e-6)
    assert hits.usual[0] == pytest.approx(np.median(cosines), abs=0.02)


def test_what_is_usual_in_a_large_index_is_read_from_a_part_of_it():
    index, vector = some_index(3 * SAMPLED + 1), np.full(16, 0.25, np.float32)
    cosines = index.vectors.numpy().astype(np.float64) @ vector
    threads = torch.get_num_threads()
    np.testing.assert_allclose(index.nearest(vector, 3).usual, np.quantile(cosines, (0.5, 0.99)), atol=0.02)
    assert torch.get_num_threads() == threads


def test_what_float16_products_confuse_is_told_apart():
    turned = np.linspace(0, 0.02, 500, dtype=np.float32)  # cosines between 0.9998 and 1, of which float16 knows one
    index = Index(Embeddings([f"s{i}" for i in range(500)], np.stack([np.cos(turned), np.sin(turned)], 1), "near"))
    vector = np.array([np.cos(0.02), np.sin(0.02)], np.float32)
    cosines = index.vectors.numpy().astype(np.float64) @ vector.astype(np.float64)
    np.testing.assert_allclose(index.nearest(vector, 20).cosines, np.sort(cosines)[::-1][:20], atol=2e-7)


def test_one_row_may_be_left_out_and_ties_are_in_the_order_of_rows():
    index = Index(Embeddings(list("abcde"), np.ones((5, 3), np.float32), "equal"))
    assert index.nearest(np.ones(3), 3, without=1).rows.tolist() == [0, 2, 3]
    assert index.nearest(np.ones(3), 9, without=1).rows.tolist() == [0, 2, 3, 4]
    assert len(Index(Embeddings(["a"], np.ones((1, 3), np.float32), "one")).nearest(np.ones(3), 2, without=0).rows) == 0


def test_an_index_holds_the_vectors_that_the_model_compares_with_texts(model, stored, tiny_store, tmp_path):
    store = TokenStore(tiny_store)
    assert stored.session_id == store.session_id.tolist()
    np.testing.assert_allclose(np.linalg.norm(stored.vectors, axis=1), 1, atol=1e-5)
    of_embeddings = make_index(model, model.embeddings(store))
    np.testing.assert_allclose(of_embeddings.vectors, stored.vectors, atol=1e-5)
    write_embeddings(tmp_path / "index.parquet", stored)
    scores = model.similarity(tmp_path / "index.parquet", ["spikes", ["focal slowing", "a slow focus"]])
    np.testing.assert_allclose(
        scores, model.similarity(store, ["spikes", ["focal slowing", "a slow focus"]]), atol=1e-5
    )
    assert read_index(tmp_path / "index.parquet", model).row_of(stored.session_id[3]) == 3


def test_a_file_that_is_something_else_is_refused_in_one_line(model, stored, tmp_path):
    write_embeddings(tmp_path / "a.parquet", stamped(stored, tokens="one"))
    assert len(read_index(tmp_path / "a.parquet", model, tokens="one")) == len(stored.session_id)
    with pytest.raises(ValueError, match=r"a\.parquet: an index of other tokens than are given; remove the file"):
        read_index(tmp_path / "a.parquet", model, tokens="two")
    other = read_embeddings(tmp_path / "a.parquet")
    other.model = "another"
    write_embeddings(tmp_path / "b.parquet", other)
    with pytest.raises(ValueError, match=r"b\.parquet: an index of model another, and model= is "):
        read_index(tmp_path / "b.parquet", model)
    other.config.pop("head")
    write_embeddings(tmp_path / "c.parquet", other)
    with pytest.raises(ValueError, match=r"c\.parquet: embeddings, and no index"):
        read_index(tmp_path / "c.parquet", model)
    with pytest.raises(ValueError, match="session=none: none of the 36 that are searched, as "):
        Index(stored).row_of("none")


def test_reports_have_the_vectors_of_their_words(model):
    reports = make_report_index(model, {"a": "focal slowing.", "b": "normal eeg."})
    np.testing.assert_allclose(reports.vectors, model.text(["focal slowing.", "normal eeg."]), atol=1e-5)
    with pytest.raises(ValueError, match="no report with a summary"):
        make_report_index(model, {})
