"""Findings, diagnoses and drugs as events: what cells say, what is denied, what is no code."""

from datetime import datetime

import polars as pl

from benchmark.tasksets.labelling import EventIndex, label_sessions
from benchmark.tasksets.suites import read_suite
from clef.cohort import read_events
from clef.importers.heedb.codes import FINDINGS
from tests.clef.importers.heedb.tree import codes, findings_table, number, run, session_row, seven
from tokenizer.sessions import read_sessions


def test_cells_of_findings(files, tmp_path, caplog):
    caplog.set_level("INFO")
    cells = {"seizure": "report", "gen slowing": "Annotation Verified", "bs": "verified", "n1": "", "N1": "report"}
    cells |= {"status": "", "lpd": "None", "gpd": "not mentioned", "lrda": "0", "grda": "Absent", "spikes": "perhaps"}
    out = run(files, tmp_path, seven({}) | findings_table([cells]))
    expected = {"seizure", "generalised_slowing", "burst_suppression", "n1", "lrda//absent", "grda//absent"}
    assert codes(out, "FINDING//") == sorted(f"FINDING//{name}" for name in expected)
    assert "findings: 1 cells not understood, left empty (columns spikes)" in caplog.text
    assert "perhaps" not in caplog.text


def test_all_39_findings_have_a_column_and_the_benchmarks_15_a_name():
    assert len(FINDINGS) == 39
    asked = {code for task in read_suite("clinical", []) if task.family == "finding" for code in task.codes}
    assert {f"FINDING//{name}" for name in FINDINGS} >= asked - {"FINDING//generalized_slowing"}


def test_what_two_reports_say_of_a_session_is_joined(files, tmp_path):
    rows = [{"BDSPPatientID": 7, "SessionID": 1, "seizure": s, "bets": b} for s, b in (("no", ""), ("report", "no"))]
    out = run(files, tmp_path, seven({}) | {"S0001_EEG_reports_findings.csv": rows})
    assert codes(out, "FINDING//") == ["FINDING//bets//absent", "FINDING//seizure"]


def test_a_denied_finding_makes_a_control_and_no_task(files, tmp_path):
    tables = seven({}, {}, {}) | {"S0001_eeg_metadata_2.csv": [session_row("S0001", "sub-S00018", 1)]}
    findings = findings_table([{"seizure": "no"}, {"seizure": "report"}, {"seizure": ""}])
    findings["S0001_EEG__reports_findings.csv"].append({"BDSPPatientID": 8, "SessionID": 1, "seizure": "absent"})
    out = run(files, tmp_path, tables | findings)
    index = EventIndex(read_sessions(out), read_events(out).filter(pl.col("subject_id") != number(7)))
    (task,) = (t for t in read_suite("clinical", index.codes) if t.codes == ("FINDING//seizure",))
    assert label_sessions(index, task, 0).select("subject_id", "label").rows() == [(number(8), False)]
    assert [t.task for t in read_suite("demo", codes(out, "FINDING//"))] == ["FINDING//seizure"]


def test_codes_of_classes(files, tmp_path, caplog):
    caplog.set_level("INFO")
    who = {"BDSPPatientID": "7.0", "SiteID": "S0001", "SexDSC": "F", "VisitCount": 3.0, "AgeAtVisitAvg": 50}
    icd = who | {"Seizure Disorders": "g40909 G40.909, R56.9;", "Headache Disorders": "1", "Infections": "Y"}
    atc = who | {"Nervous System Drugs": "N03AX N05BA N03AX14", "Various Drug Classes In Atc": "Y"}
    tables = seven({}) | {"HEEDB_ICD10_for_Neurology.csv": [icd, icd], "HEEDB_Medication_ATC.csv": [atc]}
    out = run(files, tmp_path, tables)
    assert codes(out, "ICD10CM//") == ["ICD10CM//G40.909", "ICD10CM//R56.9"]
    assert codes(out, "ATC//") == ["ATC//N03AX", "ATC//N03AX14", "ATC//N05BA"]
    assert read_events(out)["code"].is_duplicated().sum() == 0
    assert "ICD10CM: 4 entries are no such code" in caplog.text
    assert "ATC: 1 entries are no such code" in caplog.text
    assert "diagnoses: 2 codes of 1 people, 0 of them dated" in caplog.text
    demo = {task.task for task in read_suite("demo", [*codes(out, "ATC//"), "ATC//N03"])}
    assert demo == {"ATC//N03AX", "ATC//N03AX14", "ATC//N05BA"}


def test_codes_with_dates(files, tmp_path):
    rows = [("G40.909", "2019-05-01"), ("G40.909", "2019-05-01"), ("G409", "2020-02-01T10:30:00.5"), ("I10", "soon")]
    table = [{"BDSPPatientID": 7, "ICD10Code": code, "Date": time} for code, time in rows]
    events = read_events(run(files, tmp_path, seven({}) | {"ICD10_for_Neurology.csv": table}))
    diagnoses = events.filter(pl.col("code").str.starts_with("ICD")).sort("code")
    assert diagnoses["code"].to_list() == ["ICD10CM//G40.9", "ICD10CM//G40.909", "ICD10CM//I10"]
    times = (datetime(2020, 2, 1, 10, 30, 0, 500_000), datetime(2019, 5, 1), None)
    assert tuple(diagnoses["time"]) == times
