"""Downloaded parts of HEEDB for tests, and what an import made of them."""

import itertools
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from clef.cohort import read_events
from clef.importers.heedb.codes import FINDINGS
from clef.importers.heedb.importer import HEEDBImport, main
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.sessions import split_of, subject_number

PEOPLE = (  # split, site, ill; twelve of them give matched cases and controls in train and in test
    *(("train", "S0001", True), ("test", "S0001", True), ("train", "S0001", False), ("test", "S0001", False)),
    *(("val", "S0001", True), ("train", "S0002", True), ("train", "S0001", True), ("test", "S0001", True)),
    *(("train", "S0001", False), ("test", "S0001", False), ("val", "S0001", False), ("train", "S0002", False)),
)


CLASSES = ("Seizure Disorders", "Headache and Sleep Disorders"), ("Nervous System Drugs", "Cardiovascular System Drugs")


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
    codes = ("G40.909 G40.209", "R51") if ill else ("", "G4733")
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
