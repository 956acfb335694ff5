"""The protocol: every setting in a table and in one paragraph, and how to cite."""

import polars as pl
import pytest

import clef
from benchmark.report.facts import Facts
from benchmark.report.protocol import citations, protocol_rows, quotation
from tests.benchmark.report.made import made_up


@pytest.fixture
def results():
    return made_up()


def test_the_table_and_the_paragraph_name_every_setting(results):
    facts = Facts(results)
    rows, text = dict(protocol_rows(facts)), quotation(facts)
    assert rows["Windows"] == "anywhere in the record (12 tasks)"
    assert rows["Training cases"] == "10, 25 and all" and rows["Scored on"] == "test; split hash abc123"
    assert rows["Width"] == "all dimensions: 32 probes; 32 whitened: 32 probes; 128 whitened: 32 probes"
    for said in (
        f"clef-eeg {clef.__version__}", "suite clinical: 12 tasks, 120 people", "had 1 control; matching: sex, site",
        "a code of the same block", "anywhere in the record", "logistic regression, L2; trained on 10, 25 and all",
        "on the test split, means over 2 seeds", "95 % intervals", "DeLong", "Split hash abc123.",
    ):  # fmt: skip
        assert said in text, said


def test_windows_are_counted_over_the_scored_tasks(results):
    definitions = results.about["protocol"]["definitions"]
    definitions["ICD10CM//G41"] |= {"window": "around", "window_days": 90}
    definitions["ICD10CM//G42"] |= {"window": "before", "window_days": 1}
    definitions["not scored"] = definitions["ICD10CM//G41"]
    rows = dict(protocol_rows(Facts(results)))
    assert rows["Windows"] == (
        "anywhere in the record (10 tasks); before or after the session, up to 90 days (1 tasks); "
        "before the session, up to 1 day (1 tasks)"
    )


def test_what_an_older_file_does_not_say_is_left_out(results):
    results.about.pop("protocol")
    results.about.pop("counts")
    rows, text = dict(protocol_rows(Facts(results))), quotation(Facts(results))
    assert "Windows" not in rows and "Neither case nor control" not in rows and "None" not in text


def test_out_of_fold_scores_are_called_so(results):
    results.scored.scores = results.scored.scores.with_columns(scored_on=pl.lit("5 folds"))
    assert "AUROCs, out of fold (5 folds), means" in quotation(Facts(results))


def test_the_software_and_the_paper_are_cited():
    software, paper = citations()
    assert software.startswith("The CLEF contributors. CLEF: ") and f"version {clef.__version__}" in software
    assert "arXiv:2605.10817" in paper and "(2026)" in paper
