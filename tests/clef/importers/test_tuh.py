"""Trees laid out like the TUH corpora -> a cohort: splits, labels, headers, reports; a person has one split."""

import logging
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from benchmark.tasksets.labelling import Records, label_sessions
from benchmark.tasksets.suites import read_suite
from clef.cohort import read_events, read_reports
from clef.importers.tuh.importer import TUHImport, main
from clef.importers.tuh.layout import start_time
from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.reading.read import read_row
from tokenizer.sessions import read_sessions, split_of, subject_number

LINKED_EARS = [f"EEG {name.upper()}-LE" for name in CHANNELS]
OTHERS = ["EEG A1-LE", "EEG EKG-LE", "PHOTIC PH", "DC1-DC", "BURSTS", "SUPPR", "EEG 27-LE", "PULSE RATE"]


def recording(path: Path, sex: str = "F", age: str = "42", year: str = "2012", seconds: int = 12, **settings) -> Path:
    """A recording with a header as TUH writes it since 2024: the day and the time of the start are placeholders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.name.split("_")[0]
    header = {
        "patient": f"{name} {sex} 01-JAN-0000 {name} Age:{age}",
        "recording": f"Startdate 01-JAN-{year} {path.stem[:13]} XXX X",
        "start": "01.01.8500.00.00",
    }
    data = settings.pop("data", None)
    return write_edf(path, eeg(seconds, seed=sum(path.name.encode())) if data is None else data, **(header | settings))


def make_tree(root: Path, subjects: int, seconds: int = 30) -> None:
    """A corpus like TUAB v2.0.0, the last with reports: a third of the people in eval, some of train will be val.

    In each split every second person is abnormal, and of the sex and about the age of the one before.
    """
    splits = [("train", "test", "train", "val", "train", "test")[i % 6] for i in range(subjects)]
    for i, (name, split) in enumerate(zip(names(splits), splits, strict=True)):
        pair, abnormal = divmod(splits[:i].count(split), 2)
        pathology = ("normal", "abnormal")[abnormal]
        visit = f"s001_20{10 + i % 6}_03_{1 + i % 28:02d}"
        part = "eval" if split == "test" else "train"
        folder = root / "edf" / part / pathology / "01_tcp_ar" / name[2:5] / name / visit
        person = {"sex": "FM"[pair % 2], "age": str(30 + pair % 40 + abnormal)}
        recording(folder / f"{name}_s001_t000.edf", data=eeg(seconds, seed=i), **person)
        finding = ("Posterior rhythm of 10 Hz.", "Diffuse slowing of the background.")[abnormal]
        report = f"DESCRIPTION OF THE RECORD:\n{finding}\nIMPRESSION: {pathology} EEG.\n"
        (folder / f"{name}_s001.txt").write_text(report)
    (root / "_AAREADME.txt").write_text("File: _AAREADME.txt\n")


def names(splits: list[str]) -> list[str]:
    """Names of people whom the seeded share puts where `splits` says; those of eval, test, are free."""
    chosen, number = [], 0
    while len(chosen) < len(splits):
        name, number = f"{number:08d}", number + 1
        if splits[len(chosen)] in ("test", split_of(subject_number("tuh", name), 0, 0.9, 1.0)):
            chosen.append(name)
    return chosen


def run(root: Path, out: Path, **settings) -> pl.DataFrame:
    main(TUHImport(root=root, out=out, workers=2, **settings))
    return read_sessions(out)


@pytest.fixture(scope="module")
def tuab(tmp_path_factory) -> Path:
    """A tree like TUAB v3.0.1. The person aaaaaaaq is in train with a normal and an abnormal recording of one year."""
    root = tmp_path_factory.mktemp("abnormal") / "v3.0.1"
    recording(root / "edf/train/normal/01_tcp_ar/aaaaaaaq_s004_t000.edf", "F", "42", "2012")
    recording(root / "edf/train/abnormal/01_tcp_ar/aaaaaaaq_s005_t001.edf", "F", "43", "2012")
    for i, name in enumerate(("aaaaaaav", "aaaaaabb", "aaaaaacc", "aaaaaadd", "aaaaaaee", "aaaaaaff", "aaaaaagg")):
        folder = ("normal", "abnormal")[i % 2]
        recording(root / f"edf/train/{folder}/01_tcp_ar/{name}_s001_t000.edf", "M", str(20 + i))
    recording(root / "edf/eval/normal/01_tcp_ar/aaaaamye_s001_t000.edf", "F", "999", "2013")
    recording(root / "edf/eval/abnormal/01_tcp_ar/aaaaamyf_s002_t000.edf", "X", "0", "2013")
    for name in ("AAREADME.txt", "DOCS/electrodes.pdf", "DOCS/example.edf"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("not a recording")
    return root


@pytest.fixture(scope="module")
def tueg(tmp_path_factory) -> Path:
    """A tree like TUEG v2.0.1, in which two people of the TUAB tree stand again, one of its train, one of its eval."""
    root = tmp_path_factory.mktemp("eeg") / "v2.0.1"
    for visit in ("000/aaaaaaaq/s004_2012", "001/aaaaamye/s001_2013"):
        _, subject, session = visit.split("/")
        for token in ("t000", "t001"):
            recording(root / "edf" / visit / f"01_tcp_ar/{subject}_{session[:4]}_{token}.edf", year=session[5:])
    data = [*eeg(12), *eeg(12, channels=len(OTHERS), seed=5)]
    path = root / "edf/000/aaaaaaab/s001_2002/02_tcp_le/aaaaaaab_s001_t000.edf"
    recording(path, age="0.0109", year="2002", data=data, labels=[*LINKED_EARS, *OTHERS])
    path.with_suffix(".lbl").write_text("x")
    return root


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
    records = Records(run(tuab, tmp_path), read_events(tmp_path))
    (task,) = read_suite("labels", records.codes)
    assert task.task == "LABEL//tuab//pathology//abnormal"
    abnormal = records.sessions.filter(pl.col("path").str.contains("/abnormal/"))["session_id"]
    assert set(records.cases(task)) == set(abnormal), "the normal recording of a person who has both is no case"
    assert label_sessions(records, task, 0)["label"].sum() == 5


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


def test_what_lies_above_edf_may_have_any_name(tueg, tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "normal").symlink_to(tueg)
    assert set(run(tmp_path, tmp_path / "out")["site"]) == {"tueg"}


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


def test_nothing_of_the_header_but_sex_age_and_year_is_kept(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    patient = "00008616 F 17-MAY-1933 Secretname Age:79"
    path = tmp_path / "tree/edf/000/aaaaaaaa/s001_2012/01_tcp_ar/aaaaaaaa_s001_t000.edf"
    recording(path, patient=patient, recording="Startdate 22-FEB-2012 Secretname X X", start="22.02.1212.37.22")
    table = run(tmp_path / "tree", tmp_path / "out")
    assert table["age"].to_list() == [79] and table["sex"].to_list() == ["F"]
    written = b"".join(f.read_bytes() for f in (tmp_path / "out").rglob("*") if f.is_file())
    for secret in ("Secretname", "1933", "MAY", "00008616"):
        assert secret.encode() not in written and secret not in caplog.text
    assert not read_events(tmp_path / "out")["code"].str.contains("BIRTH").any()


def test_dates():
    assert str(start_time("2015_12_30", "s007")) == "2015-12-30 00:00:00"
    assert [str(start_time("2015", s))[:10] for s in ("s001", "s002", "s180")] == [
        *("2015-01-01", "2015-01-03", "2015-12-25"),
    ]
    assert start_time("2015", "s999").year == 2015
    assert start_time("0000", "s001") is None and start_time("2015_02_31", "s001") is None
    assert start_time(None, "s001") is None


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


def test_what_is_left_out_is_said(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    edf = tmp_path / "tree" / "edf"
    recording(edf / "000/aaaaaaaa/s001_2015/01_tcp_ar/aaaaaaaa_s001_t000.edf")
    recording(edf / "000/aaaaaaaa/s001_2015/03_tcp_ar_a/aaaaaaaa_s001_t000.edf")
    recording(edf / "000/aaaaaaab/s001_2015/01_tcp_ar/aaaaaaab_s001_t000.edf", data=eeg(12, channels=3))
    recording(edf / "000/aaaaaaac/s001_2015/01_tcp_ar/aaaaaaac_s001_t000.edf", seconds=3)
    recording(edf / "000/aaaaaaad/s001_2015/01_tcp_ar/bckg_000_a_.edf")
    recording(edf / "train/normal/01_tcp_ar/aaaaaaae_s001_t000.edf")
    recording(edf / "normal/01_tcp_ar/aaaaaaaf_s001_t000.edf")
    (edf / "000/aaaaaaaa/again").symlink_to(edf)
    table = run(tmp_path / "tree", tmp_path / "out", corpus="tueg", site="here")
    assert table["session_id"].to_list() == ["here_aaaaaaaa_s001_t000"]
    for line in (
        "found in another folder",
        "3 of the 19 ten-twenty electrodes",
        "3.0 s of signal",
        "edf/000/aaaaaaad/s001_2015/01_tcp_ar/bckg_000_a_.edf): its name is not SUBJECT_sNNN_tNNN.edf",
        "left out 2 (edf/normal",
        "its folders are those of tuab, not of tueg",
        "6 of 7 recordings left out",
    ):
        assert line in caplog.text, line
    assert str(tmp_path / "tree") not in caplog.text


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


def test_the_command(tuab, tmp_path):
    command = [sys.executable, "-m", "clef.importers.tuh"]
    run = lambda *args: subprocess.run([*command, *args], capture_output=True, text=True)
    done = run(f"root={tuab}", f"out={tmp_path / 'c'}")
    assert done.returncode == 0 and "11 sessions of 10 subjects from site tuab" in done.stderr
    assert "tuab: 11 recordings of 11 sessions of 10 people" in done.stderr
    wrong = run(f"root={tuab}", f"out={tmp_path / 'c'}", "corpus=tuh")
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1
