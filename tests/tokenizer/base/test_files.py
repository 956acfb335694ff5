"""Whole files or none, also on a full disk."""

import contextlib
import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys

import polars as pl
import pytest
import torch

from tests.helpers import ROOT, calls_of, must, pretrain, run
from tokenizer.base import files
from tokenizer.base.files import (
    check_format,
    check_out,
    fingerprint,
    read_table,
    table_metadata,
    write_aside,
    write_json,
    write_table,
    write_text,
)
from tokenizer.base.hub import save_folder


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_crash_in_the_block_leaves_the_old_file(tmp_path):
    target = tmp_path / "sub" / "file.txt"
    write_text(target, "old")
    with pytest.raises(RuntimeError, match="crash"), write_aside(target) as aside:
        aside.write_text("half of the new one")
        raise RuntimeError("crash")
    assert target.read_text() == "old" and names(target.parent) == ["file.txt"]


def test_ctrl_c_in_the_block_leaves_nothing_behind(tmp_path):
    with pytest.raises(KeyboardInterrupt), write_aside(tmp_path / "new") as aside:
        aside.mkdir()
        (aside / "part").write_text("x")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_the_target_is_not_touched_before_the_block_ends(tmp_path):
    write_text(tmp_path / "f", "old")
    with write_aside(tmp_path / "f") as aside:
        aside.write_text("new")
        assert (tmp_path / "f").read_text() == "old" and aside.parent == tmp_path
    assert (tmp_path / "f").read_text() == "new" and names(tmp_path) == ["f"]


def test_a_folder_replaces_a_folder_whole(tmp_path):
    for written in (["a", "b"], ["c"]):
        with write_aside(tmp_path / "store") as aside:
            aside.mkdir()
            for name in written:
                (aside / name).write_text(name)
    assert names(tmp_path / "store") == ["c"]
    with pytest.raises(RuntimeError), write_aside(tmp_path / "store") as aside:
        aside.mkdir()
        raise RuntimeError
    assert names(tmp_path / "store") == ["c"] and names(tmp_path) == ["store"]


def test_json_and_tables_come_back_as_written(tmp_path):
    write_json(tmp_path / "x.json", {"name": "Müller", "n": 1})
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == {"name": "Müller", "n": 1}
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "é"]})
    write_table(tmp_path / "x.parquet", frame, {"clef.format": "1"})
    assert read_table(tmp_path / "x.parquet").equals(frame)
    assert table_metadata(tmp_path / "x.parquet") == {"clef.format": "1"}


def test_a_damaged_table_is_one_line(tmp_path):
    (tmp_path / "x.parquet").write_text("this is no table")
    with pytest.raises(ValueError, match=r"x\.parquet: not a readable Parquet file"):
        read_table(tmp_path / "x.parquet")


@pytest.mark.parametrize("stored", (7, "7", 6))
def test_this_format_and_the_one_before_are_read(stored):
    check_format("store", stored, 7)


@pytest.mark.parametrize("stored", (None, 5, 8, "8"))
def test_other_formats_are_refused_with_what_to_do(stored):
    with pytest.raises(ValueError, match=r"store: store format .* this version reads 6 and 7; make it again"):
        check_format("/some/where/store", stored, 7)


def test_fingerprints_tell_parts_and_order_apart():
    assert fingerprint("ab", "c") != fingerprint("a", "bc") != fingerprint("c", "ab")
    assert fingerprint("a", b"b") == fingerprint(b"a", "b") and len(fingerprint("")) == 16


