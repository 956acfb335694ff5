"""The program that makes a synthetic cohort: same bytes, goes on, refuses."""

import hashlib
import re

import polars as pl
import pytest

from clef.cohort import read_code_descriptions, read_events, read_reports
from clef.importers.synthetic.__main__ import MakeCohort, main
from clef.importers.synthetic.drawing import draw_recording
from clef.importers.synthetic.latents import draw_findings, draw_latents
from clef.importers.synthetic.records import draw_people, draw_visits, record_events, session_table
from clef.importers.synthetic.waves import Streams
from tokenizer.sessions import read_sessions

BEFORE = ["e3cc1cf7edb87a02", "5a5a6c028a9da2ba"]


def hashes(cohort):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted((cohort / "recordings").iterdir())}


def test_bytes_depend_on_the_seed_and_not_on_the_workers(cohort, tmp_path):
    main(MakeCohort(out=str(tmp_path / "two"), subjects=10, seed=3, workers=2, minutes=0.5))
    assert hashes(tmp_path / "two") == hashes(cohort)


def test_without_a_course_the_bytes_are_those_of_cohorts_before_there_was_one(tmp_path):
    """Digests of recordings, records and reports as they were drawn before (commit 8bb5cdd, three people, seed 3)."""
    visits = draw_visits(draw_people(3, 3), 3, 0.5)
    truth = draw_latents(visits, 3)
    findings, sessions = draw_findings(truth, 3), session_table(visits, 3)
    (tmp_path / "recordings").mkdir()
    for i, path in enumerate(sessions["path"]):
        z = {name: column[i].item() for name, column in truth.items()}
        visit = {name: visits[name][i].item() for name in ("site", "seconds")} | {"start": visits["start"][i]}
        draw_recording(tmp_path / path, z, visit, Streams.of_session(3, i))
    events = record_events(visits, findings, 3).sort("subject_id", "time", "code", "session_id", maintain_order=True)
    # names hold the seed now: sessions of two draws had one name
    events = events.with_columns(pl.col("session_id").str.replace("^synthetic-3-", "synthetic-"))
    texts = "".join(hashes(tmp_path).values()), events.select(pl.all().cast(pl.String)).write_csv()
    assert [hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts] == BEFORE


def test_finished_cohort_is_left_alone_and_a_stopped_one_goes_on(cohort):
    config = MakeCohort(out=str(cohort), subjects=10, seed=3, workers=1, minutes=0.5)
    before, first = hashes(cohort), sorted((cohort / "recordings").iterdir())[0]
    stamps = {p: p.stat().st_mtime_ns for p in cohort.rglob("*")}
    main(config)
    assert {p: p.stat().st_mtime_ns for p in cohort.rglob("*")} == stamps
    (cohort / "sessions.parquet").unlink()
    first.unlink()
    (cohort / "recordings" / ".half.edf.1.part").write_bytes(b"half")
    main(config)
    assert hashes(cohort) == before
    with pytest.raises(ValueError, match="seed"):
        main(MakeCohort(out=str(cohort), subjects=10, seed=4, minutes=0.5))


def test_a_strange_folder_is_not_written_into(tmp_path):
    (tmp_path / "thesis.doc").write_text("mine")
    with pytest.raises(ValueError, match="not empty"):
        main(MakeCohort(out=str(tmp_path), subjects=2))
    with pytest.raises(ValueError, match="at least 1"):
        main(MakeCohort(out=str(tmp_path / "new"), subjects=0))
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.doc"]


def test_tables_are_a_valid_cohort(cohort):
    sessions, events = read_sessions(cohort), read_events(cohort)
    assert sessions.group_by("subject_id").agg(pl.col("split").n_unique())["split"].max() == 1
    assert set(events["subject_id"]) == set(sessions["subject_id"])
    assert events.filter(pl.col("code") == "MEDS_BIRTH")["subject_id"].is_unique().all()
    assert events.filter(pl.col("code").str.starts_with("GENDER//"))["time"].null_count() == 10
    findings = events.filter(pl.col("code").str.starts_with("FINDING//"))
    known = findings.select("subject_id", "session_id", pl.col("time").alias("start_time")).unique()
    assert len(sessions.join(known, on=["subject_id", "session_id", "start_time"])) == len(sessions) == len(known)
    assert events.filter(~pl.col("code").str.starts_with("FINDING//"))["session_id"].null_count() > 0
    coded = set(events.filter(pl.col("code").str.contains("^(ICD10CM|ATC)//"))["code"])
    assert all(re.fullmatch(r"ICD10CM//[A-Z]\d[\dA-Z](\.[\dA-Z]{1,4})?|ATC//[A-Z]\d\d[A-Z]{2}\d\d", c) for c in coded)
    assert coded <= set(read_code_descriptions(cohort))
    assert set(read_reports(cohort)["session_id"]) <= set(sessions["session_id"])
    truth = pl.read_parquet(cohort / "truth" / "latents.parquet")
    assert truth["session_id"].to_list() == sessions["session_id"].to_list()
