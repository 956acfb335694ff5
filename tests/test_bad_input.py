"""What users bring: programs refuse it in one line, or leave it out with a reason and do the rest."""

import json
import shutil

import numpy as np
import polars as pl
import pytest

from clef.cohort import REPORTS
from tests.helpers import must, pretrain, run
from tokenizer.base.tables import write_table
from tokenizer.edf.writer import LABELS, eeg, write_edf
from tokenizer.sessions import read_sessions, write_sessions
from tokenizer.store import TokenStore
from tokenizer.vqgan import VQGAN


@pytest.fixture(scope="module")
def bad_cohort(tmp_path_factory):
    """Two good recordings and every bad one in between, all in a folder whose name must be taken literally."""
    folder = tmp_path_factory.mktemp("EEG (2024)") / "Müller=A ${x}"
    folder.mkdir()
    good = eeg(30)
    write_edf(folder / "good1.edf", good)
    write_edf(folder / "truncated_in_data.edf", good)
    write_edf(folder / "truncated_in_header.edf", good)
    for name, size in (("truncated_in_data", 256 * 20 + 19 * 400 * 4 + 33), ("truncated_in_header", 900)):
        file = folder / f"{name}.edf"
        file.write_bytes(file.read_bytes()[:size])
    write_edf(folder / "zeros.edf", np.zeros_like(good))
    (folder / "only_zero_bytes.edf").write_bytes(bytes(200_000))
    (folder / "text.edf").write_text("Dear colleague,\nplease find attached the recording.\n")
    (folder / "empty.edf").write_bytes(b"")
    write_edf(folder / "three_channels.edf", good[:3], labels=LABELS[:3])
    write_edf(folder / "short.edf", good[:, :600])
    write_edf(folder / "volts.edf", 40 * good, limit=1e6)
    (folder / "folder.edf").mkdir()
    write_edf(folder / "good2.edf", eeg(30, seed=1))
    names = ["good1", *sorted(p.stem for p in folder.glob("*.edf") if "good" not in p.stem), "gone", "good2"]
    rows = {"session_id": names, "subject_id": list(range(len(names))), "path": [f"{n}.edf" for n in names]}
    write_sessions(folder, pl.DataFrame(rows | {"split": ["train"] * len(names)}))
    return folder


@pytest.fixture(scope="module")
def encoded(bad_cohort, tiny_tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    settings = {"cohort": bad_cohort, "tokenizer": tiny_tokenizer, "out": folder / "t.zarr", "workers": 0}
    return run(folder / "said", "tokenizer.encode", **settings), folder / "t.zarr"


def test_bad_recordings_are_refused_with_reasons_and_the_others_encoded(encoded):
    done, path = encoded
    must(done)
    store = TokenStore(path)
    assert store.load().session_id.tolist() == ["good1", "good2"]
    assert "2 sessions, 11 refused" in done.err and "Traceback" not in done.err
    assert len(store.refused()) == 11
    for name, reason in store.refused().items():
        assert len(reason) > 15 and (f"{name}: {reason}" in done.err or "2 sessions, as" in done.err), name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("zeros", "no channel carries a signal"),
        ("three_channels", "3 of the 19 ten-twenty electrodes"),
        ("short", "expected at least 10 s"),
        ("truncated_in_data", "expected at least 10 s"),
        ("volts", "probably not in the stated unit"),
    ],
)
def test_the_reason_says_what_is_wrong(encoded, name, said):
    assert said in TokenStore(encoded[1]).refused()[name]


def test_reasons_name_no_file_and_no_folder(encoded, bad_cohort):
    for name, reason in TokenStore(encoded[1]).refused().items():
        assert f"{name}.edf" not in reason and str(bad_cohort) not in reason and "Müller" not in reason, reason


