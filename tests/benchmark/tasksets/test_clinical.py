"""The suites that list their tasks (clinical, substances, controls): what they ask, and whom they leave out."""

import functools
import re
from collections import Counter

import numpy as np
import polars as pl
import pytest

import benchmark
from benchmark.tasksets.suites import read_suite
from clef.cohort import write_cohort
from clef.importers.heedb.files import scan_folders
from clef.importers.heedb.importer import read_records, read_sessions, read_tables
from tests.clef.importers.heedb.tree import session_row, write_csv
from tokenizer.base.cli import preset_root
from tokenizer.base.values import read_yaml
from tokenizer.sessions import split_of, subject_number

FORMS = {
    "phenotype": re.compile(r"ICD10CM//[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?$"),
    "medication": re.compile(r"ATC//[A-Z]\d\d([A-Z]([A-Z](\d\d)?)?)?$"),
    "finding": re.compile(r"FINDING//[a-z_]+$"),
}
SUITES = ("clinical", "substances", "controls")
KEYS = {"task", "family", "group", "codes", "exclude", "window", "window_days"}


@functools.cache
def rows(suite):
    return read_yaml(preset_root() / f"benchmark/suite/{suite}.yaml")["tasks"]


def plain(codes):
    """Codes as they are compared: without namespace and dot."""
    return [code.split("//")[1].replace(".", "") for code in codes]


def row_of(start, suite="clinical"):
    (row,) = (row for row in rows(suite) if row["task"].startswith(start))
    return row


def takes(row, code, key="codes"):
    return code.replace(".", "").startswith(tuple(plain(row[key])))


@pytest.mark.parametrize("suite", SUITES)
def test_rows_are_well_formed(suite):
    for row in rows(suite):
        assert set(row) <= KEYS and row["group"] and row["task"] == row["task"].strip(), row["task"]
        for code in [*row["codes"], *row.get("exclude", [])]:
            assert FORMS[row["family"]].match(code), f"{row['task']}: {code}"
        for key in ("codes", "exclude"):
            assert len(set(row.get(key, []))) == len(row.get(key, [])), f"{row['task']}: a code twice in {key}"
        span = re.match(r"([A-Z]\d\d)-([A-Z]\d\d) \w", row["group"])
        first = plain(row["codes"])[0]
        assert span is None or span[1] <= first[:3] <= span[2], f"{row['task']}: not of {row['group']}"
        assert row["family"] != "medication" or row["group"].startswith(f"{first[0]} "), row["task"]
    assert len({row["task"] for row in rows(suite)}) == len(rows(suite))
    assert len({frozenset(row["codes"]) for row in rows(suite)}) == len(rows(suite)), "two rows ask the same"


@pytest.mark.parametrize("suite", SUITES)
def test_no_code_of_a_row_says_what_another_one_says_already(suite):
    for row in rows(suite):
        codes = plain(row["codes"])
        assert not [(a, b) for a in codes for b in codes if a != b and a.startswith(b)], row["task"]


@pytest.mark.parametrize("suite", SUITES)
def test_neighbours_are_wider_than_the_question(suite):
    """A prefix to leave out that lies below a code of the row leaves nobody out: its carriers are cases."""
    for row in rows(suite):
        codes, excluded = plain(row["codes"]), plain(row.get("exclude", []))
        assert not [prefix for prefix in excluded if takes(row, prefix) and prefix not in codes], row["task"]
        assert not excluded or all(takes(row, code, "exclude") for code in codes), row["task"]


def test_drugs_count_around_the_recording_and_findings_have_no_window():
    for row in [row for suite in SUITES for row in rows(suite)]:
        window = {"medication": ("around", 90)}.get(row["family"], (None, None))
        assert (row.get("window"), row.get("window_days")) == window, row["task"]
        assert row["family"] != "finding" or "exclude" not in row


def test_the_clinical_suite_holds_120_phenotypes_99_drug_groups_and_15_findings():
    assert Counter(row["family"] for row in rows("clinical")) == {"phenotype": 120, "medication": 99, "finding": 15}
    groups = [code for row in rows("clinical") if row["family"] == "medication" for code in plain(row["codes"])]
    assert (
        len(set(groups)) == 99 and {len(code) for code in groups} == {5} and {code[0] for code in groups} == set("HLN")
    )


def test_the_substances_are_99_and_the_controls_about_12():
    substances = rows("substances")
    assert {(row["family"], len(code)) for row in substances for code in plain(row["codes"])} == {("medication", 7)}
    assert len(substances) == 99 and len(rows("controls")) == 12
    assert {"M17", "H25", "K21", "J30", "L40", "S52", "K40"} <= {plain(row["codes"])[0] for row in rows("controls")}
    asked = [code for row in rows("clinical") for code in plain(row["codes"])]
    assert not [row for row in rows("controls") if any(takes(row, code) for code in asked)], "a control is a question"


