"""Who is a case, who may be a control, of whom nothing is known."""

import datetime

import numpy as np
import polars as pl
import pytest

import benchmark
from benchmark.tasksets.labelling import EventIndex, label_sessions
from benchmark.tasksets.suites import Definition, read_suite

DAY = datetime.datetime(2020, 1, 1, 9)


def test_medication_counts_only_near_the_session_and_findings_at_it(people):
    tasks = benchmark.make_tasks(people, "demo")
    exposed = tasks.filter((pl.col("task") == "ATC//N03AX14") & pl.col("label"))
    assert exposed["session_id"].str.ends_with("-0").all()  # the second visit is 170 days after the drug
    labels = benchmark.make_tasks(people, "labels")
    assert set(labels["task"]) == {"LABEL//A//group//patient", "LABEL//B//group//patient"}


@pytest.fixture
def labels(tmp_path):
    """Labels of a task by session, given rows of sessions and events, and the task as in a suite file.

    Sessions are (session, person, days after DAY or None), events (person, days or None, code, session or None).
    """

    def ask(sessions, events, family="medication", codes="ATC//N03AX14", **row):
        at = lambda days: None if days is None else DAY + datetime.timedelta(days=days)
        sessions = [(name, person, at(days)) for name, person, days in sessions]
        table = pl.DataFrame(sessions, ["session_id", "subject_id", "start_time"], orient="row")
        table = table.with_columns(pl.col("start_time").cast(pl.Datetime("us")))
        schema = {"subject_id": pl.Int64, "time": pl.Datetime("us"), "code": pl.String, "session_id": pl.String}
        rows = [(person, at(days), code, *(session or [None])) for person, days, code, *session in events]
        keys = "".join(f", {key}: {value}" for key, value in row.items())
        (tmp_path / "one.yaml").write_text(f"tasks:\n- {{task: x, family: {family}, codes: [{codes}]{keys}}}\n")
        (task,) = read_suite(str(tmp_path / "one.yaml"), [])
        index = EventIndex(table, pl.DataFrame(rows, schema, orient="row"))
        return dict(label_sessions(index, task, 0).select("session_id", "label").iter_rows())

    return ask


def one_each(n, days=0):
    """Sessions s0, s1 … of person 0, 1 …, all on one day."""
    return [(f"s{i}", i, days) for i in range(n)]


# ---- medications
def test_a_drug_outside_its_window_makes_nobody_a_control(labels):
    events = [(0, 30, "ATC//N03AX14"), (1, -120, "ATC//N03AX14"), (1, 0, "ATC//C07AB02"), (2, -10, "ATC//C07AB02")]
    assert labels(one_each(3), events) == {"s0": True, "s2": False}, "s1 stopped 120 days before: unknown"


def test_a_drug_of_ten_years_ago_says_nothing_of_today(labels):
    events = [(0, 0, "ATC//N03AX14"), (1, -3650, "ATC//C07AB02"), (2, 89, "ATC//C07AB02")]
    assert labels(one_each(4), events) == {"s0": True, "s2": False}


def test_drugs_of_the_same_group_make_no_controls_unless_asked_to(labels):
    events = [(0, 0, "ATC//N03AX14"), (1, 0, "ATC//N03AX09"), (2, 0, "ATC//N03AG01")]
    assert labels(one_each(3), events) == {"s0": True, "s2": False}
    assert labels(one_each(3), events, exclude="[]") == {"s0": True, "s1": False, "s2": False}
    assert labels(one_each(3), events, exclude="[ATC//N03]") == {"s0": True}
    group = {"codes": "ATC//N03AX", "family": "medication"}
    assert labels(one_each(3), [*events, (0, 0, "ATC//N05BA")], **group) == {"s0": True, "s1": True}, (
        "N03A is its block"
    )


def test_windows_of_medications(labels):
    events = [(0, -200, "ATC//N03AX14"), (1, 20, "ATC//N03AX14"), (1, 0, "ATC//C07AB02"), (2, -10, "ATC//C07AB02")]
    assert labels(one_each(3), events, window="ever") == {"s0": True, "s1": True, "s2": False}
    assert labels(one_each(3), events, window="before") == {"s0": True, "s2": False}
    assert labels(one_each(3), events, window="before", window_days=100) == {"s2": False}
    assert labels(one_each(3), events, window="around", window_days=20) == {"s1": True, "s2": False}
    assert labels(one_each(3), events, window_days=20) == {"s1": True, "s2": False}, "as older files have it"


