"""The embedding store: what goes in comes out, and what is none is refused in one line."""

import numpy as np
import polars as pl
import pytest

from clef.embeddings import Embeddings, hash_subjects, read_embeddings, seen_subjects, subject_hash, write_embeddings
from tokenizer.base.tables import table_metadata, write_table


def embeddings(**changes) -> Embeddings:
    vectors = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)
    fields = {
        "session_id": ["a", "b", "c"],
        "vectors": vectors,
        "name": "ours",
        "model": "0123",
        "config": {"pool": "rows"},
    }
    return Embeddings(**fields | {"trained_on": {"train": [subject_hash(7)]}} | changes)


def test_everything_comes_back(tmp_path):
    write_embeddings(tmp_path / "e.parquet", embeddings())
    again = read_embeddings(tmp_path / "e.parquet")
    np.testing.assert_array_equal(again.vectors, embeddings().vectors)
    for field in ("session_id", "name", "model", "config", "trained_on"):
        assert getattr(again, field) == getattr(embeddings(), field), field


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"vectors": np.zeros((2, 5))}, "shape .2, 5. for 3 sessions"),
        ({"vectors": np.array([[0.0], [np.nan], [np.inf]])}, "2 embeddings hold NaN or infinity .first: session b."),
    ],
)
def test_what_does_not_fit_is_not_written(tmp_path, changes, reason):
    with pytest.raises(ValueError, match=reason):
        write_embeddings(tmp_path / "e.parquet", embeddings(**changes))
    assert not list(tmp_path.iterdir())


def test_what_is_no_store_is_one_line(tmp_path):
    path = tmp_path / "e.parquet"
    with pytest.raises(ValueError, match=r"no such embedding file; `python -m clef.embed` writes one"):
        read_embeddings(path)
    write_embeddings(path, embeddings())
    table, metadata = pl.read_parquet(path), table_metadata(path)
    broken = {
        "column 'embedding' is missing": table.drop("embedding"),
        "a session_id stands in more than one row": pl.concat([table, table]),
        "hold NaN or infinity": table.with_columns(pl.Series("embedding", np.full((3, 5), np.nan, np.float32))),
    }
    for reason, frame in broken.items():
        write_table(path, frame, metadata)
        with pytest.raises(ValueError, match=reason) as caught:
            read_embeddings(path)
        assert "\n" not in str(caught.value)


def test_a_hashed_subject_is_short_stable_and_not_its_number():
    assert subject_hash(7) == subject_hash(7) != subject_hash(8) and len(subject_hash(7)) == 16
    assert subject_hash(7, "ab") == subject_hash(7, "ab") != subject_hash(7, "cd")


def test_lists_of_two_models_cannot_be_compared_but_by_those_who_have_the_ids():
    first, second = hash_subjects({"train": [7, 8, 8], "val": [9]}), hash_subjects({"train": [7, 10], "val": []})
    assert not set(first["train"]) & set(second["train"]) and [len(v) for v in first.values()] == [2, 1]
    assert seen_subjects(first, [7, 9, 10]) == {"train": {7}, "val": {9}} == seen_subjects(first, [9, 7])
    both = {split: first[split] + second[split] for split in first} | {"test": [subject_hash(11)]}
    assert seen_subjects(both, range(12)) == {"train": {7, 8, 10}, "val": {9}, "test": {11}}
    assert seen_subjects({}, [7]) == {} and hash_subjects({"train": [8, 7]}) == hash_subjects({"train": [7, 8]})
