"""Tables with a digest of their bytes: what is damaged or changed later is refused in one line."""

import json

import numpy as np
import polars as pl
import pytest

from tokenizer.base.manifest import member_digest
from tokenizer.base.tables import (
    KEY,
    check_table,
    json_metadata,
    read_table,
    seal,
    stored_digest,
    table_metadata,
    write_table,
)

FRAME = pl.DataFrame({"a": [1, None, 3] * 50, "b": ["x", "é", None] * 50})


@pytest.fixture
def path(tmp_path):
    write_table(tmp_path / "t.parquet", FRAME, {"clef.format": "2", "about": json.dumps({"n": 1})})
    return tmp_path / "t.parquet"


def refusal(path, read=read_table):
    with pytest.raises(ValueError) as caught:
        read(path)
    assert "\n" not in str(caught.value) and path.name in str(caught.value)
    return str(caught.value)


def test_a_table_and_its_metadata_come_back_without_the_digest(path):
    assert read_table(path).equals(FRAME) and pl.read_parquet(path).equals(FRAME)
    assert table_metadata(path) == {"clef.format": "2", "about": '{"n": 1}'} and json_metadata(path, "about") == {
        "n": 1
    }
    assert pl.read_parquet_metadata(path)[KEY] == stored_digest(path) == member_digest(path)
    assert [p.name for p in path.parent.iterdir()] == ["t.parquet"]


def test_every_flipped_bit_is_noticed_or_changes_nothing(path):
    whole, random = path.read_bytes(), np.random.default_rng(0)
    for place in random.permutation(len(whole))[:300]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(random.integers(8))
        path.write_bytes(damaged)
        try:
            assert read_table(path).equals(FRAME)
            assert stored_digest(path) is None  # a flip in the name of the key: the table is as it was
            with pytest.raises(ValueError, match="this file has none"):
                check_table(path, "2", 2)
        except ValueError as error:
            assert "\n" not in str(error) and "t.parquet" in str(error)


@pytest.mark.parametrize("size", (0, 3, 8, 100, -1, -9))
def test_a_cut_table_is_one_line(path, size):
    path.write_bytes(path.read_bytes()[:size])
    assert "not a readable Parquet file" in refusal(path)
    assert "not a readable Parquet file" in refusal(path, table_metadata)


def test_a_table_changed_by_a_program_that_keeps_metadata_says_so_and_can_be_accepted(path):
    FRAME.head(9).write_parquet(path, metadata=pl.read_parquet_metadata(path))
    assert "another program changed it" in refusal(path) and "seal(FILE)" in refusal(path)
    seal(path)
    assert read_table(path).equals(FRAME.head(9)) and table_metadata(path)["clef.format"] == "2"


def test_tables_of_others_and_of_the_format_before_need_no_digest(tmp_path):
    FRAME.write_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").equals(FRAME) and stored_digest(tmp_path / "t.parquet") is None
    check_table(tmp_path / "t.parquet", "1", 2)
    with pytest.raises(ValueError, match="format 2 has a digest of its bytes, this file has none"):
        check_table(tmp_path / "t.parquet", 2, 2)


@pytest.mark.parametrize("stored", (None, "x", "²", [2], -2, 3, "0"))
def test_odd_formats_are_one_line(path, stored):
    with pytest.raises(ValueError, match="store format"):
        check_table(path, stored, 2)


@pytest.mark.parametrize("text", ("{", "[]", "3"))
def test_metadata_that_are_no_object_are_one_line(tmp_path, text):
    write_table(tmp_path / "t.parquet", FRAME, {"about": text})
    with pytest.raises(ValueError, match="no JSON object"):
        json_metadata(tmp_path / "t.parquet", "about")
