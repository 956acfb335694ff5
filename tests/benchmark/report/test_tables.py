"""Tables and lines for the terminal."""

import pytest

from benchmark.report.tables import (
    difference_lines,
    mean_table,
    per_task_table,
    text_table,
)
from benchmark.scores.results import Results
from benchmark.scores.scoring import score_tasks
from tests.benchmark.examples import make_embeddings, make_tasks


@pytest.fixture(scope="module")
def results():
    tasks = make_tasks(2)
    stores = {"good": make_embeddings(tasks, 2.0), "noise": make_embeddings(tasks, 0.0)}
    for store in stores.values():
        store.trained_on = {"train": [], "val": []}
    scored = score_tasks(tasks, stores, resamples=50)
    return Results(scored, {"suite": "demo", "ceilings": {"t0": 0.95}}, unmatched=scored)


def test_columns_are_aligned():
    lines = text_table(["a", "bb"], [["long name", 1], ["x", 12345]]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[2].startswith("long name") and lines[3].endswith("12345")


def test_a_row_of_another_length_is_a_mistake_of_ours():
    with pytest.raises((ValueError, IndexError)):
        text_table(["a", "b"], [["x", 1, 2]])


def test_the_mean_table_shows_everybody_the_unmatched_and_the_ceiling(results):
    lines = mean_table(results).splitlines()
    assert lines[0].startswith("AUROC, suite demo, 2 tasks, matched controls")
    names = [line.split("  ")[0] for line in lines[4:]]
    assert names == ["good", "noise", "good, unmatched controls", "noise, unmatched controls", "planted ceiling"]
    assert "0.950" in lines[-1]


def test_synthetic_data_are_called_so(results):
    synthetic = Results(results.scored, {}, synthetic=True)
    assert "SYNTHETIC DATA, not patients" in mean_table(synthetic)
    assert "SYNTHETIC" not in mean_table(results)


def test_differences_in_words(results):
    (line,) = difference_lines(results)
    assert line.startswith("good > noise: +0.") and line.endswith("2 of 2 tasks: holds")
    assert difference_lines(results, most=0) == ["… and 1 more pairs"]


def test_tasks_have_a_row_each(results):
    lines = per_task_table(results).splitlines()
    assert lines[0].split() == ["task", "cases", "good", "noise", "ceiling"]
    assert lines[2].split()[:2] == ["t0", "60"] and lines[2].endswith("0.95")
