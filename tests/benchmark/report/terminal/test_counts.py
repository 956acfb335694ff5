"""Counts: a row for each kept task, or for each family where tasks are many."""

from benchmark.report.terminal.counts import counts_table


def counts(tasks):
    split = {"val": 1, "train": 4, "test": 2}
    kept = {"cases": 9, "dropped": 2, "kept": True, "splits": split}
    return {f"T{i}": kept | {"family": "label" if i % 2 else "finding"} for i in range(tasks)} | {
        "none": kept | {"family": "label", "kept": False}
    }


def test_few_tasks_have_a_row_each_and_many_a_row_per_family():
    head, _, *rows = counts_table(counts(4)).splitlines()
    assert head.split()[-9:] == ["cases", "in", "train", "cases", "in", "val", "cases", "in", "test"]
    assert [row.split() for row in rows] == [[f"T{i}", "9", "2", "4", "1", "2"] for i in range(4)]
    rows = counts_table(counts(4), most=3).splitlines()[2:]
    assert [row.split() for row in rows] == [[f, "tasks", "18", "4", "8", "2", "4"] for f in ("finding", "label")]
