"""The table of summarisers: stored summaries are used or made anew by their fingerprint, a new one is one line."""

import polars as pl
import pytest

from clef.cohort import REPORTS
from clef.reports import rules, summarisers
from clef.reports.summarisers import Summariser, report_summaries, summarise, summariser_fingerprint


def test_stored_summaries_are_used_only_if_their_summariser_is_the_one_asked_for():
    ours = summariser_fingerprint("rules")
    rows = {
        "session_id": ["a", "b", "c", "d", "e"],
        "text": ["No seizures."] * 3 + ["Takes Keppra.", None],
        "summary": ["stored.", "of a model.", None, None, None],
        "summariser": [ours, "some-model", None, None, None],
    }
    reports = pl.DataFrame(rows, schema=REPORTS)
    assert report_summaries(reports) == {"a": "stored.", "b": "no seizures.", "c": "no seizures."}
    assert report_summaries(reports, "some-model") == {"b": "of a model."}
    with pytest.raises(ValueError, match="no report has a summary of this name"):
        report_summaries(reports, "another")
    with pytest.raises(ValueError, match="there are: rules"):
        summarise("No seizures.", "another")


def test_the_fingerprint_of_the_rules_is_that_of_stored_summaries():
    assert summariser_fingerprint("rules") == "3d25805ccd66983c"
    assert summariser_fingerprint("some-model") == "some-model"


def test_the_default_is_the_rules():
    assert summarise("No seizures.") == rules.condense("No seizures.") == "no seizures."


def test_a_new_summariser_is_a_line_and_a_new_version_makes_summaries_anew(monkeypatch):
    reports = pl.DataFrame({"session_id": ["a", "b"], "text": ["Left Spikes", " "]}, schema_overrides=REPORTS)
    reports = reports.with_columns(summary=pl.lit(None, pl.String), summariser=pl.lit(None, pl.String))
    monkeypatch.setitem(summarisers.SUMMARISERS, "lower", Summariser("1", str.lower))
    assert report_summaries(reports, "lower") == {"a": "left spikes"}
    first = summariser_fingerprint("lower")
    stored = reports.with_columns(summary=pl.lit("stored"), summariser=pl.lit(first))
    assert report_summaries(stored, "lower") == {"a": "stored", "b": "stored"}
    monkeypatch.setitem(summarisers.SUMMARISERS, "lower", Summariser("2", str.lower))
    assert summariser_fingerprint("lower") != first and report_summaries(stored, "lower") == {"a": "left spikes"}
