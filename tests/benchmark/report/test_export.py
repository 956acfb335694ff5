"""The CSV for spreadsheets and the Markdown for repositories."""

import csv
import io
import re

import pytest

from benchmark.report.export import as_csv, as_markdown, cell
from benchmark.report.facts import Facts
from tests.benchmark.report.made import made_up


@pytest.fixture(scope="module")
def facts():
    return Facts(made_up({"ours": 1.6, "untrained": 0.5}, cases=60))


def test_the_csv_has_a_row_per_task_and_the_numbers_of_the_table(facts):
    text = as_csv(facts)
    assert text.startswith("\ufefftask,code,family")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [row["code"] for row in rows] == [row["code"] for row in facts.rows]
    for row, known in zip(rows, facts.rows, strict=True):
        assert float(row["ours auroc"]) == pytest.approx(known["scores"]["ours"][0], abs=1e-5)
        assert float(row["ours minus untrained q"]) == pytest.approx(known["against"]["ours"]["q"], rel=1e-4)
        assert row["ours minus untrained outcome"] in ("win", "tie", "loss") and row["ceiling"] == ""


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_no_text_is_a_formula(text):
    assert cell(text) == "'" + text


def test_numbers_and_plain_text_stay():
    assert (cell(-0.25), cell(3), cell(None), cell("a=b")) == ("-0.25", 3, None, "a=b")


def test_the_markdown_says_what_the_page_says(facts):
    text = as_markdown(facts)
    assert "## Verdict" in text and "| ours | " in text and "ours against untrained" in text
    won = facts.outcomes("ours", "win")
    assert f"{len(won)} won, 0 lost." in text and text.count("\n- won: ") == len(won)
    assert "> Embeddings were scored with CLEF's benchmark" in text and "arXiv:2605.10817" in text
    header, rule, *rows = text[text.index("| embedding") :].split("\n\n")[0].splitlines()
    assert {line.count("|") for line in (header, rule, *rows)} == {8} and len(rows) == 2


def test_hostile_names_are_text_in_markdown():
    text = as_markdown(Facts(made_up(hostile=True)))
    assert "<script" not in text and "</script" not in text and not re.search(r"(?<!\\)<b>", text)
    assert "&lt;script>" in text


def test_nobodys_session_is_named(facts):
    assert "secret-session" not in as_csv(facts) + as_markdown(facts)
