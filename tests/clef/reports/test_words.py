"""Tables of words: alternatives start where a word does, and no table matches nothing at all."""

import re

import pytest

from clef.reports import words
from clef.reports.words import any_of


def test_alternatives_stand_between_bars_and_on_lines_and_start_a_word():
    pattern = any_of("spikes? | sharp\n  slow wave")
    assert [bool(pattern.search(text)) for text in ("a spike", "sharp", "slow waves", "handspike", "sharpness")] == [
        True, True, True, False, True]  # fmt: skip


def test_no_table_matches_nothing_at_all():
    tables = {name: value for name, value in vars(words).items() if isinstance(value, re.Pattern)}
    assert len(tables) > 10
    assert not [name for name, pattern in tables.items() if pattern.fullmatch("")]


@pytest.mark.parametrize(
    "table, text", [("MEDICATION", "medication"), ("PERSON", "55-year-old"), ("NEGATION", "without")]
)
def test_usual_words_are_in_their_table(table, text):
    assert getattr(words, table).search(f"seen {text} here")
