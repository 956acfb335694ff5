"""The manifest of a folder: files that belong together, written together."""

import json

import polars as pl
import pytest

from tokenizer.base.manifest import (
    MANIFEST,
    check_folder,
    member_digest,
    read_manifest,
    replace_member,
    write_manifest,
    write_together,
)
from tokenizer.base.tables import write_table


def writers(*values):
    return {
        "b.json": lambda path: path.write_text(json.dumps(values)),
        "a.parquet": lambda path: write_table(path, pl.DataFrame({"a": values})),
    }


def test_files_written_together_are_listed_and_checked(tmp_path):
    write_together(tmp_path, writers(1, 2) | {"kept.txt": lambda path: path.write_text("x")})
    listed = read_manifest(tmp_path, "")
    assert {name: [member_digest(tmp_path / name)] for name in ("a.parquet", "b.json", "kept.txt")} == listed
    check_folder(tmp_path, "do this")
    (tmp_path / "stranger.txt").write_text("not listed")
    check_folder(tmp_path, "do this")
    (tmp_path / "kept.txt").write_text("y")
    with pytest.raises(ValueError, match=r"kept.txt is not the file that .* lists: .*; do this"):
        check_folder(tmp_path, "do this")
    (tmp_path / "kept.txt").unlink()
    with pytest.raises(ValueError, match=r"kept.txt is gone, .*; do this"):
        check_folder(tmp_path, "do this")


def test_a_writer_that_fails_leaves_the_folder_as_it_was(tmp_path):
    write_together(tmp_path, writers(1, 2))
    before = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def stop(path):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_together(tmp_path, writers(3) | {"c.txt": stop})
    assert {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_files_appear_in_their_order_and_the_manifest_last(tmp_path):
    write_together(tmp_path, writers(1, 2))
    times = [(tmp_path / name).stat().st_ctime_ns for name in ("b.json", "a.parquet", MANIFEST)]
    assert times == sorted(times)


def test_while_files_are_replaced_the_old_one_and_the_new_one_are_both_accepted(tmp_path):
    """So who is killed between two of them leaves a folder that is read, and written again."""
    write_together(tmp_path, writers(1, 2))
    old = read_manifest(tmp_path, "")
    write_together(tmp_path, writers(3))
    new = read_manifest(tmp_path, "")
    write_manifest(tmp_path, {name: [*old[name], *new[name]] for name in old})
    writers(1, 2)["b.json"](tmp_path / "b.json")
    check_folder(tmp_path, "")
    write_together(tmp_path, writers(3))
    assert read_manifest(tmp_path, "") == new and old != new


def test_one_file_is_replaced_and_the_others_stay_listed(tmp_path):
    write_together(tmp_path, writers(1, 2))
    old = read_manifest(tmp_path, "")
    replace_member(tmp_path, "b.json", writers(3)["b.json"])
    check_folder(tmp_path, "")
    new = read_manifest(tmp_path, "")
    assert new["a.parquet"] == old["a.parquet"] and new["b.json"] != old["b.json"] and len(new["b.json"]) == 1


def test_a_replacement_that_fails_or_a_folder_without_a_manifest_stays_as_it_is(tmp_path):
    write_together(tmp_path, writers(1, 2))
    with pytest.raises(ZeroDivisionError):
        replace_member(tmp_path, "b.json", lambda path: path.write_text(str(1 / 0)))
    check_folder(tmp_path, "")
    (tmp_path / MANIFEST).unlink()
    replace_member(tmp_path, "b.json", writers(3)["b.json"])
    assert json.loads((tmp_path / "b.json").read_text()) == [3] and not (tmp_path / MANIFEST).exists()
