"""Cells of archives as values; and archives of three layouts -> one cohort -> every stage of the demo."""

import signal
from datetime import datetime

import polars as pl
import pytest

from clef.cohort import read_events, read_reports
from clef.importers.values import parse_age, parse_setting, parse_sex, parse_time
from tests.clef.importers.bids.tree import make_tree as make_bids
from tests.clef.importers.heedb.tree import make_tree as make_heedb
from tests.clef.importers.tuh.tree import make_tree as make_tuh
from tests.helpers import must, pretrain, run, start, wait_until
from tokenizer.base.locks import wait_for_folder
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.sessions import read_sessions


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """One cohort of a BIDS tree, a TUAB-shaped tree and a HEEDB-shaped tree."""
    root = tmp_path_factory.mktemp("archives")
    for name, make_tree in (("bids", make_bids), ("tuh", make_tuh), ("heedb", make_heedb)):
        make_tree(root / name, 12)
    out = root / "cohort"
    targets = {"targets": "[group,phenotype/moca.total]", "icd10": "[diagnosis]", "atc": "[drugs]"}
    must(run(root / "said", "clef.importers.bids", root=root / "bids", out=out, **targets))
    must(run(root / "said", "clef.importers.tuh", root=root / "tuh", out=out))
    heedb = {"root": root / "heedb", "reports": root / "heedb" / "reports"}
    must(run(root / "said", "clef.importers.heedb", out=out, **heedb))
    return out


def test_three_archives_become_one_cohort(cohort):
    sessions = read_sessions(cohort)
    assert sessions["site"].n_unique() == 4 and set(sessions["split"]) == {"train", "val", "test"}
    assert sessions["subject_id"].n_unique() == 36
    kinds = read_events(cohort)["code"].str.split("//").list.first()
    assert {"LABEL", "ICD10CM", "ATC", "FINDING", "GENDER"} <= set(kinds)
    assert len(read_reports(cohort)) > 12


@pytest.mark.slow
def test_it_goes_through_the_stages_of_the_demo(cohort, tmp_path):
    said, tokens = tmp_path / "said", tmp_path / "tokens.zarr"
    must(pretrain(said, "tokenizer", cohort=cohort, out=tmp_path / "tokenizer", steps=6))
    must(run(said, "tokenizer.encode", cohort=cohort, tokenizer=tmp_path / "tokenizer", out=tokens, workers=0))
    must(pretrain(said, "recon", tokens=tokens, out=tmp_path / "recon", steps=4))
    inputs = {"tokens": tokens, "cohort": cohort, "init": tmp_path / "recon"}
    must(pretrain(said, "align", **inputs, out=tmp_path / "align", steps=4))
    must(run(said, "clef.embed", model=tmp_path / "align", tokens=tokens, out=tmp_path / "aligned.parquet"))
    settings = {"suite": "labels", "min_cases": 2, "out": tmp_path / "tasks.parquet"}
    must(run(said, "benchmark.build", cohort=cohort, **settings))
    tasks = pl.read_parquet(tmp_path / "tasks.parquet")
    assert {name.split("//")[1] for name in tasks["task"].unique() if name.startswith("LABEL//")} >= {"tuab"}
    arguments = {"tasks": tmp_path / "tasks.parquet", "embeddings": tmp_path / "aligned.parquet"}
    done = must(run(said, "benchmark.run", cohort=cohort, tokens=tokens, out=tmp_path / "scores", **arguments))
    scores = pl.read_parquet(tmp_path / "scores" / "scores.parquet")
    assert scores["auroc"].is_between(0, 1).all() and {"aligned", "metadata", "acquisition"} <= set(
        scores["embedding"]
    ), done.err


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """Two folders with labels, the settings of their import."""
    root = tmp_path_factory.mktemp("sites")
    settings = []
    for seed, name in enumerate(("here", "there")):
        (root / name).mkdir()
        write_edf(root / name / "a.edf", eeg(12, seed=seed))
        (root / name / "labels.csv").write_text("file,subject\na.edf,p1\n")
        settings.append({"root": root / name, "labels": root / name / "labels.csv", "site": name})
    return settings


def test_two_imports_at_once_give_both_sites(sites, tmp_path):
    both = [start(tmp_path / s["site"], "clef.importers.folder", out=tmp_path / "out", **s) for s in sites]
    for running in both:
        must(running.wait())
    assert set(read_sessions(tmp_path / "out")["site"]) == {"here", "there"}


def test_an_import_waits_for_another_and_says_so(sites, tmp_path):
    out, log = tmp_path / "out", tmp_path / "said" / "err"
    with wait_for_folder(out, "nobody else is there"):
        running = start(tmp_path / "said", "clef.importers.folder", out=out, **sites[0])
        assert wait_until(lambda: "another import is writing into this cohort; waiting" in log.read_text(), running)
        assert not (out / "sessions.parquet").exists()
    must(running.wait())
    assert read_sessions(out)["site"].to_list() == ["here"]


def test_ctrl_c_leaves_all_as_it_was_and_the_next_import_goes_on(sites, tmp_path):
    out, log = tmp_path / "out", tmp_path / "said" / "err"
    must(run(tmp_path / "said", "clef.importers.folder", out=out, **sites[0]))
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with wait_for_folder(out, "nobody else is there"):
        running = start(tmp_path / "said", "clef.importers.folder", out=out, **sites[1])
        assert wait_until(lambda: "waiting" in log.read_text(), running)
        running.kill(signal.SIGINT)
        done = running.wait()
    assert done.code == 130 and "Traceback" not in done.err and "the same command goes on from here" in done.err
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    must(run(tmp_path / "said", "clef.importers.folder", out=out, **sites[1]))
    assert set(read_sessions(out)["site"]) == {"here", "there"}


def test_out_that_is_a_file_is_one_line(sites, tmp_path):
    (tmp_path / "out").write_text("")
    done = run(tmp_path / "said", "clef.importers.folder", out=tmp_path / "out", **sites[0])
    assert done.code == 1 and "is a file; expected a cohort folder" in done.err and "Traceback" not in done.err


def test_cells_are_values_or_unknown():
    ages = {" 34 ": 34, ">89": 90, "90+": 90, "85+": 85, "0": 0, "121": None, "-1": None, "": None, "nan": None}
    assert {text: parse_age(text) for text in ages} == ages and parse_age(None) is None
    assert [parse_sex(text) for text in ("F", "male", "Female ", "divers", "", None)] == [
        "F",
        "M",
        "F",
        None,
        None,
        None,
    ]
    assert parse_time("2020-05-01T10:00:00+02:00") == datetime(2020, 5, 1, 10) and parse_time("1/5/2020") is None
    assert parse_setting(" EMU") == "emu" and parse_setting("home") is None
