"""The command that de-identifies an archive: what it writes, refuses, says, and where it goes on."""

import csv
from pathlib import Path

import pytest

from tests.helpers import must, run, snapshot
from tests.leaks import found_in, leaks
from tests.planted import CORE, Person, make_one
from tests.tokenizer.reading.hostile import bounded, endless, pipe
from tokenizer.deidentify import DeidentifyConfig, main
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.reading.read import read

KINDS = ("EDF", "labels beside", "EDF+C", "EDF+D", "BDF", "records", "text")
"""Five good files and two damaged ones."""


@pytest.fixture
def archive(tmp_path) -> Path:
    """Seven recordings and a letter; folders and files are called after people."""
    root = tmp_path / f"ward {CORE}"
    (root / CORE.upper()).mkdir(parents=True)
    for i, kind in enumerate(KINDS):
        path = make_one(root, Person(i), kind)
        path.rename(root / CORE.upper() / f"{Person(i).surname} {Person(i).born}{path.suffix}")
    (root / "letter.txt").write_text("Dear colleague")
    return root


def test_the_command(archive, tmp_path):
    settings = {"root": archive, "out": tmp_path / "out", "mapping": tmp_path / "map.csv"}
    done = run(tmp_path / "logs", "tokenizer.deidentify", **settings)
    assert done.code == 1 and "Traceback" not in done.err
    log = done.err.replace(str(tmp_path), "")
    assert not found_in(log.encode()) and not found_in(done.out.encode()) and leaks(tmp_path / "out") == []
    for line in ("5 recordings (0 of them there already), 2 refused", "patient 5", "1 other files", "annotations 20"):
        assert line in log, line
    rows = {row["original"]: row for row in csv.DictReader((tmp_path / "map.csv").open())}
    assert len(rows) == 7 and sum(bool(row["refused"]) for row in rows.values()) == 2
    for row in rows.values():
        before = read(archive / row["original"]) if row["copy"] else None
        assert before is None or (read(tmp_path / "out" / row["copy"]).signal == before.signal).all()
    names = {p.name for p in (tmp_path / "out").iterdir()} - {"deidentify.json"}
    assert names == {row["copy"] for row in rows.values() if row["copy"]}


def test_it_goes_on_where_it_stopped_and_mends_what_is_damaged(archive, tmp_path):
    settings = {"root": archive, "out": tmp_path / "out"}
    run(tmp_path / "logs", "tokenizer.deidentify", **settings)
    first = snapshot(tmp_path / "out")
    assert "5 recordings (5 of them there already)" in run(tmp_path / "logs", "tokenizer.deidentify", **settings).err
    assert snapshot(tmp_path / "out") == first
    gone, cut = sorted((tmp_path / "out").glob("*.[eb]df"))[:2]
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:-1000])
    assert "5 recordings (3 of them there already)" in run(tmp_path / "logs", "tokenizer.deidentify", **settings).err
    assert {k: v[1] for k, v in snapshot(tmp_path / "out").items()} == {k: v[1] for k, v in first.items()}
    other = run(tmp_path / "logs", "tokenizer.deidentify", **settings, keep_sex=True)
    assert other.code == 1 and other.one_line and "begun with another keep_sex" in other.err


def test_names_of_files_can_stay(tmp_path):
    (tmp_path / "in" / "s1").mkdir(parents=True)
    write_edf(tmp_path / "in" / "s1" / "a.EDF", eeg(3, 64), 64)
    (tmp_path / "terms").write_text("spike\n")
    settings = {"keep_names": True, "keep_annotations": tmp_path / "terms"}
    done = must(run(tmp_path / "logs", "tokenizer.deidentify", root=tmp_path / "in", out=tmp_path / "out", **settings))
    assert (tmp_path / "out" / "s1" / "a.EDF").is_file() and "look through them yourself" in done.err
    assert "spike" not in (tmp_path / "out" / "deidentify.json").read_text()


@pytest.mark.parametrize(
    ("settings", "code", "message"),
    [
        ({"out": "in/out"}, 2, "inside the other"),
        ({"out": "."}, 2, "inside the other"),
        ({"mapping": "out/map.csv"}, 2, "a file outside out"),
        ({"root": "none"}, 2, "no such file or folder"),
        ({"keep_annotations": "none"}, 2, "no such file"),
        ({"root": "empty"}, 1, "no recording here; looked for .edf"),
        ({"out": "full"}, 1, "holds something else"),
    ],
)
def test_wrong_arguments_are_one_line_and_nothing_is_written(settings, code, message, tmp_path):
    for folder in ("in", "empty", "full"):
        (tmp_path / folder).mkdir()
    (tmp_path / "full" / "x").write_text("x")
    write_edf(tmp_path / "in" / "a.edf", eeg(3, 64), 64)
    before = sorted(p.name for p in tmp_path.rglob("*"))
    given = {k: tmp_path / v for k, v in ({"root": "in", "out": "out"} | settings).items()}
    done = run(tmp_path.parent / f"{tmp_path.name}_logs", "tokenizer.deidentify", **given)
    assert done.code == code and done.one_line and message in done.err
    assert sorted(p.name for p in tmp_path.rglob("*")) == before


def test_nobody_waits_for_a_named_pipe(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    write_edf(root / "a.edf", eeg(12))
    endless(root / "b.edf")
    pipe(root / "c.edf")
    with bounded():
        assert main(DeidentifyConfig(root=root, out=tmp_path / "out")) == 0
    assert len(list((tmp_path / "out").glob("*.edf"))) == 1
