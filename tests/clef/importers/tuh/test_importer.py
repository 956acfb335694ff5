"""Trees laid out like the TUH corpora -> a cohort: splits, labels, headers, reports; a person has one split."""

import logging
from pathlib import Path

import polars as pl
import pytest

from benchmark.tasksets.labelling import EventIndex, label_sessions
from benchmark.tasksets.suites import read_suite
from clef.cohort import read_events, read_reports
from tests.clef.importers.tuh.tree import make_tree, recording, run
from tokenizer.reading.read import read_row
from tokenizer.sessions import read_sessions, split_of, subject_number


def test_tuab(tuab, tmp_path):
    table = run(tuab, tmp_path)
    row = {r["session_id"]: r for r in table.iter_rows(named=True)}
    assert len(table) == 11 and set(table["site"]) == {"tuab"}
    assert row["tuab_aaaaaaaq_s004_t000"]["subject_id"] == subject_number("tuh", "aaaaaaaq")
    assert row["tuab_aaaaaaaq_s004_t000"]["age"] == 42 and row["tuab_aaaaaaaq_s004_t000"]["sex"] == "F"
    assert row["tuab_aaaaamye_s001_t000"]["age"] == 90, "999 stands for 90 and more"
    assert row["tuab_aaaaamyf_s002_t000"]["age"] is None and row["tuab_aaaaamyf_s002_t000"]["sex"] is None
    assert row["tuab_aaaaamyf_s002_t000"]["start_time"].year == 2013
    events = read_events(tmp_path).filter(pl.col("code").str.starts_with("LABEL"))
    labels = {r["session_id"]: Path(r["path"]).parts[-3] for r in row.values()}
    for name, r in row.items():
        own = events.filter((pl.col("subject_id") == r["subject_id"]) & (pl.col("time") == r["start_time"]))
        assert own["code"].to_list() == [f"LABEL//tuab//pathology//{labels[name]}"]


def test_eval_is_test_whole_and_nobody_is_in_two_splits(tuab, tmp_path):
    table = run(tuab, tmp_path)
    part = table["path"].map_elements(lambda p: Path(p).parts[-4], pl.String)
    assert set(table.filter(part == "eval")["split"]) == {"test"}
    assert set(table.filter(part == "train")["split"]) <= {"train", "val"}
    assert (table.group_by("subject_id").agg(pl.col("split").n_unique())["split"] == 1).all()


@pytest.mark.parametrize(("share", "splits"), [(0.0, {"train"}), (0.999, {"val"})])
def test_share_of_val(tuab, tmp_path, share, splits):
    table = run(tuab, tmp_path, val_share=share)
    assert set(table["split"]) == splits | {"test"}


def test_the_benchmark_asks_for_abnormal_recordings(tuab, tmp_path):
    index = EventIndex(run(tuab, tmp_path), read_events(tmp_path))
    (task,) = read_suite("labels", index.codes)
    assert task.task == "LABEL//tuab//pathology//abnormal"
    abnormal = index.sessions.filter(pl.col("path").str.contains("/abnormal/"))["session_id"]
    assert set(index.sessions["session_id"].filter(pl.Series(index.cases(task)))) == set(abnormal), (
        "the normal recording of a person who has both is no case"
    )
    assert label_sessions(index, task, 0)["label"].sum() == 5


