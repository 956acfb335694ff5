"""A folder and its labels -> a cohort: what is kept, what is left out and said, and several sites in one cohort."""

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from clef.cohort import read_events
from clef.importers.folder import FolderImport, main
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.reading.read import read_row
from tokenizer.sessions import read_sessions, subject_number

LABELS = """file,subject,age_years,sex,start,setting,split,diagnosis,comment
a.edf,p1,34,F,2020-05-01 10:00:00,Routine,train,epilepsy,first visit
deep/b.edf,p1,35.5,female,2021-05-01T10:00:00,EMU,,epilepsy,"second, later"
c.edf,p2,unknown,M,,,test,healthy,
missing.edf,p3,20,M,,,,healthy,
three.edf,p4,20,M,,,,healthy,
,p5,20,M,,,,healthy,
c.edf,p2,unknown,M,,,test,healthy,
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("site with (spaces)")
    (root / "deep").mkdir()
    for seed, name in enumerate(("a.edf", "deep/b.edf", "c.edf")):
        write_edf(root / name, eeg(20, seed=seed))
    write_edf(root / "three.edf", eeg(20, channels=3))
    (root / "labels.csv").write_text(LABELS)
    return root


def config(folder: Path, out: Path, **changes) -> FolderImport:
    settings = {"root": folder, "labels": folder / "labels.csv", "site": "here", "out": out, "targets": ["diagnosis"]}
    settings["key"] = "none"
    return FolderImport(**(settings | changes))


def test_sessions(folder, tmp_path):
    main(config(folder, tmp_path))
    table = read_sessions(tmp_path)
    assert table["session_id"].to_list() == ["here_a", "here_b", "here_c"]
    assert table["subject_id"].to_list() == [subject_number("here", s) for s in ("p1", "p1", "p2")]
    assert table["age"].to_list() == [34, 35.5, None] and table["sex"].to_list() == ["F", "F", "M"]
    assert table["setting"].to_list() == ["routine", "emu", None]
    assert table["split"].to_list() == ["train", "train", "test"]
    assert str(table["start_time"][1]) == "2021-05-01 10:00:00" and table["start_time"][2] is None
    assert all(Path(p).is_absolute() for p in table["path"]) and table["reading"].null_count() == 3
    assert read_row(tmp_path, table.row(0, named=True)).seconds == 20


def test_events_are_meds(folder, tmp_path):
    main(config(folder, tmp_path))
    events = read_events(tmp_path)
    p1 = events.filter(pl.col("subject_id") == subject_number("here", "p1"))
    assert p1["code"].to_list() == ["GENDER//F", *["LABEL//here//diagnosis//epilepsy"] * 2]
    assert [str(t) for t in p1["time"]] == ["None", "2020-05-01 10:00:00", "2021-05-01 10:00:00"]
    assert p1["session_id"].to_list() == [None, "here_a", "here_b"]
    assert not events["code"].str.contains("BIRTH|comment").any()
    splits = pl.read_parquet(tmp_path / "metadata" / "subject_splits.parquet")
    assert sorted(splits["split"]) == ["held_out", "train"]


def test_what_is_left_out_is_said(folder, tmp_path, caplog):
    caplog.set_level("INFO")
    main(config(folder, tmp_path))
    text = caplog.text
    for line in (
        "there is no such file",
        "3 of the 19 ten-twenty electrodes",
        "a line without file or subject",
        "a file that was named before",
        "1 columns not imported: comment",
        "labels.csv: taken for age: 'age_years'",
        "4 of 7 recordings left out",
        "next: python -m clef.pretrain",
    ):
        assert line in text, line


def test_several_sites_become_one_cohort_and_a_site_is_replaced(folder, tmp_path):
    main(config(folder, tmp_path))
    main(config(folder, tmp_path, site="there"))
    first, events = read_sessions(tmp_path), read_events(tmp_path)
    assert len(first) == 6 and set(first["site"]) == {"here", "there"} and first["subject_id"].n_unique() == 4
    (folder / "fewer.csv").write_text("file,subject,group\nc.edf,p2,x\n")
    main(config(folder, tmp_path, labels=folder / "fewer.csv", targets=["group"]))
    table, codes = read_sessions(tmp_path), read_events(tmp_path)["code"].to_list()
    assert table["session_id"].to_list() == ["there_a", "there_b", "there_c", "here_c"]
    assert "LABEL//here//group//x" in codes and not any("here//diagnosis" in c and "//here" in c for c in codes)
    assert sum("there" in c for c in codes) == events["code"].str.contains("there").sum()
    named = set(read_events(tmp_path)["session_id"].drop_nulls())
    assert named <= set(table["session_id"]) and {"there_a", "here_c"} <= named


def test_equal_names_get_different_ids(folder, tmp_path):
    write_edf(folder / "deep" / "a.edf", eeg(20))
    (folder / "twice.csv").write_text("file,subject\na.edf,p1\ndeep/a.edf,p2\n")
    main(config(folder, tmp_path, labels=folder / "twice.csv", targets=[]))
    assert read_sessions(tmp_path)["session_id"].to_list() == ["here_a", "here_a_2"]


def test_sessions_can_be_named(folder, tmp_path):
    (folder / "named.csv").write_text("file,subject,session\na.edf,p1,s001\nc.edf,p2,\n")
    main(config(folder, tmp_path, labels=folder / "named.csv", targets=[]))
    assert read_sessions(tmp_path)["session_id"].to_list() == ["here_s001", "here_c"]


def test_tables_keep_how_they_are_read(folder, tmp_path):
    from tokenizer.channels import CHANNELS

    pl.DataFrame(eeg(20, 128).T * 10, schema=list(CHANNELS), orient="row").write_csv(folder / "t.csv")
    (folder / "tables.csv").write_text("file,subject\nt.csv,p1\n")
    settings = config(folder, tmp_path, labels=folder / "tables.csv", targets=[], rate=128.0, unit="0.1uV")
    main(settings)
    row = read_sessions(tmp_path).row(0, named=True)
    assert json.loads(row["reading"]) == {"rate": 128.0, "unit": "0.1uV"}
    assert read_row(tmp_path, row).rate == 128


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "file,name\na.edf,p1\n",
            "no column 'subject'; the table has file, name; say which it is, as columns=.subject=NAME.",
        ),
        (
            'file,subject\na.edf,"Ann"a\n"',
            "not a CSV; on line 2 the quotes around cells do not come in pairs; expected a line of column names",
        ),
        (
            "file,subject,split\na.edf,p1,later\n",
            "split .column 'split'. is a value on line 2, which is something else than train, val, test",
        ),
        ("file,subject,split\na.edf,p1,test\nc.edf,p1,train\n", "two splits"),
        ("file,subject\nnowhere.edf,p1\n", "none of 1 recordings could be imported"),
        ("file,subject\n", "none of 0 recordings"),
    ],
)
def test_wrong_labels_stop_with_one_line(folder, tmp_path, text, said):
    (tmp_path / "wrong.csv").write_text(text)
    with pytest.raises(ValueError, match=said):
        main(config(folder, tmp_path / "out", labels=tmp_path / "wrong.csv", targets=[]))
    assert not (tmp_path / "out").exists()


def test_cells_of_a_table_without_its_header_line_are_not_repeated(folder, tmp_path):
    (tmp_path / "wrong.csv").write_text("a.edf,Anna Example,34\n")
    with pytest.raises(ValueError) as caught:
        main(config(folder, tmp_path / "out", labels=tmp_path / "wrong.csv", targets=[]))
    assert "Anna" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"root": Path("/nowhere")}, "no such folder"),
        ({"labels": Path("/nowhere.csv")}, "no such file"),
        ({"targets": ["diagnose"]}, "no column 'diagnose' among 9 .file, .*; did you mean 'diagnosis'"),
        ({"site": "a/b"}, "site='a/b'"),
    ],
)
def test_wrong_arguments_stop_with_one_line(folder, tmp_path, change, said):
    with pytest.raises(ValueError, match=said):
        main(config(folder, tmp_path / "out", **change))


def test_the_command(folder, tmp_path):
    run = lambda *args: subprocess.run(
        [sys.executable, "-m", "clef.importers.folder", *args], capture_output=True, text=True
    )
    arguments = (f"root={folder}", f"labels={folder / 'labels.csv'}", "site=here", f"out={tmp_path / 'c'}")
    done = run(*arguments, "targets=[diagnosis]")
    assert done.returncode == 0 and "3 sessions of 2 subjects from site here" in done.stderr
    wrong = run(*arguments, "unit=pV")
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1
