"""The session table: what it takes, and one clear error for each way to break it."""

from datetime import datetime

import polars as pl
import pytest

from tokenizer.base.tables import write_table
from tokenizer.sessions import (
    SCHEMA,
    read_sessions,
    split_of,
    subject_number,
    write_sessions,
)


def table(**columns):
    plain = {
        "session_id": ["a", "b", "c"],
        "subject_id": [1, 1, 2],
        "path": ["a.edf", "b.edf", "/abs/c.edf"],
        "split": ["train", "train", "test"],
    }
    return pl.DataFrame(plain | columns)


def test_a_table_comes_back_with_every_column(tmp_path):
    more = {"age": [1.5, None, 80.0], "sex": ["F", None, "M"], "start_time": [datetime(2020, 1, 2)] * 3}
    write_sessions(tmp_path, table(**more))
    again = read_sessions(tmp_path)
    assert again.schema == SCHEMA and again["session_id"].to_list() == ["a", "b", "c"]
    assert again["age"].to_list() == [1.5, None, 80.0] and again["site"].null_count() == 3
    assert read_sessions(tmp_path, "test")["session_id"].to_list() == ["c"]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"session_id": ["a", "b", "a"]}, "session_id 'a' stands in more than one row"),
        ({"split": ["train", "test", "test"]}, "1 subjects have sessions in more than one split"),
        ({"split": ["train", "train", "dev"]}, "column 'split' holds 'dev', expected one of train, val, test"),
        ({"split": ["train", "train", None]}, "column 'split' is empty in 1 of 3 rows"),
        ({"path": [None, None, "c"]}, "column 'path' is empty in 2 of 3 rows"),
        ({"sex": ["F", "female", None]}, "column 'sex' holds 'female', expected one of F, M"),
        ({"setting": ["home", None, None]}, "column 'setting' holds 'home'"),
        ({"age": [4.0, -1e30, None]}, "column 'age' holds -1e+30 (session 'b'; 1 such rows), expected 0 to 130 years"),
        ({"age": [4.0, 131.0, float("inf")]}, "column 'age' holds 131 (session 'b'; 2 such rows)"),
    ],
)
@pytest.mark.parametrize("when", ("written", "read"))
def test_a_broken_table_is_refused_when_written_and_when_read(tmp_path, columns, said, when):
    broken = table(**columns)
    if when == "written":
        with pytest.raises(ValueError) as caught:
            write_sessions(tmp_path, broken)
        assert not (tmp_path / "sessions.parquet").exists()
    else:
        full = broken.with_columns(pl.lit(None, t).alias(c) for c, t in SCHEMA.items() if c not in broken.columns)
        write_table(
            tmp_path / "sessions.parquet",
            full.select(pl.col(c).cast(t) for c, t in SCHEMA.items()),
            {"clef.format": "1"},
        )
        with pytest.raises(ValueError) as caught:
            read_sessions(tmp_path)
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop("split"), "column 'split' is missing; it has session_id"),
        (lambda t: t.drop("age"), "column 'age' is missing"),
        (lambda t: t.with_columns(pl.col("subject_id").cast(pl.String)), "'subject_id' is String, expected Int64"),
    ],
)
def test_a_missing_column_or_another_type_is_named(tmp_path, change, said):
    write_sessions(tmp_path, table())
    write_table(tmp_path / "sessions.parquet", change(read_sessions(tmp_path)), {"clef.format": "1"})
    with pytest.raises(ValueError, match=said):
        read_sessions(tmp_path)


def test_an_age_that_is_not_a_number_is_unknown(tmp_path):
    write_sessions(tmp_path, table(age=[float("nan"), 0.0, 130.0]))
    assert read_sessions(tmp_path)["age"].to_list() == [None, 0.0, 130.0]


def test_a_required_column_cannot_be_left_out_when_writing(tmp_path):
    with pytest.raises(ValueError, match="column 'split' is empty in 3 of 3 rows"):
        write_sessions(tmp_path, table().drop("split"))


def test_another_folder_another_format_and_a_damaged_table_are_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"no sessions.parquet in this folder; make a cohort with"):
        read_sessions(tmp_path / "nowhere")
    write_sessions(tmp_path, table())
    for written in ({}, {"clef.format": "9"}):
        write_table(tmp_path / "sessions.parquet", pl.read_parquet(tmp_path / "sessions.parquet"), written)
        with pytest.raises(ValueError, match="store format"):
            read_sessions(tmp_path)
    (tmp_path / "sessions.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ValueError, match="not a readable Parquet file"):
        read_sessions(tmp_path)


def test_a_subject_is_a_63_bit_number_of_site_and_name():
    numbers = {subject_number(site, name) for site in ("A", "B") for name in map(str, range(500))}
    assert len(numbers) == 1000 and all(0 <= n < 2**63 for n in numbers)
    assert subject_number("A", "1") == subject_number("A", "1") != subject_number("A1", "")


def test_splits_are_a_pure_function_with_the_stated_shares():
    splits = [split_of(n) for n in range(20_000)]
    assert splits == [split_of(n) for n in range(20_000)] != [split_of(n, seed=1) for n in range(20_000)]
    for name, share in (("train", 0.7), ("val", 0.1), ("test", 0.2)):
        assert splits.count(name) / len(splits) == pytest.approx(share, abs=0.012)
