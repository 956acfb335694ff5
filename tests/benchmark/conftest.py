"""Two small cohorts: one of records alone, one with recordings."""

import datetime

import numpy as np
import polars as pl
import pytest

from clef.cohort import write_cohort

START = datetime.datetime(2020, 1, 1)


@pytest.fixture(scope="session")
def people(tmp_path_factory):
    """600 people at two sites; the disease is commoner in the old and at site A; some come twice."""
    rng, out = np.random.default_rng(0), tmp_path_factory.mktemp("cohort")
    rows, events = [], []
    for person in range(600):
        age, site = float(rng.uniform(20, 85)), "AB"[int(rng.random() < 0.5)]
        split = ["train", "val", "test"][int(np.searchsorted([0.6, 0.7], rng.random()))]
        ill = rng.random() < 0.15 + 0.5 * (age > 55) + 0.2 * (site == "A")
        events.append((person, START, "ICD10CM//G40.209" if ill else "ICD10CM//I10", None))
        for visit in range(1 + (rng.random() < 0.2)):
            start = START + datetime.timedelta(days=200 * visit)
            rows.append((f"s{person}-{visit}", person, f"s{person}.edf", start, age, "FM"[person % 2], site, split))
            if visit == 0:  # the drug is taken around the first visit only
                drug = "ATC//N03AX14" if rng.random() < 0.4 else "ATC//N02BE01"
                events.append((person, start + datetime.timedelta(days=30), drug, None))
            finding = "FINDING//focal_slowing" if rng.random() < 0.3 else "FINDING//normal"
            events.append((person, start, finding, None))
        group = "patient" if ill else "control"
        events.append((person, None, f"LABEL//{site}//group//{group}", None))
    schema = ["session_id", "subject_id", "path", "start_time", "age", "sex", "site", "split"]
    sessions = pl.DataFrame(rows, schema=schema, orient="row")
    events = pl.DataFrame(events, schema=["subject_id", "time", "code", "numeric_value"], orient="row")
    write_cohort(out, "test", sessions, events, descriptions={"ICD10CM//G40": "Epilepsy"})
    return out
