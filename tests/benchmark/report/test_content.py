"""Filters of the templates: numbers, q values, and text that is nothing but text."""

import pytest

from benchmark.report.content import chance, number, plain, sets


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a|b", "a\\|b"),
        ("<b>", "&lt;b>"),
        ("[x](y)", "\\[x\\](y)"),
        ("two\n# lines", "two \\# lines"),
        ("R&D", "R&amp;D"),
    ],
)
def test_markdown_is_escaped(text, written):
    assert plain(text) == written


def test_numbers_have_a_real_minus_and_nothing_is_empty():
    assert (number(-0.12345, 2, True), number(0.5), number(None), number(0.1, 1, True)) == (
        "−0.12",
        "0.500",
        "",
        "+0.1",
    )


def test_small_q_values_are_not_zero():
    assert (chance(0.0004), chance(0.03), chance(None)) == ("< 0.001", "0.030", "")


def test_more_sets_than_anybody_has_are_not_asked_for():
    assert (sets(1234), sets(None), sets(10**9)) == ("1,234", "", "")