def test_training_leaves_bad_recordings_out(bad_cohort, tmp_path):
    settings = {"cohort": bad_cohort, "steps": 6, "tokenizer_stage.scale_sessions": 14, "batch": 8}
    done = must(pretrain(tmp_path / "said", "tokenizer", out=tmp_path / "run", **settings))
    assert "left out text" in done.err and "Traceback" not in done.err
    losses = [json.loads(line)["loss"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[:6]]
    assert np.isfinite(losses).all()


def test_a_cohort_without_any_readable_recording_is_one_line(bad_cohort, tiny_tokenizer, tmp_path):
    (tmp_path / "c").mkdir()
    shutil.copy(bad_cohort / "text.edf", tmp_path / "c")
    write_sessions(tmp_path / "c", read_sessions(bad_cohort).filter(session_id="text"))
    done = pretrain(tmp_path / "said", "tokenizer", cohort=tmp_path / "c", out=tmp_path / "run", steps=2)
    assert done.code == 1 and done.one_line and "none of 1 training recordings could be read" in done.err
    settings = {"cohort": tmp_path / "c", "tokenizer": tiny_tokenizer, "out": tmp_path / "t.zarr", "workers": 0}
    done = run(tmp_path / "said", "tokenizer.encode", **settings)
    assert done.code == 1 and "Traceback" not in done.err and "no session could be encoded" in done.err


def test_a_cohort_without_train_sessions_is_one_line(tiny_cohort, tmp_path):
    write_sessions(tmp_path / "c", read_sessions(tiny_cohort, "test"))
    done = pretrain(tmp_path / "said", "tokenizer", cohort=tmp_path / "c", out=tmp_path / "run", steps=2)
    assert done.code == 1 and done.one_line and "no session has split train" in done.err


@pytest.fixture(scope="module")
def foreign_store(tiny_cohort, tiny_tokenizer, tmp_path_factory):
    """The tiny cohort, encoded with another tokenizer."""
    folder = tmp_path_factory.mktemp("foreign")
    other = VQGAN.from_pretrained(str(tiny_tokenizer / "model" / "tokenizer"))
    other.codebook.vectors.copy_(other.codebook.vectors.flip(0))
    other.save_pretrained(folder / "other")
    settings = {"cohort": tiny_cohort, "tokenizer": folder / "other", "workers": 0, "out": folder / "t.zarr"}
    must(run(folder / "said", "tokenizer.encode", **settings))
    return folder / "t.zarr"


def one_line(done, code, said):
    assert done.code == code and done.one_line, done
    assert said in done.err


def test_a_missing_token_store_is_one_line(tiny_recon, tiny_cohort, tmp_path):
    store = tmp_path / "none.zarr"
    one_line(pretrain(tmp_path / "s", "recon", tokens=store, out=tmp_path / "r"), 1, "there is no token store here")
    settings = {"tokens": store, "cohort": tiny_cohort, "init": tiny_recon, "out": tmp_path / "r"}
    one_line(pretrain(tmp_path / "s", "align", **settings), 1, "there is no token store here")
    assert not (tmp_path / "r").exists()
    done = run(tmp_path / "s", "clef.embed", model=tiny_recon, tokens=store, out=tmp_path / "e.parquet")
    assert done.code == 1 and "there is no token store here" in done.err.splitlines()[-1]
    assert "Traceback" not in done.err and not (tmp_path / "e.parquet").exists()


def test_a_store_from_another_tokenizer_is_refused(foreign_store, tiny_cohort, tiny_recon, tmp_path):
    settings = {"tokens": foreign_store, "cohort": tiny_cohort, "init": tiny_recon, "out": tmp_path / "r", "steps": 2}
    for done in (
        pretrain(tmp_path / "s", "align", **settings),
        run(tmp_path / "s", "clef.embed", model=tiny_recon, tokens=foreign_store, out=tmp_path / "e.parquet"),
    ):
        assert done.code == 1 and "Traceback" not in done.err
        assert "the model was trained on tokens of" in done.err.splitlines()[-1]
    assert not (tmp_path / "e.parquet").exists()


@pytest.mark.parametrize("program", ("clef.pretrain", "tokenizer.encode"))
def test_a_cohort_that_does_not_exist_is_one_line(program, tiny_tokenizer, tmp_path):
    more = {"stage": "tokenizer"} if program == "clef.pretrain" else {"tokenizer": tiny_tokenizer}
    done = run(tmp_path / "s", program, cohort=tmp_path / "none", out=tmp_path / "out", **more)
    one_line(done, 1, "no sessions.parquet in this folder; make a cohort with")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("tokenizer", "said"),
    [("/nowhere/at/all", "there is no such model folder"), ("no such run", "there is no such model folder")],
)
def test_a_tokenizer_that_does_not_exist_is_one_line(tokenizer, said, tiny_cohort, tmp_path):
    done = run(tmp_path / "s", "tokenizer.encode", cohort=tiny_cohort, tokenizer=tokenizer, out=tmp_path / "t.zarr")
    one_line(done, 1, said)


