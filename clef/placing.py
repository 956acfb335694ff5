"""Placement of findings and labels at the sessions they were recorded at: each belongs to one session or to none.

Whoever is observed for a week has ten recordings and a seizure in one of them. So an event is placed, in this order,

1. at the session that its `session_id` names;
2. at the session in whose recording time it falls: from its start to 1,280 s later, or to the next session's start;
3. where it has no time, or the session has no start: at the only session of its person.

Whatever is left is placed nowhere: several sessions of one person, or two that started at the same moment, leave it
open which of them was meant, and a day without hour is no place on a day with three recordings.
"""

import polars as pl

RECORDING_SECONDS = 1280
"""The longest a session is (the session table does not say how long a recording is)."""


def place_events(sessions: pl.DataFrame, events: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Events at their sessions (session_id, code; each once), and the events that could not be placed.

    sessions: session_id, subject_id, start_time?; events: subject_id, time?, code, session_id?. Events of people or
    sessions that are not in `sessions` are in neither table.
    """
    time = pl.Datetime("us")
    sessions = sessions.select("session_id", "subject_id", pl.col("start_time").cast(time))
    events = events.with_columns(pl.col("time").cast(time))
    named = events.filter(pl.col("session_id").is_not_null()).join(
        sessions, on=["session_id", "subject_id"], how="semi"
    )
    others = events.filter(pl.col("session_id").is_null()).drop("session_id")
    others = others.join(sessions, on="subject_id", how="semi").with_row_index("_row")
    dated = _dated(sessions, others)
    alone = _alone(sessions, others.join(dated, on="_row", how="anti"))
    placed = pl.concat([part.select("session_id", "code") for part in (named, dated, alone)]).unique()
    rest = others.join(pl.concat([dated, alone], how="diagonal"), on="_row", how="anti")
    return placed, rest.drop("_row")


def _dated(sessions: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Events that fall in the recording time of one session, with its `session_id`."""
    one_start = ~pl.struct("subject_id", "start_time").is_duplicated()
    started = sessions.filter(pl.col("start_time").is_not_null())
    started = started.with_columns(session_id=pl.when(one_start).then("session_id")).sort("start_time")
    # the last start before the event: so a session ends where the next one of the same person begins
    nearest = events.filter(pl.col("time").is_not_null()).sort("time").join_asof(
        started, left_on="time", right_on="start_time", by="subject_id", check_sortedness=False
    )  # fmt: skip
    inside = pl.col("time") - pl.col("start_time") < pl.duration(seconds=RECORDING_SECONDS)
    return nearest.filter(inside & pl.col("session_id").is_not_null())


def _alone(sessions: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Events that cannot be compared in time, at the only session of their person."""
    only = sessions.filter(pl.col("subject_id").is_unique())
    pairs = events.join(only, on="subject_id")
    return pairs.filter(pl.col("time").is_null() | pl.col("start_time").is_null())
