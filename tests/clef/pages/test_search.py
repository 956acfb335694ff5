"""The page of a search: what it says, that ids and reports are text on it, and that it needs nothing beside it."""

import dataclasses

from clef.pages.search import Hit, ReportHit, Search, search_page

HOSTILE = '<script>alert("a")</script>'

SOME = Search(
    HOSTILE, "read as: far from spikes", "Of 3 sessions", [Hit("a", 0.4), Hit(HOSTILE, -0.1, "same", [("age", "4")])]
)


def test_the_page_ranks_and_says_how_the_query_was_read():
    text = search_page(SOME)
    assert text.index(">a<") < text.index("2 · ") and "-0.100" in text and "age 4" in text
    assert "read as: far from spikes" in text and "No spectrograms: give tokens=" in text
    assert "no text of reports" in text and "holds text of reports" not in text


def test_what_comes_from_outside_is_text():
    text = search_page(dataclasses.replace(SOME, reports=[ReportHit("a", 0.1, "", HOSTILE)]))
    assert HOSTILE not in text and "This page holds text of reports" in text
    assert "default-src 'none'" in text and "http" not in text.replace("http-equiv", "")
