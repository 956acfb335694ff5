"""Tables and lines for the terminal."""

import polars as pl
import pytest

from benchmark.report.terminal.tables import (
    difference_lines,
    mean_table,
    per_task_table,
    text_table,
)
from benchmark.scores.comparing import differences
from benchmark.scores.results import Results
from benchmark.scores.scoring import score_tasks
from tests.benchmark.examples import make_embeddings, make_scored, make_tasks

DRAWS = tuple((labels, seed) for labels in ("10", "25", "all") for seed in range(3))


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


def test_differences_in_words():
    scored = make_scored({"good": 2.0, "noise": 0.0}, draws=DRAWS)
    line, words = difference_lines(Results(scored, {}))
    assert line.startswith("good > noise: +0.") and line.endswith(", 6/0/0: holds")
    assert words.startswith("won/level/lost: tasks, at a false discovery rate of 5 %")
    assert difference_lines(Results(scored, {}), most=0)[0] == "… and 1 more pairs"


def test_a_difference_that_does_not_hold_says_how_many_sets_would_show_it():
    close = make_scored({"a": 1.0, "b": 0.95}, tasks=3)
    (d,) = differences(close)
    assert difference_lines(Results(close, {}))[0].endswith(f"0/3/0: does not hold (needs {d.sets_needed:,} sets)")


def test_the_planted_causes_stand_apart_beside_the_ceiling():
    scored = make_scored({"ours": 1.0, "truth": 2.0}, tasks=3)
    results = Results(scored, {"ceilings": {"t0": 0.95}})
    names = [line.split("  ")[0] for line in mean_table(results).splitlines()[4:]]
    assert names == ["ours", "truth, same labels", "planted ceiling"]
    assert not difference_lines(results)


def test_fewer_labels_have_a_column_each_and_the_terminal_is_wide_enough():
    names = ("aligned-report-head", "recon", "untrained", "codes", "bandpower", "metadata", "acquisition", "truth")
    scored = make_scored(dict.fromkeys(names, 1.0), draws=DRAWS)
    families = ["phenotype", "medication", "finding"] * 2
    family = pl.col("task").replace_strict(dict(zip(scored.tasks, families, strict=True)))
    scored.scores = scored.scores.with_columns(family=family)
    text = mean_table(Results(scored, {"suite": "demo"}, unmatched=scored))
    assert text.splitlines()[2].split("  ")[0] == "embedding"
    header = " ".join(text.splitlines()[2].split())
    assert header == "embedding all 95 % interval 25 cases 10 cases finding medication phenotype tasks"
    assert max(map(len, text.splitlines())) <= 120
    assert max(map(len, difference_lines(Results(scored, {})))) <= 120


def test_tasks_have_a_row_each(results):
    lines = per_task_table(results).splitlines()
    assert lines[0].split() == ["task", "cases", "good", "noise", "ceiling"]
    assert lines[2].split()[:2] == ["t0", "60"] and lines[2].endswith("0.95")