@pytest.mark.parametrize(
    ("task", "cases", "others"),
    [
        ("Coma", "R40.20 R40.2A R40.2431 R40.2110 R40.2210 R40.2310", "R40.2411 R40.2421 R40.2361 R40.0 R40.3"),
        ("Transient ischaemic attack", "G45.0 G45.9", "G45.4"),
        ("Encephalopathy", "G93.40 G93.41 G93.49", "G93.42 G93.43 G93.44 G93.45"),
        ("Toxic encephalopathy", "G92 G92.8 G92.9 G92.01", "G93.41"),
        ("Intractable epilepsy", "G40.843 G40.844 G40.C11 G40.C19 G40.919", "G40.841 G40.842 G40.C09 G40.909"),
        ("Status epilepticus (G40", "G40.841 G40.843 G40.C01 G40.C11 G41.0 G41.9", "G40.842 G40.C09 G40.C19 G40.909"),
        ("Viral encephalitis", "A83.0 A84.81 A86 A92.31 B00.4 B01.11 B02.0 B05.0 B06.01 B10.01 B10.09 B26.2", "B00.1"),
        ("Viral encephalitis", "A85.0", "A92.30 B01.12 B02.24 B05.9 B27.01 G04.81"),
        ("Delayed development", "R62.0 R62.50 R62.59", "R62.51 R62.52 R62.7"),
    ],
)
def test_a_row_means_what_its_title_says(task, cases, others):
    row = row_of(task)
    assert all(takes(row, code) for code in cases.split())
    assert not [code for code in others.split() if takes(row, code)]


@pytest.mark.parametrize(
    ("task", "neighbours", "controls"),
    [
        ("Generalised idiopathic epilepsy", "G40.209 G41.9 R56.9", "R55 F44.5 G43.909"),
        ("Alzheimer disease", "F01.50 F02.80 F03.90 G31.84 F06.70", "F05 R41.82 G20"),
        ("Cerebral infarction", "I60.9 I61.9 I64 I69.354 G45.9 Z86.73", "I10 I48.91 I67.1"),
        ("Depressive episode", "F31.9 F34.1 F39", "F41.1 F20.9"),
        ("Metabolic encephalopathy", "G92.8 F05 R41.82 R40.20", "G93.5 G93.0 G93.1"),
        ("Viral encephalitis", "G04.81 A87.9 B94.1", "B00.1 B02.9 A92.0"),
        ("Hyponatraemia", "E22.2", "E87.6 E86.0"),
        ("Gabapentinoids", "N03AX", "N02BE N02BA"),
        ("Anxiolytic benzodiazepines", "N03AE N05CD N05BB", "N05CM N03AX"),
    ],
)
def test_whoever_has_much_the_same_is_no_control(task, neighbours, controls):
    row = row_of(task)
    assert all(takes(row, code, "exclude") for code in neighbours.split())
    assert not [code for code in controls.split() if takes(row, code, "exclude")]


@pytest.mark.parametrize("suite", SUITES)
def test_the_programs_read_them(suite):
    tasks = {task.task: task for task in read_suite(suite, [])}
    assert list(tasks) == [row["task"] for row in rows(suite)]
    assert all(tasks[row["task"]].group == row["group"] for row in rows(suite))
    for row in (row for row in rows(suite) if "exclude" in row):
        assert tuple(tasks[row["task"]].exclude) == tuple(row["exclude"])
    assert {task.window for task in tasks.values() if task.family == "medication"} <= {"around"}


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    """A cohort of 1,400 people whose codes come from tables as HEEDB's: a row per person, undated, ATC of level 4."""
    out, rng = tmp_path_factory.mktemp("hospital"), np.random.default_rng(0)
    groups = [code for row in rows("clinical") if row["family"] == "medication" for code in plain(row["codes"])]
    taken = rng.random((1_400, len(groups))) < 0.06
    drugs = [
        {"BDSPPatientID": f"{i}.0", "Nervous System Drugs": " ".join(np.array(groups)[own]), "Blood": "C07AB B01AC"}
        for i, own in enumerate(taken, 1)
    ]
    write_csv(out / "HEEDB_Medication_ATC.csv", drugs)
    write_csv(out / "S0001_eeg_metadata.csv", [session_row("S0001", f"sub-S0001{i}", 1) for i in range(1, 1_401)])
    tables = read_tables(scan_folders(out)[0], out)
    events = read_records(tables, {}).select(subject_number_of("subject"), "time", "code")
    sessions = read_sessions(tables, {}).select(
        *(subject_number_of("person"), pl.concat_str("folder", pl.lit("_ses-"), "session").alias("session_id")),
        *(
            pl.col("folder").alias("path"),
            "site",
            pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("F")).otherwise(pl.lit("M")).alias("sex"),
            (40 + 20 * (pl.int_range(pl.len()) % 3)).alias("age"),
        ),
    )
    splits = pl.Series("split", [split_of(person) for person in sessions["subject_id"]])
    write_cohort(out / "cohort", "hospital", sessions.with_columns(splits), events)
    return out / "cohort"


def subject_number_of(column):
    numbered = pl.col(column).map_elements(lambda name: subject_number("HEEDB", name), return_dtype=pl.Int64)
    return numbered.alias("subject_id")


def test_tables_of_drug_groups_answer_the_clinical_suite(hospital):
    kept = benchmark.make_tasks(hospital, "clinical").filter(pl.col("family") == "medication")
    assert kept["task"].n_unique() >= 90
    with pytest.raises(ValueError, match="none of 99 tasks"):
        benchmark.make_tasks(hospital, "substances")
