"""From codes on record to labelled sessions: who is a case of a task, who may be a control, of whom nothing is known.

Electronic records list what was found, not what was looked for and absent. So there are three answers, not two:

case       a code of the task at the session: inside the task's window (phenotype, medication), or placed at this very
           session (finding, label)
control    no code of the task and none of its excluded blocks anywhere on the person's record, and the family is known
           at the session: another ICD-10 or ATC code inside the same window, another finding or another value of the
           same labelled column at this very session
unknown    everybody else: the code outside the window (stopped the drug long ago, will get the diagnosis), a code of
           the same block (another epilepsy), no code of the family inside the window, a finding that no session can be
           given

Windows compare an event's time with the session's start: `ever` anywhere in the record, `around` so many days before or
after, `before` up to the start (and not longer ago than so many days). Where one of the two is not known,

- an event without time lies in every window: public tables give no dates, and counting its carriers as controls would
  be worse;
- an event with a time lies in the window of a session without start only if the person has no other session: of
  several, nobody can say which was meant.

A person with any case session is a case, so nobody is both.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmark.tasksets.suites import Definition
from clef.codes import ICD_SPACE, is_icd9, normalise_code
from clef.placing import place_events

PER_SESSION = ("finding", "label")  # what belongs to one recording; the other families belong to the person
RECORDED = ("FINDING//", "LABEL//")
UNDATED = np.iinfo(np.int64).min
"""Time of an event, or start of a session, that is not known; others are microseconds since 1970."""
LAST = "\U0010ffff"
"""After every character that a code can hold."""

Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]


class EventIndex:
    """The sessions of a cohort and its events, sorted by code, so that each task touches its own codes alone.

    person: (n sessions,) which person each is of, numbered from 0 · sessions: the session table in the order of ids
    codes: the codes on record, each in one spelling (clef.codes), sorted
    counts: events left out or not placed: `icd9`, and `events`, `undated`, `unplaced` by namespace
    """

    def __init__(self, sessions: pl.DataFrame, events: pl.DataFrame):
        """sessions: session_id, subject_id, start_time?; events: subject_id, time?, code, session_id?."""
        if "session_id" not in events.columns:
            events = events.with_columns(session_id=pl.lit(None, pl.String))
        self.sessions = sessions.sort("session_id")
        people = self.sessions["subject_id"].unique().sort()
        self.person = people.search_sorted(self.sessions["subject_id"]).to_numpy().astype(np.intp)
        self._start = _microseconds(self.sessions["start_time"])
        self._sessions_of = np.bincount(self.person, minlength=len(people))
        self._by_person = np.argsort(self.person, kind="stable")
        self._first = np.concatenate([[0], np.cumsum(self._sessions_of)])
        events = events.select("subject_id", "time", "code", "session_id").join(
            self.sessions, on="subject_id", how="semi"
        )
        table, self.counts = _spelled(events)
        self._sort(table, people)
        self._place(table)
        self._known: dict[tuple[str, str | None, float | None], Mask] = {}

    def _sort(self, table: pl.DataFrame, people: pl.Series) -> None:
        """Lay the events out by code: who and when, and where each code begins."""
        self.codes = table["code"].unique().sort().to_list()
        self._keys = sorted((_key(code), code) for code in self.codes)
        number = pl.DataFrame({"code": [code for _, code in self._keys]}, {"code": pl.String}).with_row_index("number")
        rows = table.join(number, on="code").select("subject_id", "time", "number").unique().sort("number")
        self._who = people.search_sorted(rows["subject_id"]).to_numpy().astype(np.intp)
        self._when = _microseconds(rows["time"])
        self._begin = np.searchsorted(rows["number"].to_numpy(), np.arange(len(self._keys) + 1))

    def _place(self, table: pl.DataFrame) -> None:
        """Findings and labels at their sessions: rows of sessions by code; what cannot be placed is counted."""
        placed, rest = place_events(self.sessions, table.filter(pl.col("code").str.contains("^(FINDING|LABEL)//")))
        self.counts["unplaced"] = {space: int(rest["code"].str.starts_with(space).sum()) for space in RECORDED}
        row = self.sessions.select("session_id").with_row_index("row")
        parts = placed.join(row, on="session_id").partition_by("code", as_dict=True)
        self._at = {code: part["row"].to_numpy() for (code,), part in parts.items()}

    def cases(self, task: Definition) -> Mask:
        """Which sessions (n,) are cases, in the order of `sessions`."""
        if task.family in PER_SESSION:
            return self._with([code for code in self._at if code in task.codes])
        return self._inside(self._events(task.codes), task)

    def controls(self, task: Definition) -> Mask:
        """Which sessions (n,) may be controls: the family is known there, and no code of the task or its blocks is
        anywhere on the person's record.
        """
        carriers = np.zeros(len(self._sessions_of), bool)
        whole = task.family in PER_SESSION
        carriers[self._who[self._events(task.codes, whole)]] = True
        carriers[self._who[self._events(task.exclude)]] = True
        return self._is_known(task) & ~carriers[self.person]

    def _is_known(self, task: Definition) -> Mask:
        """Which sessions have any code of the family inside the window, so that an absent one may mean something."""
        key = (task.known_by, task.window, task.window_days)
        if key not in self._known:
            if task.family in PER_SESSION:
                self._known[key] = self._with([code for code in self._at if code.startswith(task.known_by)])
            else:
                self._known[key] = self._inside(self._events([task.known_by]), task)
        return self._known[key]

    def _with(self, codes: Iterable[str]) -> Mask:
        """Sessions at which one of these findings or labels was placed."""
        mask = np.zeros(len(self.person), bool)
        for code in codes:
            mask[self._at[code]] = True
        return mask

    def _events(self, prefixes: Iterable[str], whole: bool = False) -> Rows:
        """Rows of the events whose code begins with one of `prefixes`, or is one of them; dots do not matter.

        What was looked for and denied (`FINDING//seizure//absent`) does not begin with the finding.
        """
        rows = [np.zeros(0, np.intp)]
        for wanted in {_key(prefix) for prefix in prefixes}:
            first = bisect_left(self._keys, (wanted, ""))
            last = bisect_left(self._keys, (wanted + ("" if whole else LAST), LAST))
            named = [i for i in range(first, last) if whole or not _is_denied(self._keys[i][1])]
            rows += [np.arange(self._begin[i], self._begin[i + 1]) for i in named]
        return np.concatenate(rows)

    def _inside(self, rows: Rows, task: Definition) -> Mask:
        """Sessions whose person has one of these events inside the task's window."""
        mask = np.zeros(len(self.person), bool)
        if task.window == "ever":
            people = np.zeros(len(self._sessions_of), bool)
            people[self._who[rows]] = True
            return people[self.person]
        # every event beside every session of its person
        counts = self._sessions_of[self._who[rows]]
        ends = np.cumsum(counts)
        nth = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
        session = self._by_person[np.repeat(self._first[self._who[rows]], counts) + nth]
        mask[session[self._near(np.repeat(self._when[rows], counts), session, task)]] = True
        return mask

    def _near(self, time: NDArray[np.int64], session: Rows, task: Definition) -> Mask:
        """Which pairs of an event's time and a session lie in the window; the module says what of unknown times."""
        start = self._start[session]
        days = np.inf if task.window_days is None else task.window_days
        later = (time - start) / 86_400e6  # of unknown times a number without meaning, overwritten below
        near = (np.abs(later) <= days) if task.window == "around" else (later <= 0) & (later >= -days)
        near[start == UNDATED] = self._sessions_of[self.person[session[start == UNDATED]]] == 1
        return near | (time == UNDATED)


