"""Sentences of reports by hand: what their summary keeps and drops, and what they find."""

import pytest

from clef.reports import findings
from clef.reports.rules import condense
from tests.clef.reports.sentences import FOURTH, KEPT, LATER, SENTENCES, THIRD, TUNED, Case


def faults(row: Case) -> list[str]:
    """What the rules make of a sentence otherwise than it is written down."""
    summary = condense(row.text)
    stated = {" ".join(filter(None, finding)) for finding in findings(row.text)}
    wrong = [f"lost: {words}" for words in row.keep if words not in summary]
    wrong += [f"kept: {words}" for words in row.drop if words in summary]
    wrong += [f"kept: {summary}"] * (not row.keep and summary != "")
    return wrong + [f"findings: {sorted(stated)}"] * (stated != set(filter(None, row.findings.split(", "))))


@pytest.mark.parametrize("row", [*TUNED, *KEPT, *LATER, *THIRD, *FOURTH], ids=lambda row: row.text[:50])
def test_sentences_of_reports(row):
    assert faults(row) == []


def test_the_halves_are_the_eighty():
    assert len(TUNED) == len(KEPT) == 40 and {*TUNED, *KEPT} == set(SENTENCES)
