"""A finding or label belongs to one session or to none."""

from datetime import datetime, timedelta

import polars as pl

from clef.placing import RECORDING_SECONDS, place_events

START = datetime(2020, 1, 1, 9)
SCHEMA = {"subject_id": pl.Int64, "time": pl.Datetime("us"), "code": pl.String, "session_id": pl.String}


def place(sessions, *events):
    """Sessions as name -> (person, seconds after START or None); events as (person, seconds or None, session?)."""
    at = lambda seconds: None if seconds is None else START + timedelta(seconds=seconds)
    rows = [(name, person, at(seconds)) for name, (person, seconds) in sessions.items()]
    table = pl.DataFrame(
        rows, {"session_id": pl.String, "subject_id": pl.Int64, "start_time": pl.Datetime("us")}, orient="row"
    )
    rows = [(e[0], at(e[1]), f"e{i}", *(e[2:] or [None])) for i, e in enumerate(events)]
    placed, rest = place_events(table, pl.DataFrame(rows, SCHEMA, orient="row"))
    assert set(rest.columns) >= {"subject_id", "time", "code"}
    return {code: name for name, code in sorted(placed.iter_rows())}, rest["code"].sort().to_list()


def test_an_event_goes_where_its_session_says_whatever_its_time():
    sessions = {"a": (0, 0), "b": (0, 90_000), "c": (1, None)}
    answer = place(sessions, (0, 0, "b"), (0, None, "a"), (1, 5, "c"), (0, 0, "elsewhere"), (0, 0, "c"), (9, 0, "a"))
    assert answer == ({"e0": "b", "e1": "a", "e2": "c"}, []), "a session that is not there, or of somebody else: none"


def test_a_recording_takes_1280_s_or_ends_where_the_next_begins():
    sessions = {"a": (0, 0), "b": (0, 600), "c": (1, 0)}
    times = (0, 599.9, 600, 600 + RECORDING_SECONDS - 0.1, 600 + RECORDING_SECONDS, -0.1)
    placed, rest = place(sessions, *((0, t) for t in times), (1, 1279), (1, 1281))
    assert placed == {"e0": "a", "e1": "a", "e2": "b", "e3": "b", "e6": "c"} and rest == ["e4", "e5", "e7"]


def test_without_time_only_the_only_session_is_meant():
    sessions = {"a": (0, 0), "b": (1, 0), "c": (1, None), "d": (2, None)}
    events = [(0, None), (1, None), (1, 10), (1, 99_999), (2, 99_999), (2, None)]
    assert place(sessions, *events) == ({"e0": "a", "e2": "b", "e4": "d", "e5": "d"}, ["e1", "e3"])


def test_two_sessions_that_start_together_leave_it_open():
    assert place({"a": (0, 0), "b": (0, 0), "c": (0, 5000)}, (0, 10), (0, 5010)) == ({"e1": "c"}, ["e0"])


def test_nothing_to_place():
    assert place({"a": (0, 0)}) == ({}, [])