def test_undated_drugs_count_whenever_the_session_was(labels):
    events = [(0, None, "ATC//N03AX14"), (1, None, "ATC//C07AB02")]
    assert labels([*one_each(2), ("t0", 0, 900)], events) in ({"s0": True, "s1": False}, {"t0": True, "s1": False})


def test_dated_drugs_at_sessions_without_start(labels):
    sessions = [("a", 0, None), ("b", 1, None), ("c", 1, None), ("d", 2, None), ("e", 3, None), ("f", 3, 0)]
    events = [(0, 0, "ATC//N03AX14"), (1, 0, "ATC//N03AX14"), (2, 0, "ATC//C07AB02"), (3, 0, "ATC//C07AB02")]
    assert labels(sessions, events) == {"a": True, "d": False, "f": False}, "of b, c and e nobody knows"


# ---- phenotypes
SEIZURES = {"family": "phenotype", "codes": "ICD10CM//G40.3"}


def test_codes_of_the_same_category_make_no_controls(labels):
    events = [(0, 0, "ICD10CM//G40.309"), (1, 0, "ICD10CM//G40.209"), (2, 0, "ICD10CM//I10"), (3, 0, "ATC//N03AX14")]
    assert labels(one_each(4), events, **SEIZURES) == {"s0": True, "s2": False}


@pytest.mark.parametrize(
    "code", ("DIAGNOSIS//ICD//10//G40309", "ICD10CM//G40.309", "ICD10CM//G40309", "ICD10//g40.309", "ICD10GM//G40.3*")
)
def test_every_spelling_of_a_code_is_the_code(labels, code):
    events = [(0, 0, code), (1, 0, "DIAGNOSIS//ICD//10//I10")]
    assert labels(one_each(2), events, **SEIZURES) == {"s0": True, "s1": False}


def test_a_code_after_the_session_makes_nobody_a_control(labels):
    events = [(0, -1, "ICD10CM//G40.3"), (1, 30, "ICD10CM//G40.3"), (1, -9, "ICD10CM//I10"), (2, -9, "ICD10CM//I10")]
    assert labels(one_each(4), events, **SEIZURES) == {"s0": True, "s1": True, "s2": False}
    assert labels(one_each(4), [*events, (3, 5, "ICD10CM//I10")], window="before", **SEIZURES) == {
        "s0": True,
        "s2": False,  # of s1 nobody knows, and of s3 not either: nothing was coded by then
    }
    around = {"window": "around", "window_days": 31}
    assert labels(one_each(3), events, **around, **SEIZURES) == {"s0": True, "s1": True, "s2": False}


def test_icd_9_is_left_out_and_makes_nobody_known(labels):
    events = [(0, 0, "ICD10CM//G40.3"), (1, 0, "ICD9CM//345.90"), (2, 0, "DIAGNOSIS//ICD//9//4019")]
    assert labels(one_each(3), events, **SEIZURES) == {"s0": True}


# ---- findings and labels
SEIZURE = {"family": "finding", "codes": "FINDING//seizure"}


def test_a_seizure_belongs_to_one_session(labels):
    """Three sessions on three days, as in a week on an epilepsy unit; the first has the seizure."""
    sessions = [("a", 0, 0), ("b", 0, 1), ("c", 0, 1.5), ("d", 1, 0)]
    named = [(0, 0, "FINDING//seizure", "a"), (0, 1, "FINDING//normal", "b"), (0, 1.5, "FINDING//normal", "c")]
    others = [(1, 0, "FINDING//normal", "d")]
    assert labels(sessions, named + others, **SEIZURE) == {"a": True, "d": False}
    dated = [row[:3] for row in named + others]
    assert labels(sessions, dated, **SEIZURE) == {"a": True, "d": False}
    many = [labels(sessions, dated, codes="FINDING//normal", family="finding") for _ in range(3)]
    assert all(set(answer) & {"b", "c"} and "a" not in answer for answer in many)