def test_an_unknown_setting_is_one_line_and_exit_code_2(tiny_store, tmp_path):
    done = pretrain(tmp_path / "s", "recon", tokens=tiny_store, out=tmp_path / "r", setps=3)
    one_line(done, 2, "setps: there is no such setting; did you mean steps?")
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"encoder.heads": 3}, "must be even and a multiple of encoder.heads=3"),
        ({"device": "gpu"}, "there is no such device"),
        ({"device": "cuda:7"}, "shows no CUDA device"),
        ({"accumulate": 0}, "accumulate"),
        ({"batch": 0}, "batch=0"),
    ],
)
def test_impossible_settings_are_one_line(settings, said, tiny_store, tmp_path):
    import torch

    if "cuda:7" in settings.values() and torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    done = pretrain(tmp_path / "s", "recon", tokens=tiny_store, out=tmp_path / "r", **({"steps": 2} | settings))
    assert done.code == 1 and "Traceback" not in done.err and said in done.err.splitlines()[-1], done


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"vqgan.bins_per_token": 6}, "bins_per_token=6"), ({"tokenizer_stage.crop_frames": 45}, "45")],
)
def test_impossible_settings_of_the_tokenizer_are_one_line(settings, said, tiny_cohort, tmp_path):
    done = pretrain(tmp_path / "s", "tokenizer", cohort=tiny_cohort, out=tmp_path / "r", **({"steps": 2} | settings))
    assert done.code == 1 and "Traceback" not in done.err and said in done.err.splitlines()[-1], done


@pytest.fixture
def copied(tiny_cohort, tmp_path):
    """The tables of the tiny cohort, to be broken."""
    folder = tmp_path / "cohort"
    shutil.copytree(tiny_cohort, folder, ignore=shutil.ignore_patterns("recordings", "truth"))
    (folder / "metadata" / "manifest.json").unlink()  # which would refuse any change before the tables are looked at
    return folder


def break_sessions(folder):
    table = pl.read_parquet(folder / "sessions.parquet")
    table = table.with_columns(session_id=pl.lit("twice"))
    write_table(folder / "sessions.parquet", table, {"clef.format": "1"})


def break_reports(folder):
    more = pl.DataFrame({"session_id": ["who"], "text": ["normal"]})
    table = pl.concat([pl.read_parquet(folder / "reports.parquet"), more], how="diagonal").select(list(REPORTS))
    write_table(folder / "reports.parquet", table, {"clef.format": "1"})


def repeat_reports(folder):
    table = pl.read_parquet(folder / "reports.parquet")
    write_table(folder / "reports.parquet", pl.concat([table, table]), {"clef.format": "1"})


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (break_sessions, "session_id 'twice' stands in more than one row"),
        (break_reports, "1 reports name a session that is not in sessions.parquet (first: 'who')"),
        (repeat_reports, "a session has more than one report"),
        (lambda f: (f / "sessions.parquet").write_text("a,b\n1,2\n"), "not a readable Parquet file"),
        (lambda f: (f / "reports.parquet").write_bytes(b"rubbish"), "not a readable Parquet file"),
        (lambda f: (f / "data" / "0.parquet").write_bytes(b"rubbish"), "not a readable Parquet file"),
        (lambda f: write_sessions(f, read_sessions(f).head(5)), "31 sessions are not in cohort="),
    ],
)
def test_a_broken_cohort_is_refused_in_one_line(copied, damage, said, tiny_store, tiny_recon, tmp_path):
    damage(copied)
    settings = {"tokens": tiny_store, "cohort": copied, "init": tiny_recon, "out": tmp_path / "r", "steps": 2}
    done = pretrain(tmp_path / "s", "align", **settings)
    assert done.code == 1 and "Traceback" not in done.err, done
    assert said in done.err.splitlines()[-1]
    assert not (tmp_path / "r" / "model").exists()


def test_an_unfinished_run_is_no_starting_point(tiny_store, tiny_cohort, tiny_tokenizer, tmp_path):
    settings = {"tokens": tiny_store, "cohort": tiny_cohort, "init": tmp_path / "none", "out": tmp_path / "r"}
    one_line(pretrain(tmp_path / "s", "align", **settings), 1, "there is no finished run here")
    shutil.copytree(tiny_tokenizer, tmp_path / "half", ignore=shutil.ignore_patterns("model"))
    settings = {"cohort": tiny_cohort, "tokenizer": tmp_path / "half", "out": tmp_path / "t.zarr"}
    one_line(run(tmp_path / "s", "tokenizer.encode", **settings), 1, "this run has no finished model yet")
