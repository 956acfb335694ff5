"""Who is a case, who may be a control."""

import datetime

import polars as pl

import benchmark
from benchmark.tasksets.labelling import EventIndex, label_sessions
from benchmark.tasksets.suites import Definition


def test_medication_counts_only_near_the_session_and_findings_at_it(people):
    tasks = benchmark.make_tasks(people, "demo")
    exposed = tasks.filter((pl.col("task") == "ATC//N03AX14") & pl.col("label"))
    assert exposed["session_id"].str.ends_with("-0").all()  # the second visit is 170 days after the drug
    labels = benchmark.make_tasks(people, "labels")
    assert set(labels["task"]) == {"LABEL//A//group//patient", "LABEL//B//group//patient"}


def index_of(*events):
    """Three people, one session each on 1 January 2020; events as (person, day of January or None, code)."""
    day = datetime.datetime(2020, 1, 1)
    sessions = pl.DataFrame({"session_id": ["s0", "s1", "s2"], "subject_id": [0, 1, 2], "start_time": [day] * 3})
    rows = [(person, days and day + datetime.timedelta(days=days), code) for person, days, code in events]
    schema = {"subject_id": pl.Int64, "time": pl.Datetime("us"), "code": pl.String}
    return EventIndex(sessions, pl.DataFrame(rows, schema=schema, orient="row"))


DRUG = Definition("d", "medication", ("ATC//N03A",), 90.0, "ATC//")


def test_a_code_outside_the_window_makes_neither_case_nor_stranger():
    index = index_of((0, 30, "ATC//N03AX"), (1, 300, "ATC//N03AX"))
    assert index.cases(DRUG).to_list() == ["s0"]
    labels = label_sessions(index, DRUG, 0)
    assert labels.select("session_id", "label").rows() == [("s0", True), ("s1", False)], "nothing is known of s2"


def test_an_event_without_time_counts_for_every_session():
    assert index_of((0, None, "ATC//N03AX")).cases(DRUG).to_list() == ["s0"]


def test_codes_match_with_and_without_dot_and_findings_whole():
    index = index_of((0, 1, "ICD10CM//G40.9"), (1, 1, "ICD10CM//G409"), (2, 1, "FINDING//spikes//absent"))
    assert index.cases(Definition("i", "phenotype", ("ICD10CM//G40.9",), None, "ICD10CM//")).len() == 2
    assert index.cases(Definition("f", "finding", ("FINDING//spikes",), 1.0, "FINDING//")).len() == 0


def test_nobody_is_case_and_control():
    start = datetime.datetime(2020, 1, 1)
    sessions = pl.DataFrame(
        {"session_id": ["a", "b"], "subject_id": [0, 0], "start_time": [start, start.replace(year=2022)]}
    )
    events = pl.DataFrame(
        {"subject_id": [0, 0], "time": [start, start.replace(year=2022)], "code": ["ATC//N03A", "ATC//X"]}
    )
    labels = label_sessions(EventIndex(sessions, events), DRUG, 0)
    assert labels.select("session_id", "label").rows() == [("a", True)]
