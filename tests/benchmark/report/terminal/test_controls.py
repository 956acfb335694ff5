"""The block of controls as text and as plain values."""

import json

import polars as pl
import pytest

from benchmark.report.terminal.controls import control_table, controls_as_table
from benchmark.scores.controls import score_permuted
from benchmark.scores.identity import Identity
from benchmark.scores.results import Results
from benchmark.scores.scoring import score_tasks
from benchmark.scores.subgroups import SUBGROUPS
from tests.benchmark.examples import make_embeddings, make_tasks


@pytest.fixture(scope="module")
def results():
    tasks = make_tasks(2)
    stores = {"ours": make_embeddings(tasks, 2.0), "noise": make_embeddings(tasks, 0.0)}
    scored = score_tasks(tasks, stores, resamples=50)
    subgroups = pl.DataFrame(
        [
            ("ours", "sex", "F", 0.91, 0.8, 0.95, 0.93, 2, 60),
            ("ours", "age", "65+", 0.62, 0.5, 0.7, 0.93, 2, 40),
            ("noise", "sex", "F", 0.51, 0.4, 0.6, 0.5, 2, 60),
        ],
        SUBGROUPS,
        orient="row",
    )
    identity = [Identity("ours", 0.71, 0.25, 40, 12), Identity("noise", 0.5, 0.02, 40, 12)]
    permuted = score_permuted(tasks, stores, scored, {"resamples": 50})
    return Results(scored, {}, permuted=permuted, identity=identity, subgroups=subgroups)


def test_each_row_has_its_controls_and_its_worst_subgroup(results):
    lines = control_table(results).splitlines()
    header, ours = lines[2], next(line for line in lines if line.startswith("ours"))
    assert "permuted labels" in header and "knows people (12)" in header and "nearest of 40 is own" in header
    assert "control tasks" not in header, "none were given"
    assert "0.710" in ours and "25%" in ours and "age 65+ 0.620 (0.930)" in ours


def test_a_control_that_is_not_at_a_half_is_named(results):
    odd = Results(results.scored, {}, permuted=results.scored)
    assert "permuted labels: 0.5 lies outside the interval of ours;" in control_table(odd)


def test_programs_read_the_same(results):
    table = json.loads(json.dumps(controls_as_table(results)))
    assert table["format"] == 1 and set(table["permuted"]["means"]) == {"ours", "noise"} and table["controls"] is None
    assert table["worst"][0]["level"] == "65+" and table["identity"][0]["pool"] == 40
    assert set(table["words"]) <= set(table), "each part has its words"


def test_without_any_there_is_a_line(results):
    assert control_table(Results(results.scored, {})).endswith("none were made")
