"""The large cohort: realistic numbers, planted dependence, and a measured child."""

import sys

import polars as pl
import pytest

from benchmark.build import BuildConfig, build_tasks
from clef.cohort import Cohort
from tools.large_cohort import run_measured, time_build, write_large_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    out = tmp_path_factory.mktemp("large")
    write_large_cohort(out, 800, 1900, 0)
    return Cohort(out)


def test_people_have_so_many_codes_that_depend_on_age(cohort):
    assert len(cohort.sessions) == 1900 and cohort.sessions["subject_id"].n_unique() == 800
    kinds = dict(cohort.events.group_by(pl.col("code").str.extract("^([A-Z0-9]+)//")).len().iter_rows())
    assert 12 < kinds["ICD10CM"] / 800 < 18 and 8 < kinds["ATC"] / 800 < 12 and 3 < kinds["FINDING"] / 1900 < 5
    ages = cohort.events.join(cohort.sessions.unique("subject_id"), on="subject_id")
    mean = ages.group_by("code").agg(pl.col("age").mean(), n=pl.len()).filter(pl.col("n") > 60)["age"]
    assert mean.max() - mean.min() > 10


def test_tasks_can_be_built_of_it(cohort, tmp_path):
    suite = tmp_path / "two.yaml"
    suite.write_text(
        "tasks:\n- {task: Epilepsy, family: phenotype, codes: [ICD10CM//G40]}\n"
        "- {task: Slowing, family: finding, codes: [FINDING//focal_slowing]}\n"
    )
    _, about = build_tasks(BuildConfig(str(cohort.path), "", str(suite)))
    assert all(counts["cases"] > 50 for counts in about["counts"].values())


def test_fewer_sessions_than_people_are_refused(tmp_path):
    with pytest.raises(ValueError, match="sessions=5: expected subjects=9 or more"):
        write_large_cohort(tmp_path, 9, 5, 0)


def test_a_childs_end_time_and_memory_are_its_own():
    program = "import time; x = bytearray(200_000_000); time.sleep(0.1); print(len(x)); raise SystemExit(3)"
    run = run_measured([sys.executable, "-Sc", program])
    assert (run.code, run.output) == (3, "200000000\n")
    assert run.seconds > 0.1 and 0 < run.processor < 2
    assert 2e8 < run.peak < 2.5e8  # and not that of this process, which is larger


@pytest.mark.slow
def test_building_is_timed_in_a_process_of_its_own():
    made, built = time_build(600, 1400, 0)
    assert made.startswith("cohort of 600 people and 1,400 sessions made in ")
    assert built.startswith("benchmark.build suite=clinical: ") and " GB; " in built and "tasks kept" in built
    with pytest.raises(ValueError, match=r"exit code 1: .* none of \d+ tasks has 10 matched"):
        time_build(5, 5, 0)
