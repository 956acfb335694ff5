"""A downloaded part of the Harvard EEG Database -> a cohort: who, when, which codes, and what is left out and said."""

import itertools
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import benchmark
from benchmark.tasksets.labelling import Records, label_sessions
from benchmark.tasksets.suites import read_suite
from clef.cohort import read_code_descriptions, read_events, read_reports
from clef.importers.heedb.codes import FINDINGS
from clef.importers.heedb.importer import HEEDBImport, main
from tokenizer.base.cli import ConfigError
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.reading.read import read_row
from tokenizer.sessions import read_sessions, split_of, subject_number

PEOPLE = (  # split, site, ill; twelve of them give matched cases and controls in train and in test
    *(("train", "S0001", True), ("test", "S0001", True), ("train", "S0001", False), ("test", "S0001", False)),
    *(("val", "S0001", True), ("train", "S0002", True), ("train", "S0001", True), ("test", "S0001", True)),
    *(("train", "S0001", False), ("test", "S0001", False), ("val", "S0001", False), ("train", "S0002", False)),
)
CLASSES = ("Seizure Disorders", "Headache Disorders"), ("Nervous System Drugs", "Cardiovascular System Drugs")
START = datetime(2015, 3, 1, 9, 30)
WORDS = {True: "Left temporal sharp waves and slowing.", False: "Normal background. No epileptiform discharges."}


def make_tree(root: Path, subjects: int, seconds: int = 30) -> None:
    """A small HEEDB: two hospitals, a routine EEG of each of `subjects` people and a second of every third, tables of
    all kinds, reports in a table at S0001 and in files (`root/reports`) at S0002."""
    rows = {kind: [] for kind in ("metadata", "findings", "patients", "diagnoses", "drugs")}
    taken: set[int] = set()
    for i, (split, site, ill) in zip(range(subjects), itertools.cycle(PEOPLE), strict=False):
        person = next(n for n in itertools.count(111_000_001) if n not in taken and split_of(number(n)) == split)
        taken.add(person)
        add_person(rows, root, person, site, ill, i, seconds)
    tables = root / "EEG" / "HEEDB_Metadata"
    for site in ("S0001", "S0002"):
        own = {kind: [row for row in rows[kind] if row["SiteID"] == site] for kind in ("metadata", "findings")}
        write_csv(root / "EEG" / "eeg-metadata" / f"{site}_eeg_metadata_2025_05_06.csv", own["metadata"])
        write_csv(tables / f"{site}_EEG__reports_findings.csv", own["findings"])
    write_csv(tables / "HEEDB_patients.csv", rows["patients"])
    write_csv(tables / "HEEDB_ICD10_for_Neurology.csv", rows["diagnoses"])
    write_csv(tables / "HEEDB_Medication_ATC.csv", rows["drugs"])


def add_person(rows: dict[str, list], root: Path, person: int, site: str, ill: bool, i: int, seconds: int) -> None:
    sex, age = ("F", 40 + i % 4) if site == "S0001" else ("M", 60 + i % 4)
    who = {"SiteID": site, "BDSPPatientID": f"{person}.0", "SexDSC": sex, "VisitCount": 1.0, "AgeAtVisitAvg": age}
    rows["patients"].append(
        {"SiteID": site, "BDSPPatientID": person, "Sex": sex, "AgeAtVisitAvg": age, "Race": "W", "VisitCount": 1}
    )
    codes = ("G40.909 G40.209", "R51") if ill else ("", "G43909")
    rows["diagnoses"].append(who | dict(zip(CLASSES[0], codes, strict=True)))
    rows["drugs"].append(who | dict(zip(CLASSES[1], ("N03AX N05BA" if ill else "N02BE", "C07AB"), strict=True)))
    for session in range(1, 3 if i % 3 == 0 else 2):
        folder = f"sub-{site}{person}"
        file = root / f"EEG/bids/{site}/{folder}/ses-{session}/eeg/{folder}_ses-{session}_task-EEG_eeg.edf"
        file.parent.mkdir(parents=True)
        write_edf(file, eeg(seconds, seed=2 * i + session))
        start = START + timedelta(days=40 * i + 300 * session)
        report = f"NeuroReport_{person}_{session}_{start:%Y%m%d}.txt"
        rows["metadata"].append(session_row(site, folder, session))
        rows["findings"].append(
            {"SiteID": site, "BDSPPatientID": person, "SessionID": session, "StartTime(EEG)": f"{start}.000"}
            | {"AgeAtVisit": age, "SexDSC": {"F": "Female", "M": "Male"}[sex], "DeidentifiedName(Reports)": report}
            | dict.fromkeys((columns[0] for _, *columns in FINDINGS.values()), "")
            | ({"abnormal": "report", "foc slowing": "report annotation"} if ill else {"normal": "report"})
            | {"awake": "annotation", "reports": WORDS[ill] if site == "S0001" else ""}
        )
        (root / "reports").mkdir(exist_ok=True)
        if site == "S0002":
            (root / "reports" / report).write_text(WORDS[ill])