def test_tueg(tueg, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    table = run(tueg, tmp_path)
    assert table["session_id"].to_list() == [
        *("tueg_aaaaaaab_s001_t000", "tueg_aaaaaaaq_s004_t000", "tueg_aaaaaaaq_s004_t001"),
        *("tueg_aaaaamye_s001_t000", "tueg_aaaaamye_s001_t001"),
    ]
    assert table["split"].to_list() == [split_of(s) for s in table["subject_id"]]
    assert table["age"][0] == pytest.approx(0.0109) and not read_events(tmp_path)["code"].str.contains("LABEL").any()
    assert [str(t)[:4] for t in table["start_time"]] == ["2002", "2012", "2012", "2013", "2013"]
    session = read_row(tmp_path, table.row(0, named=True))
    assert session.channel_ok.all() and session.channels_in_file == 27
    for line in ("tueg: 5 recordings of 3 sessions of 3 people", "01_tcp_ar 4, 02_tcp_le 1", "no reports", "1 .lbl"):
        assert line in caplog.text, line


def test_a_person_of_two_corpora_stands_in_one_split(tuab, tueg, tmp_path):
    run(tuab, tmp_path)
    table = run(tueg, tmp_path)
    split = dict(table.filter(pl.col("site") == "tuab").select("subject_id", "split").iter_rows())
    for subject in ("aaaaaaaq", "aaaaamye"):
        rows = table.filter((pl.col("site") == "tueg") & (pl.col("subject_id") == subject_number("tuh", subject)))
        assert set(rows["split"]) == {split[subject_number("tuh", subject)]}
    before = read_events(tmp_path)
    assert run(tueg, tmp_path).equals(table) and read_events(tmp_path).equals(before), "labels of TUAB stay"
    again = run(tuab, tmp_path)
    assert again.sort("session_id").equals(table.sort("session_id")) and read_events(tmp_path).equals(before)
    recording(tmp_path / "new/edf/train/abnormal/01_tcp_ar/aaaaaaaq_s004_t000.edf")
    run(tmp_path / "new", tmp_path)
    labels = read_events(tmp_path)["code"].filter(read_events(tmp_path)["code"].str.contains("LABEL"))
    assert labels.to_list() == ["LABEL//tuab//pathology//abnormal"], "labels of the replaced rows go"


def test_a_corpus_that_disagrees_with_the_cohort_is_refused(tuab, tueg, tmp_path):
    seed = next(s for s in range(99) if split_of(subject_number("tuh", "aaaaamye"), s) != "test")
    before = run(tueg, tmp_path, seed=seed)
    with pytest.raises(ValueError, match="import sites with official splits first"):
        run(tuab, tmp_path, seed=seed)
    assert read_sessions(tmp_path).equals(before)


def test_old_releases_have_dates_and_reports(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    make_tree(tmp_path / "tree", 12, seconds=12)
    table = run(tmp_path / "tree", tmp_path / "out")
    assert table["split"].value_counts().sort("split").rows() == [("test", 4), ("train", 6), ("val", 2)]
    assert str(table.sort("session_id")["start_time"][0]).endswith("00:00:00") and table["start_time"].n_unique() == 12
    reports = read_reports(tmp_path / "out")
    assert len(reports) == 12 and reports["text"].str.contains("IMPRESSION").all()
    assert "12 reports" in caplog.text and "IMPRESSION" not in caplog.text and "AAREADME" not in caplog.text


def test_a_report_belongs_to_the_longest_recording_of_its_session(tmp_path):
    visit = tmp_path / "edf/01_tcp_ar/002/00000258/s002_2003_07_21"
    for token, seconds in (("t000", 12), ("t001", 20), ("t002", 20)):
        recording(visit / f"00000258_s002_{token}.edf", seconds=seconds)
    recording(visit.parent / "s003_2003_07_22/00000258_s003_t000.edf")
    (visit / "00000258_s002.txt").write_bytes("CLINICAL HISTORY: très secret".encode("latin-1"))
    table = run(tmp_path, tmp_path / "out")
    assert read_reports(tmp_path / "out").rows() == [
        ("tueg_00000258_s002_t001", "CLINICAL HISTORY: très secret", None, None)
    ]
    assert [str(t)[:10] for t in table["start_time"]] == ["2003-07-21"] * 3 + ["2003-07-22"]
    for file in (tmp_path / "out").rglob("*"):
        if file.is_file() and file.name != "reports.parquet":
            assert b"secret" not in file.read_bytes()


def test_tusz(tmp_path):
    lines = "# version = csv_v1.0.0\n# note, seiz\n#\nchannel,start_time,stop_time,label,confidence\n"
    for file, label in (
        ("train/aaaaaaac/s001_2002/02_tcp_le/aaaaaaac_s001_t000", "seiz"),
        ("train/aaaaaaac/s001_2002/02_tcp_le/aaaaaaac_s001_t001", "bckg"),
        ("dev/aaaaaaad/s001_2003/02_tcp_le/aaaaaaad_s001_t000", "bckg"),
        ("dev/aaaaaaae/s001_2003/02_tcp_le/aaaaaaae_s001_t000", None),
        ("eval/aaaaaaaq/s007_2014/01_tcp_ar/aaaaaaaq_s007_t000", "seiz"),
    ):
        path = recording(tmp_path / f"edf/{file}.edf", start="01:01:8500.00.00")  # a file of v2.0.3 has such a date
        if label:
            path.with_suffix(".csv_bi").write_text(f"{lines}TERM,0.0000,12.0000,{label},1.0000\n")
    table = run(tmp_path, tmp_path / "out")
    assert table["split"].to_list() == ["val", "val", "test", "train", "train"]
    events = read_events(tmp_path / "out").filter(pl.col("code").str.contains("LABEL")).select("subject_id", "code")
    label = {
        subject_number("tuh", s): f"LABEL//tusz//seizure_in_session//{v}"
        for s, v in (("aaaaaaac", "yes"), ("aaaaaaad", "no"), ("aaaaaaaq", "yes"))
    }
    assert dict(events.iter_rows()) == label, "an unannotated session has no label"
    assert read_row(tmp_path / "out", table.row(2, named=True)).seconds == 12


def test_tuep(tmp_path):
    """The label is the person's, in the folders of either release; there is no official split."""
    for file in (
        "00_epilepsy/aaaaaanr/s001_2003/02_tcp_le/aaaaaanr_s001_t000",
        "00_epilepsy/aaaaaanr/s002_2004/01_tcp_ar/aaaaaanr_s002_t000",
        "01_no_epilepsy/aaaaaebo/s001_2006/01_tcp_ar/aaaaaebo_s001_t000",
        "edf/no_epilepsy/01_tcp_ar/012/00001278/s001_2010_02_11/00001278_s001_t000",
    ):
        recording(tmp_path / f"tuep/{file}.edf")
    table = run(tmp_path / "tuep", tmp_path / "out")
    assert table["site"].unique().to_list() == ["tuep"] and len(table) == 4
    events = read_events(tmp_path / "out").filter(pl.col("code").str.contains("LABEL"))
    label = {
        subject_number("tuh", s): f"LABEL//tuep//epilepsy//{v}"
        for s, v in (("aaaaaanr", "yes"), ("aaaaaebo", "no"), ("00001278", "no"))
    }
    assert dict(events.select("subject_id", "code").iter_rows()) == label and len(events) == 4
    with pytest.raises(ValueError, match="01_no_epilepsy/ is a part of a corpus"):
        run(tmp_path / "tuep/01_no_epilepsy", tmp_path / "part")


def test_wrong_trees_stop_with_one_line(tuab, tmp_path):
    moved = recording(tmp_path / "moved/edf/train/normal/01_tcp_ar/aaaaaaaa_s001_t000.edf").parent
    recording(tmp_path / "moved/edf/eval/normal/01_tcp_ar/aaaaaaaa_s002_t000.edf")
    recording(tmp_path / "both/edf/000/aaaaaaaa/s001_2015/01_tcp_ar/aaaaaaaa_s001_t000.edf")
    recording(tmp_path / "both/edf/eval/normal/01_tcp_ar/aaaaaaaa_s001_t000.edf")
    (tmp_path / "empty").mkdir()
    for root, settings, said in (
        (tmp_path / "nowhere", {}, "no such folder"),
        (tmp_path / "empty", {}, "holds no EDF file"),
        (moved.parent.parent, {}, "train/ is a part of a corpus"),
        (tmp_path / "moved", {}, r"a person \(edf/train.* stands in eval/ and in train/"),
        (tmp_path / "both", {}, r"several corpora, tueg \(1 recordings\), tuab \(1 recordings\); give corpus="),
        (tuab, {"corpus": "tueg"}, "none of 11 recordings could be imported"),
        (tuab, {"val_share": 1.0}, "val_share=1.0"),
    ):
        with pytest.raises(ValueError, match=said):
            run(root, tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()
    assert len(run(tmp_path / "both", tmp_path / "out", corpus="tuab")) == 1
