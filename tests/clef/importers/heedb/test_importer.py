"""A downloaded part of the Harvard EEG Database -> a cohort: who, when, which codes, and what is left out and said."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

import benchmark
from clef.cohort import read_code_descriptions, read_events
from clef.importers.heedb.importer import HEEDBImport, main
from tests.clef.importers.heedb.tree import FIRST, START, findings_table, number, run, session_row, seven, write_csv
from tokenizer.base.cli import ConfigError
from tokenizer.reading.read import read_row
from tokenizer.sessions import read_sessions


def test_sessions(cohort, tree):
    table = read_sessions(cohort)
    assert len(table) == 16 and dict(table["site"].value_counts().iter_rows()) == {"S0001": 14, "S0002": 2}
    assert set(table["split"]) == {"train", "val", "test"}
    row = table.filter(pl.col("path").str.contains(f"sub-S0001{FIRST}/ses-1/")).row(0, named=True)
    assert row["session_id"] == f"S0001_sub-S0001{FIRST}_ses-1_task-EEG" and row["subject_id"] == number(FIRST)
    assert (row["age"], row["sex"], row["setting"]) == (40, "F", "routine")
    assert row["start_time"] == START + timedelta(days=300)  # from the table of findings: the other has none
    assert read_row(cohort, row).seconds == 12
    other = table.filter(pl.col("site") == "S0002")
    assert set(other["sex"]) == {"M"} and set(other["age"]) == {61, 63}


def test_events(cohort):
    person = read_events(cohort).filter(pl.col("subject_id") == number(FIRST)).select("time", "code")
    assert person.filter(pl.col("time").is_null())["code"].to_list() == [
        *("ATC//C07AB", "ATC//N03AX", "ATC//N05BA", "GENDER//F"),
        *("ICD10CM//G40.209", "ICD10CM//G40.909", "ICD10CM//R51"),
    ]
    dated = person.drop_nulls("time")
    assert set(dated["code"]) == {"FINDING//abnormal", "FINDING//awake", "FINDING//focal_slowing"}
    assert set(dated["time"]) == {START + timedelta(days=300), START + timedelta(days=600)}
    assert read_code_descriptions(cohort)["FINDING//focal_slowing"] == "Focal slowing"


@pytest.mark.parametrize(
    ("suite", "wanted"),
    [
        ("demo", {"ICD10CM//G40", "ATC//N03AX", "FINDING//focal_slowing", "FINDING//normal"}),
        (
            "clinical",
            {"Epilepsy (G40)", "Headache (R51)", "Sleep apnoea (G47.3)", "Focal slowing", "Abnormal recording"},
        ),
    ],
)
def test_the_benchmark_makes_tasks_of_it(cohort, suite, wanted):
    tasks = benchmark.make_tasks(cohort, suite, min_cases=2)
    assert wanted <= set(tasks["task"])
    cases = tasks.filter((pl.col("task").is_in(wanted)) & pl.col("label")).group_by("task", "split").len()
    assert cases.filter(pl.col("split") == "test")["len"].to_list() == [2] * len(wanted)


def test_private_words_stay_behind(tree, tmp_path, caplog):
    caplog.set_level("INFO")
    main(HEEDBImport(root=tree, out=tmp_path, reports=tree / "reports"))
    said = caplog.text + "".join(str(read_events(tmp_path).to_dicts()))
    for word in ("temporal", "2017-01-01", "BIRTH", "DEATH", str(tree)):
        assert word not in said, word


def test_findings_belong_to_their_recording_also_without_time(files, tmp_path):
    tables = seven({"StartTime": ""}, {}) | findings_table([{"seizure": "report"}, {"bets": "report"}])
    tables["S0001_eeg_metadata_2.csv"] = [session_row("S0001", "sub-S00018", 1)]
    tables["S0001_EEG__reports_findings.csv"].append({"BDSPPatientID": 8, "SessionID": 1, "bets": "", "ppr": "report"})
    out = run(files, tmp_path, tables)
    events = read_events(out).filter(pl.col("code").str.starts_with("FINDING//"))
    start = dict(read_sessions(out).select("session_id", "start_time").iter_rows())
    rows = events.select("subject_id", "code", "time", "session_id").iter_rows()
    at = {(subject, code): (time, session) for subject, code, time, session in rows}
    assert set(at) == {
        (number(7), "FINDING//seizure"),
        (number(7), "FINDING//bets"),
        (number(8), "FINDING//ppr"),
    }
    assert all(start[session] == time for time, session in at.values()) and len({s for _, s in at.values()}) == 3
    assert at[number(7), "FINDING//seizure"][0] is None, "which one it was is known, when it was is not"


def test_values(files, tmp_path, caplog):
    caplog.set_level("INFO")
    rows = ({"AgeAtVisit": 94.0, "ServiceName": "LTM", "SexDSC": "Female"}, {"AgeAtVisit": 121, "ServiceName": "OR"})
    rows = (*rows, {"AgeAtVisit": 2, "AgeInDaysAtVisit": 1461, "ServiceName": "EMU", "StartTime": "1/3/2020 10:00"})
    tables = seven(*({"AgeInDaysAtVisit": "", "SexDSC": "Unknown"} | row for row in rows))
    tables["S0002_eeg_metadata_1.csv"] = [session_row("S0002", "sub-S00027", 1, ServiceName="Dr Who", SexDSC="")]
    tables["S0001_eeg_metadata_2.csv"] = [session_row("S0001", "sub-S00018", 1, ServiceName="")]
    columns = ("BDSPPatientID", "Sex", "AgeAtVisitAvg", "VisitCount")
    patients = ((7, "F", 90.1, 4.0), (8, "U", 31.0, 1.0))
    tables["HEEDB_patients.csv"] = [dict(zip(columns, person, strict=True)) for person in patients]
    table = read_sessions(run(files, tmp_path, tables)).sort("session_id")
    assert table["age"].to_list() == [None, 90, 4, 31, None]  # ses-02 comes first; no mean over visits
    assert table["sex"].to_list() == ["F", "F", "F", None, "F"]
    assert table["setting"].to_list() == [None, "icu", "emu", None, None]
    assert table["start_time"].is_null().to_list() == [False, False, True, True, True]
    for line in (
        "settings: none 3, icu 1, emu 1",
        "services that name no setting: OR 1, others 1",
        "age: 1 values not understood",
        "start: 1 values not understood",
    ):
        assert line in caplog.text, line
    assert "Who" not in caplog.text


def test_a_person_seen_at_two_hospitals_is_one_subject(files, tmp_path):
    tables = seven({}) | {"S0002_eeg_metadata_1.csv": [session_row("S0002", "sub-S00027", 1, StartTime="2021-01-01")]}
    tables |= findings_table([{"seizure": "report"}]) | findings_table([{"bets": "report"}], "S0002")
    tables["HEEDB_Medication_ATC.csv"] = [{"BDSPPatientID": 7, "Drugs": "N03AX"}]
    out = run(files, tmp_path, tables)
    table, wanted = read_sessions(out), ["ATC//N03AX", "FINDING//bets", "FINDING//seizure"]
    assert set(table["subject_id"]) == {number(7)} and sorted(table["site"]) == ["S0001", "S0002"]
    assert sorted(read_events(out)["code"]) == wanted
    main(HEEDBImport(root=files, out=out, tables=tmp_path / "tables", sites=["S0001"]))  # again: S0002 loses nothing
    assert len(read_sessions(out)) == 2 and sorted(read_events(out)["code"]) == wanted


def test_a_site_that_cannot_be_imported_stops_no_other(tree, files, tmp_path, caplog):
    caplog.set_level("INFO")
    bad = tmp_path / "root" / "S0002" / "sub-S00025" / "ses-1" / "eeg" / "sub-S00025_ses-1_task-EEG_eeg.edf"
    bad.parent.mkdir(parents=True)
    bad.write_bytes(b"not an EDF file")
    (tmp_path / "root" / "S0001").symlink_to(files / "S0001")
    for name, rows in (seven({}) | {"S0002_eeg_metadata_1.csv": [session_row("S0002", "sub-S00025", 1)]}).items():
        write_csv(tmp_path / "root" / name, rows)
    assert main(HEEDBImport(root=tmp_path / "root", out=tmp_path / "out")) == 1
    assert "site S0002: none of 1 recordings could be imported" in caplog.text
    assert set(read_sessions(tmp_path / "out")["site"]) == {"S0001"}


@pytest.mark.parametrize("change", [{"root": Path("/nowhere")}, {"tables": Path("/nowhere")}, {"sites": ["S0009"]}])
def test_wrong_arguments_stop_with_one_line(tree, tmp_path, change):
    with pytest.raises(ConfigError, match=r"no such folder|no such site; they have S0001, S0002"):
        main(HEEDBImport(**({"root": tree, "out": tmp_path / "out"} | change)))