def session_row(site: str, folder: str, session: int | str, **said: object) -> dict[str, object]:
    """A row of the metadata as a real one looks: who it is stands in the folder, when it was in another table."""
    row = {"SiteID": site, "BDSPPatientID": "", "BidsFolder": folder, "SessionID": session, "CreationTime": ""}
    row |= {"StartTime": "", "DurationInSeconds": 30.0, "ServiceName": "Routine", "AgeAtVisit": "", "SexDSC": ""}
    return row | {"DateOfDeath": "2017-01-01"} | said


def write_csv(path: Path, rows: list[dict]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame([{k: str(v) for k, v in row.items()} for row in rows]).write_csv(path, include_bom=True)
    return path


def number(person: object) -> int:
    return subject_number("HEEDB", str(person))


FIRST = next(n for n in itertools.count(111_000_001) if split_of(number(n)) == "train")


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("heedb (part)")
    make_tree(root, 12, seconds=12)
    return root


@pytest.fixture(scope="module")
def cohort(tree, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("cohort")
    assert main(HEEDBImport(root=tree, out=out, reports=tree / "reports")) == 0
    return out


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """Two people without tables: 7 with sessions 1, 2 and 3 at S0001, and session 1 at S0002; 8 with session 1."""
    root = tmp_path_factory.mktemp("files")
    for name in ("S00017/ses-1", "S00017/ses-02", "S00017/ses-3", "S00027/ses-1", "S00018/ses-1"):
        person, session = name.split("/")
        path = root / person[:5] / f"sub-{person}" / session / "eeg" / f"sub-{person}_{session}_task-cEEG_eeg.edf"
        path.parent.mkdir(parents=True)
        write_edf(path, eeg(12, seed=len(name)))
    return root


def run(files: Path, tmp_path: Path, tables: dict[str, list[dict]], **changes) -> Path:
    """Import `files` with `tables` (file name -> rows) into a new cohort."""
    for name, rows in tables.items():
        write_csv(tmp_path / "tables" / name, rows)
    out = tmp_path / "out"
    main(HEEDBImport(root=files, out=out, tables=tmp_path / "tables", **changes))
    return out


def seven(*rows: dict, name: str = "S0001_eeg_metadata_1.csv") -> dict[str, list[dict]]:
    """Sessions 1, 2, … of person 7 with what `rows` say of them."""
    said = [{"StartTime": f"2020-01-0{i} 10:00:00"} | row for i, row in enumerate(rows, 1)]
    return {name: [session_row("S0001", "sub-S00017", i, **row) for i, row in enumerate(said, 1)]}


def findings_table(rows: list[dict], site: str = "S0001", person: int = 7) -> dict[str, list[dict]]:
    """A table of findings of that person's sessions 1, 2, …"""
    who = [{"BDSPPatientID": person, "SessionID": i} for i in range(1, len(rows) + 1)]
    return {f"{site}_EEG__reports_findings.csv": [key | row for key, row in zip(who, rows, strict=True)]}


def codes(out: Path, space: str) -> list[str]:
    return sorted(set(read_events(out).filter(pl.col("code").str.starts_with(space))["code"]))


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


def test_reports_come_from_tables_and_from_files(cohort):
    reports = read_reports(cohort).join(read_sessions(cohort), on="session_id")
    assert dict(reports["site"].value_counts().iter_rows()) == {"S0001": 14, "S0002": 2}
    assert set(reports["text"]) == set(WORDS.values())


@pytest.mark.parametrize(
    ("suite", "wanted"),
    [
        ("demo", {"ICD10CM//G40", "ATC//N03AX", "FINDING//focal_slowing", "FINDING//normal"}),
        ("clinical", {"Epilepsy (G40)", "Headache (R51)", "Migraine (G43)", "Focal slowing", "Abnormal recording"}),
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
    records = Records(read_sessions(out), read_events(out).filter(pl.col("subject_id") != number(7)))
    (task,) = (t for t in read_suite("clinical", records.codes) if t.codes == ("FINDING//seizure",))
    assert label_sessions(records, task, 0).select("subject_id", "label").rows() == [(number(8), False)]
    assert [t.task for t in read_suite("demo", codes(out, "FINDING//"))] == ["FINDING//seizure"]


def test_findings_without_time_are_not_given_to_other_sessions(files, tmp_path, caplog):
    caplog.set_level("INFO")
    tables = seven({"StartTime": ""}, {}) | findings_table([{"seizure": "report"}, {"bets": "report"}])
    tables["S0001_eeg_metadata_2.csv"] = [session_row("S0001", "sub-S00018", 1)]
    tables["S0001_EEG__reports_findings.csv"].append({"BDSPPatientID": 8, "SessionID": 1, "bets": "", "ppr": "report"})
    out = run(files, tmp_path, tables)
    events = read_events(out).filter(pl.col("code").str.starts_with("FINDING//"))
    assert set(events.select("subject_id", "code").iter_rows()) == {
        (number(7), "FINDING//bets"),
        (number(8), "FINDING//ppr"),  # the only session of its person
    }
    assert "findings of 1 recordings left out: no start time" in caplog.text


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


def test_a_person_with_two_numbers_is_one_subject(files, tmp_path):
    tables = seven({}) | {"S0001_eeg_metadata_2.csv": [session_row("S0001", "sub-S00018", 1)]}
    merged = [{"MergedBDSPPatientID": a, "BDSPPatientID": b} for a, b in ((8, 9), (9, 7), (4, 5), (5, 4))]
    tables["HEEDB_Medication_ATC.csv"] = [{"BDSPPatientID": 8, "Drugs": "N03AX"}]
    out = run(files, tmp_path, tables | {"PatientMergeHistory_2025.csv": merged})
    assert set(read_sessions(out)["subject_id"]) == {number(7)} == set(read_events(out)["subject_id"])


def test_the_newest_release_counts_and_says_what_it_leaves_open(files, tmp_path):
    tables = seven({"AgeAtVisit": 30, "SexDSC": "M"}, {"AgeAtVisit": 31}, name="S0001_eeg_metadata_2024-10-01.csv")
    newer = session_row("", "sub-S00017", "01.0", StartTime="2020-01-01", AgeAtVisit=40)
    newer["InstituteID"], newer["BDSPPatientID"] = newer.pop("SiteID"), "007"
    tables["eeg_metadata_2025_05_06.csv"] = [newer]
    table = read_sessions(run(files, tmp_path, tables)).sort("session_id")
    assert table.select("age", "sex").rows() == [(31, None), (40, "M")]  # ses-02 comes before ses-1
    assert table["subject_id"].to_list() == [number(7)] * 2


def test_what_is_not_there_is_counted_and_said(files, tmp_path, caplog):
    caplog.set_level("INFO")
    tables = seven({}, {}, {}, {}, {})
    tables["I0003_eeg_metadata_1.csv"] = [session_row("", "sub-I00039", i) for i in (1, 2)]
    tables["S0001_eeg_metadata_2.csv"] = [session_row("S0001", "sub-S000199", 1), session_row("S0001", "", 2)]
    out = run(files, tmp_path, tables)
    assert len(read_sessions(out)) == 3
    for line in (
        "sessions: S0001_eeg_metadata_1.csv, 5 rows",
        "no table of drugs: no ATC codes",
        "1 rows name no site, patient or session: left out",
        "3 of 8 sessions of the tables are there, in 3 EDF files",
        "2 folders sub-… belong to nobody in the tables",
        "site I0003: none of its 2 sessions is there",
        "left out 3 (sub-S00017/ses-4, …): not downloaded",
        "3 of 6 recordings left out",
    ):
        assert line in caplog.text, line


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


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "S0001_eeg_metadata_1.csv",
            "SiteID,BidsFolder\nS0001,x\n",
            "1.csv: no column SessionID; it has siteid, bids",
        ),
        ("S0001_eeg_metadata_1.csv", "SessionID,Age\n1,2\n", "1.csv: no column BDSPPatientID or .* or BidsFolder; it"),
        ("S0001_eeg_metadata_1.csv", "SessionID,BidsFolder\n1,2,3,4\n", "S0001_eeg_metadata_1.csv: not a table"),
        ("S0001_eeg_metadata_1.csv", "", "S0001_eeg_metadata_1.csv: not a table"),
        ("I0002_EEG__reports_findings.csv", "BDSPPatientID,SessionID\n7,1\n", "findings.csv: no column of findings"),
        ("HEEDB_Medication_ATC.csv", "Patient,Drugs\n7,N03AX\n", "ATC.csv: no column BDSPPatientID or .*; it has pat"),
        ("notes.csv", "a,b\n1,2\n", "no table of sessions in it; expected S0001_eeg_metadata"),
        (
            "S0001_eeg_metadata_1.csv",
            "BidsFolder,SessionID\nsub-S00019,1\n",
            "none of the 1 sessions .* 3 folders sub",
        ),
    ],
)
def test_wrong_tables_stop_with_one_line(files, tmp_path, name, text, said):
    (tmp_path / "tables").mkdir()
    if name.startswith("HEEDB"):
        write_csv(tmp_path / "tables" / "S0001_eeg_metadata_1.csv", [session_row("S0001", "sub-S00017", 1)])
    (tmp_path / "tables" / name).write_text(text)
    with pytest.raises(ValueError, match=said) as error:
        main(HEEDBImport(root=files, out=tmp_path / "out", tables=tmp_path / "tables"))
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()


@pytest.mark.parametrize("change", [{"root": Path("/nowhere")}, {"tables": Path("/nowhere")}, {"sites": ["S0009"]}])
def test_wrong_arguments_stop_with_one_line(tree, tmp_path, change):
    with pytest.raises(ConfigError, match=r"no such folder|no such site; they have S0001, S0002"):
        main(HEEDBImport(**({"root": tree, "out": tmp_path / "out"} | change)))


def test_the_command(files, tmp_path):
    for name, rows in seven({}).items():
        write_csv(tmp_path / name, rows)
    (tmp_path / "HEEDB_ICD10_for_Neurology.xlsx").write_bytes(b"PK")
    (tmp_path / "HEEDB_ICD10_for_Neurology_statistics.csv").write_text("")
    arguments = (f"root={files}", f"tables={tmp_path}", f"out={tmp_path / 'out'}", "sites=[S0001]")
    command = [sys.executable, "-m", "clef.importers.heedb", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "1 sessions of 1 subjects from site S0001" in done.stderr
    assert "HEEDB_ICD10_for_Neurology.xlsx is not read: unpack it, or save it as CSV" in done.stderr
    wrong = subprocess.run([*command, "sites=[X]"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "sites=X: the tables have no such site; they have S0001" in wrong.stderr
