"""Digests of a token store's content, and rows that are checked as they are read."""

import json

import numpy as np
import pytest

from tokenizer.digests import SIZE, CheckedRows, description_digest, shard_digest, store_digest

ROWS = np.arange(20, dtype=np.uint16).reshape(10, 2)


def test_a_shards_digest_hangs_on_store_array_number_type_shape_and_content():
    plain = ("store", "tokens", 3, ROWS)
    others = [("other", *plain[1:]), ("store", "valid", 3, ROWS), ("store", "tokens", 4, ROWS)]
    others += [("store", "tokens", 3, value) for value in (ROWS.view(np.int16), ROWS.T, ROWS.reshape(5, 4), ROWS + 1)]
    digests = {shard_digest(*case).tobytes() for case in [plain, *others]}
    assert len(digests) == 8 and all(len(d) == SIZE for d in digests)
    assert (shard_digest("store", "tokens", 3, np.asfortranarray(ROWS)) == shard_digest(*plain)).all()


def test_a_stores_digest_hangs_on_attributes_and_on_what_is_written_once():
    fixed = {"split": ROWS[:, 0], "names": ROWS}
    plain = store_digest({"a": 1, "b": [2]}, fixed)
    assert plain == store_digest({"b": [2], "a": 1}, dict(reversed(fixed.items())))
    assert plain != store_digest({"a": 1, "b": [3]}, fixed)
    assert plain != store_digest({"a": 1, "b": [2]}, fixed | {"split": ROWS[:, 1]})
    assert plain != store_digest({"a": 1, "b": [2]}, {"split": ROWS, "names": ROWS[:, 0]})


def test_descriptions_count_and_not_how_they_are_laid_out(tmp_path):
    def digest(text):
        (tmp_path / "a").mkdir(exist_ok=True)
        (tmp_path / "a" / "zarr.json").write_text(text)
        return description_digest(tmp_path, ["a"])

    plain = digest(json.dumps({"shape": [1], "kind": "array"}))
    assert plain == digest(json.dumps({"kind": "array", "shape": [1]}, indent=4)) != digest(json.dumps({"shape": [2]}))


@pytest.mark.parametrize(
    "key", (0, -1, 9, np.int64(4), slice(None), slice(2, 7), slice(7, 2, -2), slice(3, 3), (slice(1, 6), 1), (5, 0))
)
def test_rows_are_read_as_of_an_array_and_whole_shards_are_asked_for(key):
    asked = []

    def read(begin, stop):
        asked.append((begin, stop))
        return ROWS[begin:stop]

    rows = CheckedRows(ROWS.shape, 4, read)
    np.testing.assert_array_equal(rows[key], ROWS[key])
    assert len(rows) == 10 and rows.shape == (10, 2)
    assert all(begin % 4 == 0 and (stop % 4 == 0 or stop == 10) for begin, stop in asked)


def test_a_row_that_is_not_there_is_an_index_error():
    with pytest.raises(IndexError):
        CheckedRows(ROWS.shape, 4, lambda begin, stop: ROWS[begin:stop])[10]
