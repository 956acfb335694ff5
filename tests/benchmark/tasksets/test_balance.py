"""The balance table: by hand, with weights, and in the file of the tasks."""

import polars as pl
import pytest

from benchmark.build import BuildConfig, build_tasks
from benchmark.tasksets.balance import balance_of, largest, unbalanced


def rows(**columns):
    plain = {"sex": "F", "site": "A", "setting": "routine", "split": "test"}
    return pl.DataFrame(columns).with_columns(pl.lit(v).alias(c) for c, v in plain.items() if c not in columns)


def test_differences_by_hand():
    labelled = rows(label=[True, True, False, False], age=[60.0, 70.0, 40.0, 60.0])
    # variances 25 and 100; after matching, the two controls of one set count half each: mean of controls 62
    matched = rows(
        label=[True, True, False, False, False], age=[60.0, 70.0, 58.0, 56.0, 67.0], case=["a", "b", "a", "a", "b"]
    )
    spread = ((25 + 100) / 2) ** 0.5
    assert balance_of(labelled, matched) == {"test": {"age": pytest.approx([15 / spread, 3 / spread], abs=1e-4)}}


def test_missing_values_and_levels_of_one_group_alone():
    labelled = rows(label=[True, True, False, False], age=[50.0, None, 50.0, 60.0], site=["A", "A", "B", None])
    matched = labelled.with_columns(case=pl.Series(["a", "b", "a", "b"]))
    table = balance_of(labelled, matched)["test"]
    assert set(table) == {"age", "age unknown", "site A", "site B", "site unknown"}
    assert table["site A"] == [2, 2]  # all against none: in units of everybody's spread, for each group has none
    assert table["age unknown"][0] == pytest.approx(0.5 / (0.25 / 2) ** 0.5, abs=1e-4)


def test_an_age_of_one_group_alone_is_not_compared():
    labelled = rows(label=[True, True, False, False], age=[None, None, 50.0, 60.0])
    table = balance_of(labelled, labelled.with_columns(case=pl.Series(["a", "b", "a", "b"])))["test"]
    assert table == {"age unknown": [2, 2]}
    known = rows(label=[True, True, False, False], age=[40.0, None, 50.0, None])
    table = balance_of(known, known.filter(pl.col("age").is_null()).with_columns(case=pl.lit("a")))["test"]
    assert table["age"][1] == 0 and table["age unknown"] == [0, 0]


def test_the_largest_is_looked_up_by_split_and_folds_have_one_table():
    about = {"balance": {"T": {"test": {"age": [0.9, -0.2], "female": [0.0, 0.1]}}, "U": {"all": {"age": [0.5, 0.05]}}}}
    assert largest(about, "T", "test") == 0.2
    assert largest(about, "U", "fold3") == 0.05
    assert largest(about, "T", "val") is None and largest({}, "T", "test") is None
    assert unbalanced(about) == {"test": ["T"]}


def test_what_nothing_is_known_of_has_no_largest():
    about = {
        "balance": {"T": {"test": {"age": [0.5, -0.2], "sex": [0.1, None]}, "val": {"sex": [0.1, None]}, "train": {}}}
    }
    assert [largest(about, "T", split) for split in ("test", "val", "train")] == [0.2, None, None]
    assert unbalanced(about) == {"test": ["T"]}


@pytest.mark.parametrize(("settings", "splits"), [({}, {"train", "val", "test"}), ({"folds": 4}, {"all"})])
def test_a_file_of_tasks_says_how_well_each_is_balanced(people, settings, splits):
    _, about = build_tasks(BuildConfig(str(people), "", "demo", min_cases=10, **settings))
    kept = {task for task, c in about["counts"].items() if c["kept"]}
    assert set(about["balance"]) == kept
    assert set(about["balance"]["ICD10CM//G40"]) == splits
    before, after = about["balance"]["ICD10CM//G40"]["all" if settings else "train"]["age"]
    assert before > 0.4 > 0.1 > abs(after)
    assert all(table["site A"][1] == 0 for table in about["balance"]["ICD10CM//G40"].values())


def test_unmatched_tasks_say_so(people):
    _, about = build_tasks(BuildConfig(str(people), "", "demo", matched=False))
    before, after = about["balance"]["ICD10CM//G40"]["train"]["age"]
    assert before > 0.4 and after > 0.4
    assert "ICD10CM//G40" in unbalanced(about)["train"]