def test_what_cannot_be_placed_makes_neither_case_nor_control(labels):
    sessions = [("a", 0, 0), ("b", 0, 1), ("c", 1, 0), ("d", 2, 0)]
    events = [(0, None, "FINDING//seizure"), (0, 1, "FINDING//normal"), (1, None, "FINDING//normal")]
    events += [(2, None, "FINDING//seizure")]
    assert labels(sessions, events, **SEIZURE) == {"c": False, "d": True}


def test_findings_are_whole_codes_and_denied_ones_make_controls(labels):
    events = [(0, 0, "FINDING//seizure"), (1, 0, "FINDING//seizure//absent"), (2, 0, "ICD10CM//I10")]
    assert labels(one_each(3), events, **SEIZURE) == {"s0": True, "s1": False}


def test_labels_belong_to_their_session(labels):
    sessions = [("a", 0, None), ("b", 0, None), ("c", 1, None)]
    events = [(0, None, "LABEL//x//state//on", "a"), (0, None, "LABEL//x//state//off", "b")]
    events += [(1, None, "LABEL//x//state//off")]
    assert labels(sessions, events, family="label", codes="LABEL//x//state//on") == {"a": True, "c": False}


# ---- all families
def test_nobody_is_case_and_control(labels):
    sessions = [("a", 0, 0), ("b", 0, 730)]
    assert labels(sessions, [(0, 0, "ATC//N03AX14"), (0, 730, "ATC//C07AB02")]) == {"a": True}


# ---- the same by plain loops
def plainly(sessions, events, task):
    """Case sessions and possible controls, event by event, as the module's docstring has it."""
    start, person = {s: t for s, _, t in sessions}, {s: p for s, p, _ in sessions}
    many = {p for p in person.values() if list(person.values()).count(p) > 1}

    def inside(session, time):
        if task.window == "ever" or time is None:
            return True
        if start[session] is None:
            return person[session] not in many
        days = float("inf") if task.window_days is None else task.window_days
        later = (time - start[session]) / datetime.timedelta(days=1)
        return abs(later) <= days if task.window == "around" else -days <= later <= 0

    own = {s: [(t, c) for p, t, c in events if p == person[s]] for s in person}
    has = lambda session, prefixes: any(c.startswith(prefixes) for _, c in own[session])
    near = lambda session, prefixes: any(c.startswith(prefixes) and inside(session, t) for t, c in own[session])
    cases = {s for s in person if near(s, task.codes)}
    excluded = {s for s in person if has(s, task.codes) or has(s, task.exclude)}
    return cases, {s for s in person if near(s, (task.known_by,))} - excluded


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("window", (("ever", None), ("before", None), ("before", 20.0), ("around", 15.0)))
def test_labels_are_those_of_plain_loops(seed, window):
    rng = np.random.default_rng((seed, 12))
    time = lambda: None if rng.random() < 0.2 else DAY + datetime.timedelta(hours=int(rng.integers(-1000, 1000)))
    sessions = [(f"s{i}", int(rng.integers(0, 25)), time()) for i in range(40)]
    codes = ["ATC//N03AX14", "ATC//N03AX09", "ATC//N03AG01", "ATC//C07AB02", "ICD10CM//I10"]
    events = [(int(rng.integers(0, 27)), time(), codes[int(rng.integers(0, 5))]) for _ in range(40)]
    task = Definition("x", "medication", ("ATC//N03AX14",), *window, ("ATC//N03AX",), "N", "ATC//")
    schema = {"session_id": pl.String, "subject_id": pl.Int64, "start_time": pl.Datetime("us")}
    table = pl.DataFrame(sessions, schema, orient="row")
    columns = {"subject_id": pl.Int64, "time": pl.Datetime("us"), "code": pl.String}
    index = EventIndex(table, pl.DataFrame(events, columns, orient="row"))
    ids = index.sessions["session_id"]
    masks = [index.cases(task), index.controls(task)]
    cases, controls = plainly(sessions, events, task)
    assert [set(ids.filter(pl.Series(mask))) for mask in masks] == [cases, controls] and cases and controls
    labels = dict(label_sessions(index, task, 0).select("session_id", "label").iter_rows())
    assert {s for s, label in labels.items() if label} <= cases and all(s in cases | controls for s in labels)
    assert len(labels) == len({p for s, p, _ in sessions if s in cases | controls}), "one session of each person"
