"""Permuted labels: sets, splits and sessions stay; who is the case is a draw."""

import polars as pl
from polars.testing import assert_frame_equal

from benchmark.tasksets.permuting import permute_labels
from clef.tasks import SCHEMA, check_tasks


def tasks(sets: int, controls: int) -> pl.DataFrame:
    rows = [
        ("T", "label", f"s{i}-{k}", i * 10 + k, k == 0, "train" if i % 2 else "test", f"m{i}")
        for i in range(sets)
        for k in range(controls + 1)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def test_every_set_keeps_its_members_and_one_case_and_every_member_is_drawn_alike():
    before = tasks(600, 2)
    after = permute_labels(before, seed=1)
    check_tasks(after)
    order = ["task", "session_id"]
    assert_frame_equal(after.drop("label").sort(order), before.drop("label").sort(order))
    was_case = after.filter(pl.col("session_id").str.ends_with("-0"))["label"].mean()
    assert 0.26 < was_case < 0.41  # a third, four standard errors


def test_a_seed_is_a_draw():
    before = tasks(50, 1)
    assert permute_labels(before, 1).equals(permute_labels(before, 1))
    assert not permute_labels(before, 1).equals(permute_labels(before, 2))
