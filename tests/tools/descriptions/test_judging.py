"""Verdicts on statements against planted truth, and precision and recall of their counts."""

from collections import Counter

import pytest

from clef.descriptions.statements import Statement
from tools.descriptions.judging import verdict
from tools.descriptions.planted import Truth, between, side_words
from tools.score_descriptions import scores


def stated(present: bool | None, side: str | None = None) -> Statement:
    return Statement("session", 0, 60, "focal slowing", present, "temporal", side)


@pytest.mark.parametrize(
    ("present", "planted", "expected"),
    [
        (True, True, "hit"),
        (True, False, "false"),
        (False, True, "miss"),
        (False, False, "absent"),
        (True, None, "between"),
        (None, True, "not measured"),
    ],
)
def test_a_verdict(present, planted, expected):
    assert verdict(stated(present), Truth(planted)) == expected


def test_the_wrong_side_is_false_even_where_the_amount_lies_between():
    left = Truth(None, lambda s: s.side == side_words(-1))
    assert verdict(stated(True, "right"), left) == "false" and verdict(stated(True, "left"), left) == "between"


def test_precision_and_recall():
    made = scores(Counter(hit=8, false=2, miss=4, between=5))
    assert (made["precision"], made["recall"], made["between"]) == (0.8, pytest.approx(8 / 12), 5)
    assert scores(Counter(absent=3))["precision"] is None


def test_between_two_limits_nothing_is_said():
    assert [between(v, 2, 4) for v in (1.9, 2, 3.9, 4)] == [False, None, None, True]
