"""Colourings of a map: what is known of which session, rare values kept out, columns of a table."""

import datetime

import numpy as np
import polars as pl
import pytest

from clef.cohort import EVENTS, Cohort, write_cohort
from clef.pages.colourings import LEAST_PEOPLE, categories, colourings
from tokenizer.base.files import write_table

START = datetime.datetime(2020, 1, 1, 12)
N = 40


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Cohort:
    """Forty people with two sessions each, a year apart."""
    ids = [(i, k) for i in range(N) for k in range(2)]
    sessions = pl.DataFrame(
        {
            "session_id": [f"s{i}-{k}" for i, k in ids],
            "subject_id": [i for i, _ in ids],
            "path": ["x.edf"] * len(ids),
            "start_time": [START + datetime.timedelta(days=366 * k) for _, k in ids],
            "age": [30.4 + 2 * i for i, _ in ids],
            "site": ["rare" if i < LEAST_PEOPLE - 1 else "AB"[i % 2] for i, _ in ids],
            "split": ["train"] * len(ids),
        }
    )
    events = [(i, START, "FINDING//seizure", None) for i in range(10)]
    events += [(i, START + datetime.timedelta(days=366), "FINDING//awake", None) for i in range(N)]
    group = [(i, None, f"LABEL//lab//group//{'case' if i < 12 else 'control'}", None) for i in range(30)]
    events += [(i, START, "ICD10CM//G40.309" if i % 2 else "ICD10CM//I10", None) for i in range(20)]
    events += [(0, START, "ICD10CM//Q99.1", None)]
    folder = tmp_path_factory.mktemp("cohort")
    events = [(*row, None) for row in events] + [(*row, f"s{row[0]}-{k}") for row in group for k in range(2)]
    events = pl.DataFrame([*events, (31, None, group[0][2], None, None)], schema=EVENTS, orient="row")
    write_cohort(folder, "x", sessions, events, descriptions={"ICD10CM//I10": "Hypertension"})
    return Cohort(folder)


@pytest.fixture(scope="module")
def made(cohort):
    return {c.name: c for c in colourings(cohort, cohort.sessions)}


def test_the_menu_has_what_tells_sessions_apart(made):
    assert list(made) == ["site", "year", "age", "lab · group", "awake", "seizure", "G40", "I10 Hypertension"]
    assert made["site"].labels == ["A", "B", "others"] and made["site"].nuisance and not made["lab · group"].nuisance


def test_findings_belong_to_the_session_and_diagnoses_to_the_person(made):
    seizure, epilepsy = made["seizure"].codes.reshape(N, 2), made["G40"].codes.reshape(N, 2)
    assert (seizure[:10, 0] == 0).all() and (seizure[10:, 0] == -1).all()  # nobody looked at these first sessions
    assert (seizure[:, 1] == 1).all()
    assert (epilepsy[1:20:2] == 0).all() and (epilepsy[0:20:2] == 1).all() and (epilepsy[20:] == -1).all()


def test_a_label_counts_for_the_sessions_that_have_it(made):
    """Nobody knows which of the two sessions of person 31 was meant."""
    group = made["lab · group"]
    codes = group.codes.reshape(N, 2)
    assert group.labels == ["control", "case"] and (codes[:12] == 1).all() and (codes[30:] == -1).all()


def test_the_oldest_are_one_age(made):
    ages = made["age"].numbers
    assert ages.max() == 90 and ages[0] == 30 and len(np.unique(ages)) < N


def test_many_values_are_the_commonest_and_the_rest():
    values = pl.Series([f"v{i}" for i in range(12) for _ in range(20 - i)])
    made = categories("x", "g", values, pl.Series(range(len(values))))
    assert made.labels == [*(f"v{i}" for i in range(8)), "others"] and (made.codes == 8).sum() == 9 + 10 + 11 + 12
    assert categories("x", "g", pl.Series(["a", "a"]), pl.Series([1, 2])) is None


def test_columns_of_a_table(cohort, tmp_path):
    ids = cohort.sessions["session_id"]
    table = pl.DataFrame({"session_id": ids, "rate": [256.0, 512.0] * N, "level": np.arange(2.0 * N), "name": "Doe"})
    write_table(tmp_path / "t.parquet", table)
    table.write_csv(tmp_path / "t.csv")
    for path in ("t.parquet", "t.csv"):
        made = {c.name: c for c in colourings(cohort, cohort.sessions, str(tmp_path / path), ("rate", "level"))}
        assert made["rate"].labels == ["256", "512"] and made["rate"].nuisance and made["level"].kind == "number"
        assert "name" not in made
    with pytest.raises(ValueError, match="column 'amplifier' is missing; it has session_id, rate"):
        colourings(cohort, cohort.sessions, str(tmp_path / "t.csv"), ("amplifier",))
    write_table(tmp_path / "twice.parquet", pl.concat([table, table.with_columns(rate=pl.lit(1.0))]))
    with pytest.raises(ValueError, match="rows that differ in rate"):
        colourings(cohort, cohort.sessions, str(tmp_path / "twice.parquet"), ("rate",))