# ---- a disk that is really full
@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 256 KB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs a small file system: no tmpfs can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("kind", ("text", "table", "tensors"))
def test_a_full_disk_is_an_os_error_that_leaves_the_old_file(small_disk, kind):
    def write(size):
        if kind == "text":
            write_text(small_disk / "f", "x" * size)
        elif kind == "table":
            numbers = torch.rand(size // 4, generator=torch.Generator().manual_seed(0)).numpy()
            write_table(small_disk / "f", pl.DataFrame({"a": numbers}))
        else:
            save_folder(small_disk / "m", {"kind": "x"}, {"a": torch.zeros(size // 4)})

    write(50_000)
    before = {p: p.read_bytes() for p in small_disk.rglob("*") if p.is_file()}
    with pytest.raises(OSError) as caught:
        write(500_000)
    assert caught.value.errno == 28
    assert {p: p.read_bytes() for p in small_disk.rglob("*") if p.is_file()} == before


def test_training_on_a_full_disk_says_one_line_and_goes_on_with_room(small_disk, tiny_store, tmp_path):
    """A checkpoint of this size fits once; what is there stays whole and is what training goes on from."""
    settings = {"tokens": tiny_store, "steps": 6, "checkpoint_minutes": 0, "encoder.width": 16}
    filler = small_disk / "filler"
    filler.write_bytes(b"0" * 100_000)
    done = pretrain(tmp_path / "said", "recon", out=small_disk / "run", **settings)
    assert done.code == 1 and "Traceback" not in done.err
    assert "No space left on device" in done.err.splitlines()[-1] and "make room" in done.err.splitlines()[-1]
    assert not list(small_disk.rglob("*.part"))
    os.truncate(filler, 0)
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    must(pretrain(tmp_path / "said", "recon", out=small_disk / "run", **settings))
    must(pretrain(tmp_path / "said", "recon", out=tmp_path / "plain", **settings))
    part = "model/encoder/model.safetensors"
    assert (small_disk / "run" / part).read_bytes() == (tmp_path / "plain" / part).read_bytes()


def test_encoding_to_a_full_disk_says_one_line_and_leaves_no_half_store(
    small_disk, tiny_cohort, tiny_tokenizer, tmp_path
):
    settings = {"cohort": tiny_cohort, "tokenizer": tiny_tokenizer, "workers": 0}
    (small_disk / "filler").write_bytes(b"0" * 200_000)
    done = run(tmp_path / "said", "tokenizer.encode", out=small_disk / "t.zarr", **settings)
    assert done.code == 1 and "Traceback" not in done.err
    assert "No space left on device" in done.err and not (small_disk / "t.zarr").exists()


# ---- what a killed process, a power cut or a small disk leaves
def test_what_a_killed_writer_left_is_removed_by_the_next_one(tmp_path):
    code = (
        "import os; from tokenizer.base.files import write_aside\n"
        "open = [write_aside(name) for name in ('store', 'f[1]')]\n"
        "for context in open:\n"
        "    aside = context.__enter__(); name = aside.name.split('.')[1]\n"
        "    aside.mkdir() if name == 'store' else aside.write_text('half')\n"
        "os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert len(names(tmp_path)) == 2
    others = tmp_path / ".f[1].00000000-1.part"  # of another machine, where this number may be at work
    mine = tmp_path / f".f[1].{machine(names(tmp_path)[-1])}-{os.getppid()}.part"  # and of a process that lives
    others.touch(), mine.touch()
    write_text(tmp_path / "f[1]", "whole")
    assert {others.name, mine.name, "f[1]"} < set(names(tmp_path)) and len(names(tmp_path)) == 4
    with write_aside(tmp_path / "store") as aside:
        aside.mkdir()
    assert names(tmp_path) == sorted([others.name, mine.name, "f[1]", "store"])


def machine(name):
    """The part of a temporary name that stands for its machine."""
    return name.split(".")[-2].split("-")[0]


def test_what_is_renamed_is_on_the_disk_before_and_its_name_after(tmp_path):
    def write():
        with write_aside(tmp_path / "store") as aside:
            (aside / "deep").mkdir(parents=True)
            (aside / "deep" / "f").write_text("x")

    assert calls_of([files._flush_one], write) == {"_flush_one": 4}  # deep, f, the folder, and the folder it is in


@pytest.mark.parametrize("kind", ("text", "table", "tensors"))
def test_a_file_that_may_not_grow_is_an_os_error_with_the_name_people_know(kind, tmp_path):
    """Also where the end of a table alone does not fit: polars then speaks of its format."""
    writers = {
        "text": lambda path: write_text(path, "x" * 50_000),
        "table": lambda path: write_table(path, pl.DataFrame({"a": range(9_000)}), {"key": "v" * 3000}),
        "tensors": lambda path: save_folder(path, {"kind": "x"}, {"a": torch.zeros(12_500)}),
    }
    writers[kind](tmp_path / "whole")
    size = max(p.stat().st_size for p in (tmp_path / "whole", *tmp_path.glob("whole/*")))
    for limit in (0, 100, size // 2, size - 2500, size - 9):
        with file_size_limit(limit), pytest.raises(OSError) as caught:
            writers[kind](tmp_path / "f")
        assert caught.value.errno == errno.EFBIG
        assert caught.value.filename == str(
            tmp_path / "f" / "model.safetensors" if kind == "tensors" else tmp_path / "f"
        )
        assert not [p for p in tmp_path.rglob("*") if p.is_file() and "whole" not in str(p)]


@contextlib.contextmanager
def file_size_limit(size):
    """As a disk without room, for one process: writing beyond `size` bytes fails."""
    ignored, before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.parametrize(
    ("out", "kind", "said"),
    [
        ("folder", "file", "this is a folder; name a file, as"),
        ("file", "folder", "this is a file; name a folder"),
        ("file/below/deep", "folder", "is a file, so nothing can be written below it"),
        ("file/x.parquet", "file", "is a file, so nothing can be written below it"),
    ],
)
def test_an_out_that_cannot_be_written_is_one_line_before_the_work(out, kind, said, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=said) as caught:
        check_out(tmp_path / out, kind)
    assert "\n" not in str(caught.value) and names(tmp_path) == ["file", "folder"]
    for good in ("folder/new.parquet", "new/er/x", "file" if kind == "file" else "folder"):
        check_out(tmp_path / good, kind)


@pytest.mark.slow
def test_benchmark_programs_refuse_such_an_out_and_a_full_disk_in_one_line(small_disk, tiny_cohort, tmp_path):
    build = {"cohort": tiny_cohort, "suite": "demo", "folds": 2, "min_cases": 2, "match_on": "[sex]"}
    done = run(tmp_path / "said", "benchmark.build", **build, out=tmp_path)
    assert done.code == 1 and done.one_line and "this is a folder" in done.err
    tasks = tmp_path / "tasks.parquet"
    must(run(tmp_path / "said", "benchmark.build", **build, out=tasks))
    (small_disk / "filler").write_bytes(b"0" * (256 * 1024 - 4096))
    for program, given in (
        ("benchmark.build", build | {"out": small_disk / "tasks.parquet"}),
        ("benchmark.run", {"tasks": tasks, "cohort": tiny_cohort, "folds": 2, "workers": 0, "out": small_disk / "d"}),
    ):
        done = run(tmp_path / "said", program, **given)
        assert done.code == 1 and "Traceback" not in done.err
        assert "No space left on device" in done.err.splitlines()[-1] and "make room" in done.err.splitlines()[-1]
        assert [p.name for p in small_disk.rglob("*") if p.is_file()] == ["filler"]
