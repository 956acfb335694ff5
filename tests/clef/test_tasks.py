"""The task store: what breaks its contract is one line, and a table that was edited by hand is noticed."""

import json

import polars as pl
import pytest

from clef.tasks import SCHEMA, check_tasks, hash_of_splits, is_fold, read_tasks, write_tasks
from tokenizer.base.tables import table_metadata, write_table

ROWS = [
    ("t", "label", f"s{i}", i, i % 2 == 0, split, f"m{i // 2}") for i, split in enumerate(["train"] * 4 + ["test"] * 4)
]
TASKS = pl.DataFrame(ROWS, SCHEMA, orient="row")


def changed(column: str, row: int, value: object) -> pl.DataFrame:
    rows = TASKS.to_dicts()
    rows[row][column] = value
    return pl.DataFrame(rows, SCHEMA)


def test_a_whole_table_is_accepted_and_comes_back(tmp_path):
    check_tasks(TASKS)
    write_tasks(tmp_path / "t.parquet", TASKS, {"suite": "mine"})
    tasks, about = read_tasks(tmp_path / "t.parquet")
    assert tasks.equals(TASKS) and about["suite"] == "mine" and about["split_hash"] == hash_of_splits(TASKS)


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        (TASKS.drop("label"), "column 'label' is missing"),
        (TASKS.with_columns(pl.col("label").cast(pl.Int64)), "column 'label' is Int64, expected Boolean"),
        (changed("split", 0, None), "column 'split' is empty in 1 of 8 rows"),
        (changed("subject_id", 1, 0), "subject_id 0 stands twice in task 't'"),
        (changed("split", 1, "test"), "matched set 'm0' of task 't' crosses splits"),
        (changed("label", 1, True), "matched set 'm0' of task 't' is not one case with controls"),
        (TASKS.with_columns(pl.lit("later").alias("split")), "split 'later' is none of"),
        (pl.concat([TASKS, TASKS.with_columns(pl.lit("u").alias("task"), pl.lit("val").alias("split"))]), "leakage"),
    ],
)
def test_what_breaks_the_contract_is_one_line(tasks, message):
    with pytest.raises(ValueError, match=message):
        check_tasks(tasks)


def test_rows_that_were_changed_later_are_noticed(tmp_path):
    path = tmp_path / "t.parquet"
    write_tasks(path, TASKS, {})
    metadata = table_metadata(path)
    assert json.loads(metadata["clef.tasks"])["format"] == 2
    swapped = pl.col("label").not_()
    write_table(path, TASKS.with_columns(swapped), metadata)
    with pytest.raises(ValueError, match="its rows were changed after it was built"):
        read_tasks(path)


def test_folds_are_told_from_splits():
    assert [is_fold(s) for s in ("fold0", "fold12", "fold", "train", "folds1")] == [True, True, False, False, False]
