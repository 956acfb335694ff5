"""From codes on record to labelled sessions: who is a case of a task, who may be a control, who is unknown.

Electronic records list what was found, not what was looked for and absent. So a session without the code is a
candidate control only where the family is known at all: one ICD-10 code, one ATC code on the subject's record;
one finding, or one value of the same labelled column, at the session itself.
"""

import numpy as np
import polars as pl

from benchmark.tasksets.suites import Definition

PER_SESSION = ("finding", "label")  # what belongs to one recording; the other families belong to the person


class EventIndex:
    """The sessions of a cohort and its events, laid out by code so that each task touches only its own."""

    def __init__(self, sessions: pl.DataFrame, events: pl.DataFrame):
        self.sessions = sessions.sort("session_id")
        events = events.select("subject_id", "time", "code").unique()
        self.events = {code: part for (code,), part in events.partition_by("code", as_dict=True).items()}
        self._known: dict[tuple[str, float | None], pl.Series] = {}

    @property
    def codes(self) -> list[str]:
        """All codes on record."""
        return sorted(self.events)

    def cases(self, task: Definition) -> pl.Series:
        """Ids of the sessions that have one of the task's codes. ICD codes come with and without dot: both match."""
        if task.family in PER_SESSION:
            codes = [code for code in self.codes if code in task.codes]
        else:
            wanted = tuple(code.replace(".", "") for code in task.codes)
            codes = [code for code in self.codes if code.replace(".", "").startswith(wanted)]
        return self._near(codes, task.window_days)

    def known(self, task: Definition) -> pl.Series:
        """Ids of the sessions at which the task's family is known, so that an absent code may mean an absent thing."""
        window = task.window_days if task.family in PER_SESSION else None
        key = (task.known_by, window)
        if key not in self._known:
            self._known[key] = self._near([c for c in self.codes if c.startswith(task.known_by)], window)
        return self._known[key]

    def _near(self, codes: list[str], window_days: float | None) -> pl.Series:
        """Ids of the sessions whose subject has an event with one of `codes` near enough in time.

        An event without time counts for every session of its subject, and a session without start time takes every
        event of its subject: what cannot be placed in time is not held against a label.
        """
        if not codes:
            return pl.Series("session_id", [], pl.String)
        events = pl.concat([self.events[code] for code in codes]).select("subject_id", "time").unique()
        if window_days is None:
            return self.sessions.join(events, on="subject_id", how="semi")["session_id"]
        near = self.sessions.select("session_id", "subject_id", "start_time").join(events, on="subject_id")
        apart = (pl.col("time") - pl.col("start_time")).abs() <= pl.duration(microseconds=round(window_days * 86_400e6))
        return near.filter(apart.fill_null(True))["session_id"].unique()


def label_sessions(index: EventIndex, task: Definition, seed: int) -> pl.DataFrame:
    """Sessions of a task with `label` (bool), one per subject; sessions at which nothing is known are absent.

    A subject with any case session is a case (one of these sessions is taken by a seeded draw), so nobody is both.
    Returns the columns of the session table and `label`.
    """
    cases, known = index.cases(task), index.known(task)
    pool = index.sessions.with_columns(label=pl.col("session_id").is_in(cases.implode()))
    pool = pool.filter(pl.col("label") | pl.col("session_id").is_in(known.implode()))
    draw = np.random.default_rng(seed).random(len(pool))
    ordered = pool.with_columns(pl.Series("_draw", draw)).sort("label", "_draw", descending=[True, False])
    return ordered.unique("subject_id", keep="first").drop("_draw").sort("session_id")