def _spelled(events: pl.DataFrame) -> tuple[pl.DataFrame, dict]:
    """Events with their codes in one spelling, and counts; codes that no task can ask for are left out."""
    sizes = events.group_by("code").agg(pl.len(), undated=pl.col("time").null_count())
    spelled = {code: _spelling(code) for code in sizes["code"]}
    counts = {"icd9": 0, "events": Counter(), "undated": Counter()}
    for code, size, undated in sizes.iter_rows():
        counts["icd9"] += size * is_icd9(code)
        if name := spelled[code]:
            space = name[: name.index("//") + 2]
            counts["events"][space] += size
            counts["undated"][space] += undated
    table = [(code, name) for code, name in spelled.items() if name]
    table = pl.DataFrame(table, {"code": pl.String, "name": pl.String}, orient="row")
    return events.join(table, on="code").drop("code").rename({"name": "code"}), counts


def _spelling(code: str) -> str | None:
    """A code as tasks write it; None for those of no family (ICD-9, GENDER//F, a bare word)."""
    if code.startswith(RECORDED):
        return code
    return normalise_code(code) if "//" in code else None


def _key(code: str) -> str:
    """A code as it is compared and sorted: diagnoses without dot, so that a beginning is a beginning."""
    return code.replace(".", "") if code.startswith(ICD_SPACE) else code


def _is_denied(code: str) -> bool:
    return code.startswith("FINDING//") and code.endswith("//absent")


def _microseconds(times: pl.Series) -> NDArray[np.int64]:
    return times.cast(pl.Datetime("us")).to_physical().fill_null(UNDATED).to_numpy()


def label_sessions(index: EventIndex, task: Definition, seed: int) -> pl.DataFrame:
    """Sessions of a task with `label` (bool), one per subject; sessions at which nothing is known are absent.

    A subject with any case session is a case (one of these sessions is taken by a seeded draw), so nobody is both.
    Returns the columns of the session table and `label`.
    """
    case = index.cases(task)
    pool = np.flatnonzero(case | index.controls(task))
    # cases before others, in each a drawn order: the first of each person is taken
    order = pool[np.argsort(np.random.default_rng(seed).random(len(pool)) + ~case[pool])]
    _, first = np.unique(index.person[order], return_index=True)
    rows = np.sort(order[first])
    return index.sessions[rows].with_columns(label=pl.Series(case[rows]))
