"""Cells as values, where a wrong reading would go unnoticed."""

from datetime import datetime

import pytest

from clef.importers.values import date_order, is_unknown, parse_age, parse_sex, parse_time, too_many_numbers


def test_what_stands_for_nothing_known_and_what_is_a_value():
    empty = [
        "",
        " ",
        "NA",
        "N/A",
        "nan",
        "Unknown",
        "?",
        "k.A.",
        "keine Angabe",
        "-",
        ".",
        "missing",
        "n.a.",
        "#N/A",
        "NULL",
    ]
    assert all(map(is_unknown, [*empty, None]))
    assert not any(map(is_unknown, ["none", "no", "normal", "0", "nein", "keine", "negative", "unknown epilepsy"]))


@pytest.mark.parametrize("text", ["45 w", "45 m", "12 m", "3 d", "-3", "121", "1e1", "45/50", "<1", "abc", "1,000,000"])
def test_an_age_that_may_mean_something_else_is_none(text):
    assert parse_age(text) is None


@pytest.mark.parametrize(
    "text", ["31.13.2020", "12.31.2020", "31/12/2020", "2020-02-30", "44196", "31.12.2020 25:00", "3/4/20"]
)
def test_a_time_that_may_mean_something_else_is_none(text):
    assert parse_time(text) is None


def test_the_order_of_dates_is_the_columns():
    assert date_order(["2020-12-31", "31.12.2020", None]) == (None, None)
    assert date_order(["03/04/2020", "13/04/2020"]) == ("dmy", None) and date_order(["4/13/2020"]) == ("mdy", None)
    assert date_order(["3/3/2020"]) == ("dmy", None) and date_order(["3/3/2020", "3/4/2020"])[1] == "3/3/…"
    assert date_order(["13/04/2020", "04/13/2020"]) == (None, "13/04/…")
    assert parse_time("03/04/2020 1:05 pm", "mdy") == datetime(2020, 3, 4, 13, 5)


def test_codes_of_sex_are_none():
    assert [parse_sex(text) for text in ("1", "0", "h", "d", "")] == [None] * 5


@pytest.mark.parametrize(
    ("cells", "different"),
    [
        (["0", "1"], 0),
        ([str(i) for i in range(1, 11)], 0),
        ([str(i) for i in range(12)], 12),
        (["30", "20", "22", "24", "18", "16"], 6),
        (["0,5", "1,5", "2"], 3),
        (["1", "2", "mild"], 0),
        ([], 0),
    ],
)
def test_numbers_that_measure_are_no_classes(cells, different):
    assert too_many_numbers(cells) == different
