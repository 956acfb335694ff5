"""An EEG-BIDS tree -> a cohort: what is found, whose it is, what its tables say, what is left out and said."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clef.cohort import read_code_descriptions, read_events
from clef.importers.bids.importer import BidsImport, main
from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import LABELS, eeg, write_edf
from tokenizer.reading.read import read_row
from tokenizer.sessions import read_sessions, subject_number

SITE = "sma-hjerner"


def make_tree(root: Path, subjects: int, seconds: int = 30) -> None:
    """An EEG-BIDS tree of `subjects` people, half of them patients; every third was there twice.

    Columns for `targets=[group,phenotype/moca.total]`, `icd10=[diagnosis]` and `atc=[drugs]`. Of 12 people, two matched
    pairs at least stand in train and in test.
    """
    root.mkdir(parents=True, exist_ok=True)
    write_json(root / "dataset_description.json", Name="Små hjerner", BIDSVersion="1.10.0", DatasetType="raw")
    write_json(
        root / "participants.json",
        age={"Units": "years"},
        sex={"Levels": {"1": "male", "2": "female"}},
        group={"Levels": {"patient": "epilepsy, by two neurologists", "control": {"Description": "no disease"}}},
    )
    write_json(root / "task-rest_eeg.json", SamplingFrequency=200, RecordingType="continuous", EEGReference="Cz")
    people, moca = ["participant_id\tage\tsex\tgroup\tdiagnosis\tdrugs\thand"], ["participant_id\ttotal"]
    for number in range(1, subjects + 1):
        person, ill = f"sub-{number:02d}", number // 2 % 2
        codes = "patient\tG40.909; F32.9\tN03AX14" if ill else "control\tG43.009\tn/a"
        people.append(f"{person}\t{40 + number % 5}\t{1 + number % 3 // 2}\t{codes}\tright")
        moca.append(f"{person}\t{20 + number % 3}")
        for visit in ("ses-01", "ses-02") if number % 3 == 0 else ("ses-01",):
            add_visit(root, f"{person}_{visit}", seconds, f"2021-{visit[-2:]}-{1 + number % 28:02d}T09:30:00")
    write_lines(root / "participants.tsv", people)
    write_lines(root / "phenotype" / "moca.tsv", moca)


def add_visit(root: Path, name: str, seconds: int = 12, time: str | None = None, task: str = "rest") -> Path:
    """Write one recording to its place in the tree, `name` as sub-01 or sub-01_ses-02; with `time`, a scans.tsv."""
    folder = root.joinpath(*name.split("_"))
    (folder / "eeg").mkdir(parents=True, exist_ok=True)
    seed = int.from_bytes(name.encode(), "big") % 2**32
    path = write_edf(folder / "eeg" / f"{name}_task-{task}_eeg.edf", eeg(seconds, seed=seed))
    if time:
        write_lines(folder / f"{name}_scans.tsv", ["filename\tacq_time", f"eeg/{path.name}\t{time}"])
    return path


def write_lines(path: Path, lines: list[str], encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def write_json(path: Path, **fields) -> None:
    path.write_text(json.dumps(fields), encoding="utf-8")


def write_brainvision(path: Path, data: np.ndarray) -> Path:
    """Header, markers and samples: three files. `data` (19, n) in µV at 200 Hz."""
    head = "Brain Vision Data Exchange {} File, Version 1.0\n[Common Infos]\nCodepage=UTF-8\n"
    head += f"DataFile={path.stem}.eeg\n"
    layout = f"MarkerFile={path.stem}.vmrk\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\nNumberOfChannels=19\n"
    layout += "SamplingInterval=5000\n[Binary Infos]\nBinaryFormat=INT_16\n[Channel Infos]\n"
    channels = "\n".join(f"Ch{i}={name},,0.1,µV" for i, name in enumerate(CHANNELS, 1))
    path.write_text(head.format("Header") + layout + channels + "\n", encoding="utf-8")
    marks = "[Marker Infos]\nMk1=New Segment,,1,1,0,20210203123000000000\n"
    path.with_suffix(".vmrk").write_text(head.format("Marker").replace("Header", "Marker") + marks, encoding="utf-8")
    np.round(data.T * 10).astype("<i2").tofile(path.with_suffix(".eeg"))
    return path


def imported(root: Path, out: Path, **settings) -> pl.DataFrame:
    """The session table after an import."""
    main(BidsImport(root=root, out=out, **{"site": "here", "workers": 1} | settings))
    return read_sessions(out)


def codes_of(out: Path, person: str, site: str = "here") -> list[str]:
    return read_events(out).filter(pl.col("subject_id") == subject_number(site, person))["code"].to_list()


# ---- whole trees
@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    make_tree(root := tmp_path_factory.mktemp("trees") / "Müller (2021)", 6, 12)
    return root


def test_a_tree_becomes_sessions(tree, tmp_path, caplog):
    caplog.set_level("INFO")
    table = imported(tree, tmp_path, site=None)
    visits = ((1, 1), (2, 1), (3, 1), (3, 2), (4, 1), (5, 1), (6, 1), (6, 2))
    names = [f"sub-0{person}_ses-0{visit}" for person, visit in visits]
    assert table["session_id"].to_list() == [f"{SITE}_{name}_task-rest" for name in names]
    assert table["subject_id"].to_list() == [subject_number(SITE, name[:6]) for name in names]
    assert table["age"].to_list() == [41, 42, 43, 43, 44, 40, 41, 41]
    assert table["sex"].to_list() == ["M", "F", "M", "M", "M", "F", "M", "M"]
    assert [str(t) for t in table["start_time"][2:4]] == ["2021-01-04 09:30:00", "2021-02-04 09:30:00"]
    assert set(table["site"]) == {SITE} and read_row(tmp_path, table.row(0, named=True)).seconds == 12
    for line in (
        f"site: {SITE}, from the Name",
        "found 8 recordings of 6 people: .edf 8; tasks: rest 8",
        "start times: 8 of 8 recordings",
        "participants.tsv: 4 columns not imported: group, diagnosis, drugs, hand",
        "phenotype/: 1 tables not imported: moca.tsv",
        "0 of 8 recordings left out",
    ):
        assert line in caplog.text, line
    assert caplog.messages[-1].startswith("next: ")


def test_columns_become_events(tree, tmp_path):
    asked = {"targets": ["group", "phenotype/moca.total"], "icd10": ["diagnosis"], "atc": ["drugs"]}
    imported(tree, tmp_path, **asked)
    labels = ["LABEL//here//group//patient", "LABEL//here//moca.total//20"]
    assert codes_of(tmp_path, "sub-03") == sorted(
        ["ATC//N03AX14", "GENDER//M", "ICD10CM//F32.9", "ICD10CM//G40.909", *labels]
    )
    assert "LABEL//here//group//control" in codes_of(tmp_path, "sub-01")
    assert not any(code.startswith("ATC") for code in codes_of(tmp_path, "sub-01"))
    assert read_events(tmp_path)["time"].null_count() == len(read_events(tmp_path))  # facts about people
    assert read_code_descriptions(tmp_path) == {
        "LABEL//here//group//patient": "epilepsy, by two neurologists",
        "LABEL//here//group//control": "no disease",
    }


def test_twelve_people_make_a_benchmark(tmp_path):
    """All three splits, and in train and test two patients with controls of their sex and age."""
    from benchmark.build import BuildConfig
    from benchmark.build import main as build

    make_tree(tmp_path / "tree", 12, 10)
    table = imported(tmp_path / "tree", tmp_path / "out", site=None, targets=["group"])
    assert set(table["split"]) == {"train", "val", "test"}
    build(BuildConfig(cohort=tmp_path / "out", out=tmp_path / "tasks.parquet", suite="labels", min_cases=2))
    tasks = pl.read_parquet(tmp_path / "tasks.parquet")
    assert set(tasks["task"]) == {f"LABEL//{SITE}//group//patient"}


# ---- a tree that mne-bids wrote
@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Three people, one in each of three formats; the third anonymised, his dates shifted."""
    import mne
    from mne_bids import BIDSPath, write_raw_bids

    folder = tmp_path_factory.mktemp("written")
    data = eeg(12)
    sources = {
        "01": write_edf(folder / "a.edf", data, labels=list(CHANNELS)),
        "02": write_brainvision(folder / "b.vhdr", data),
        "03": write_edf(folder / "c.edf", data, labels=list(CHANNELS)),
    }
    for subject, source in sources.items():
        raw = mne.io.read_raw(source, verbose="error")
        raw.set_channel_types(dict.fromkeys(raw.ch_names, "eeg"), verbose="error")
        raw.info["line_freq"] = 50
        raw.info["subject_info"] = {"his_id": "x", "birthday": datetime(1980, 2, 1).date(), "sex": int(subject) % 2 + 1}
        shift = {"anonymize": {"daysback": 40_000}, "format": "BDF", "allow_preload": True} if subject == "03" else {}
        path = BIDSPath(subject=subject, session="pre", task="rest", run="1", datatype="eeg", root=folder / "tree")
        write_raw_bids(raw.load_data(verbose="error") if shift else raw, path, verbose="error", **shift)
    return folder / "tree"


def test_what_mne_bids_wrote_is_found_and_read(written, tmp_path, caplog):
    from mne_bids import find_matching_paths

    caplog.set_level("INFO")
    table = imported(written, tmp_path)
    theirs = find_matching_paths(written, datatypes="eeg", suffixes="eeg", extensions=[".edf", ".bdf", ".vhdr"])
    assert table["path"].to_list() == [str(path.fpath) for path in theirs]
    assert [Path(path).suffix for path in table["path"]] == [".edf", ".vhdr", ".bdf"]
    assert table["session_id"].to_list() == [f"here_{path.basename.rpartition('_eeg')[0]}" for path in theirs]
    assert table["sex"].to_list() == ["F", "M", None] and table["age"].to_list()[:2] == [41, 41]
    assert table["start_time"].to_list() == [datetime(2021, 2, 3, 12, 30), datetime(2021, 2, 3, 12, 30), None]
    assert "1 times are shifted (before 1925)" in caplog.text and "cannot be read" not in caplog.text
    first, *others = [read_row(tmp_path, row) for row in table.to_dicts()]
    for session in others:
        np.testing.assert_allclose(session.signal, first.signal, atol=0.2)


# ---- what is left out
def test_what_is_left_out_is_said(tmp_path, caplog):
    caplog.set_level("INFO")
    root = tmp_path / "tree"
    add_visit(root, "sub-01")
    add_visit(root, "sub-01", task="oddball")
    folder = root / "sub-01" / "eeg"
    recording = (folder / "sub-01_task-rest_eeg.edf").read_bytes()
    for name in (
        "sub-01_task-rest_eeg.bdf",  # the same once more
        "sub-01_task-long_split-01_eeg.edf",
        "sub-01_task-long_split-02_eeg.edf",
        "sub-01_task-long_split-03_eeg.edf",
        "sub-01_task-rest_desc-clean_eeg.edf",
        "sub-02_task-rest_eeg.edf",
        "sub-01_ses-01_task-rest_eeg.edf",
        "sub-01_task-rest_eeg.edf.gz",
        "sub-01_task-packed_eeg.edf.gz",
        "sub-01_task-night_eeg.eeg",
        "sub-01_task-bare.edf",
        "._sub-01_task-rest_eeg.edf",
        "sub-01_run-1_task-swapped_eeg.EDF",
        "sub-01_task-damaged_eeg.edf",
    ):
        (folder / name).write_bytes(b"damaged" if "damaged" in name else recording)
    (root / "sub-01" / "sub-01_task-rest_eeg.edf").write_bytes(recording)
    write_json(folder / "sub-01_task-orphan_eeg.json", RecordingType="continuous")
    for other in ("sub-01/anat", "sub-02/meg", "derivatives/clean/sub-01/eeg"):
        (root / other).mkdir(parents=True)
    (root / "derivatives" / "clean" / "sub-01" / "eeg" / "sub-01_desc-clean_eeg.edf").write_bytes(recording)
    table = imported(root, tmp_path / "out", tasks=["rest", "long", "swapped", "damaged"])
    names = ["sub-01_run-1_task-swapped", "sub-01_task-long", "sub-01_task-rest"]
    assert table["session_id"].to_list() == [f"here_{name}" for name in names]
    for line in (
        "left out 2 (sub-01/eeg/sub-01_task-rest_eeg.bdf, …): the same recording in another format",
        "left out 2 (sub-01/eeg/sub-01_task-long_split-02_eeg.edf, …): a later part",
        "(sub-01/eeg/sub-01_task-rest_desc-clean_eeg.edf): a processed copy",
        "left out 2 (sub-01/eeg/sub-01_ses-01_task-rest_eeg.edf, …): its name and its folder name different people",
        "(sub-01/eeg/sub-01_task-packed_eeg.edf.gz): .edf.gz is no format of EEG-BIDS",
        "(sub-01/eeg/sub-01_task-night_eeg.eeg): part of a recording whose main file is not there",
        "(sub-01/eeg/sub-01_task-bare.edf): its name does not end in _eeg",
        "(sub-01/sub-01_task-rest_eeg.edf): not in a folder named eeg",
        "(sub-01/eeg/sub-01_task-oddball_eeg.edf): a task that is not in tasks=",
        "(sub-01/eeg/sub-01_task-damaged_eeg.edf): holds 7 bytes",
        "1 names are not as BIDS wants them (sub-01_run-1_task-swapped)",
        "folders of other data, not imported: anat 1, meg 1",
        "derivatives: 1 recordings, not imported",
        "1 people have no EEG",
        "participants.tsv: there is none",
        "13 of 16 recordings left out",
    ):
        assert line in caplog.text, line


def test_content_that_is_not_fetched_is_named_so(tmp_path, caplog):
    caplog.set_level("INFO")
    root = tmp_path / "tree"
    add_visit(root, "sub-01")
    folder = root / "sub-01" / "eeg"
    write_brainvision(folder / "sub-01_task-bv_eeg.vhdr", eeg(12))
    write_brainvision(folder / "sub-01_task-half_eeg.vhdr", eeg(12))
    for file in [*folder.glob("*task-bv*"), folder / "sub-01_task-rest_eeg.edf"]:  # fetched: a link to its content
        key = root / ".git" / "annex" / "objects" / f"MD5E-{file.name}" / f"MD5E-key{file.suffix}"
        key.parent.mkdir(parents=True)
        file.rename(key)
        file.symlink_to(key)
    (folder / "sub-01_task-half_eeg.eeg").unlink()
    for name in ("sub-01_task-half_eeg.eeg", "sub-01_task-away_eeg.edf"):
        (folder / name).symlink_to(f"../../.git/annex/objects/aa/MD5E-s1/{name}")
    (folder / "sub-01_task-moved_eeg.edf").symlink_to("../../elsewhere.edf")
    (folder / "sub-01_task-pointer_eeg.edf").write_text("/annex/objects/MD5E-s1--aa.edf\n")
    (folder / "sub-01_task-two_eeg.edf").symlink_to("../../.git/annex/objects/aa/MD5E-s1/two.edf")
    (folder / "sub-01_task-two_eeg.BDF").write_bytes((folder / "sub-01_task-rest_eeg.edf").read_bytes())
    table = imported(root, tmp_path / "out")
    assert [i.rpartition("-")[2] for i in table["session_id"]] == ["bv", "rest", "two"]
    assert [read_row(tmp_path / "out", row).seconds for row in table.to_dicts()] == [12, 12, 12]
    assert "left out 3 (sub-01/eeg/sub-01_task-away_eeg.edf, …): content not fetched: run `datalad get`" in caplog.text
    assert "(sub-01/eeg/sub-01_task-moved_eeg.edf): a link to a file that is not there" in caplog.text


# ---- tables
def test_tables_as_people_write_them(tmp_path, caplog):
    caplog.set_level("INFO")
    root = tmp_path / "tree"
    for number in range(1, 8):
        add_visit(root, f"sub-0{number}")
    lines = ["\ufeffParticipant_ID\t AGE \tGender\tGroup\t", 'sub-01\t408\t"F"\tx\t\t', "02\tn/a\tFemale\t x "]
    lines += ["sub-03\tolder", "sub-04\t12\tm\tx\r", "", "sub-06\t1068+\tdivers\tN/A"]
    lines += [f"sub-05\t{age}\tm\t{group}" for age, group in (("12", "x"), ("n/a", "y"), ("12", "x"))]
    write_lines(root / "participants.tsv", lines)
    write_json(root / "participants.json", AGE={"Units": "months"}, Gender="said elsewhere")
    table = imported(root, tmp_path / "out", targets=["Group"])
    assert table["age"].to_list() == [34, None, None, 1, 1, None, None]
    assert table["sex"].to_list() == ["F", "F", None, "M", "M", None, None]
    labels = [[c for c in codes_of(tmp_path / "out", f"sub-0{i}") if "LABEL" in c] for i in range(1, 8)]
    assert labels == [["LABEL//here//Group//x"]] * 2 + [[]] + [["LABEL//here//Group//x"]] + [[]] * 3
    for line in (
        "age: 2 values not understood",
        "sex: 1 values not understood",
        "participants.tsv: 1 cells left empty: lines contradict each other",
        "participants.tsv: no line for 1 of 7 people",
        "start times: 0 of 7",
    ):
        assert line in caplog.text, line


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1", "utf-16"])
def test_tables_in_any_usual_encoding(tmp_path, encoding):
    add_visit(tmp_path, "sub-01")
    write_lines(tmp_path / "participants.tsv", ["participant_id\tgroup", "sub-01\tÄrztin"], encoding)
    imported(tmp_path, tmp_path / "out", targets=["group"])
    assert codes_of(tmp_path / "out", "sub-01") == ["LABEL//here//group//Ärztin"]


def test_ages_and_labels_of_visits(tmp_path, caplog):
    """A label of a visit stands at its start; without one it would count for every visit, and is left out."""
    caplog.set_level("INFO")
    root, out = tmp_path / "tree", tmp_path / "out"
    for visit, time in (("ses-off", "2020-01-02T08:00:00Z"), ("ses-on", "2020-06-01T08:00:00.5")):
        add_visit(root, f"sub-01_{visit}", time=time)
        add_visit(root, f"sub-02_{visit}")
        add_visit(root, f"sub-03_{visit}")
    write_lines(root / "participants.tsv", ["participant_id\tage", "sub-01\t60", "sub-02\t60", "sub-03\t60"])
    visits = ["session_id\tage\tacq_time", "ses-off\t61.5\tn/a", "ses-on\t62\t2100-01-01T00:00:00"]
    write_lines(root / "sub-02" / "sub-02_sessions.tsv", visits)
    drugs = ["participant_id\tsession_id\tdopa\tsame"]
    drugs += [f"sub-0{i}\tses-{v}\t{v}\tyes" for i in (1, 2, 3) for v in ("off", "on")]
    write_lines(root / "phenotype" / "drugs.tsv", drugs)
    table = imported(root, out, targets=["phenotype/drugs.dopa", "phenotype/drugs.same"])
    assert table["age"].to_list() == [60, 60, 61.5, 62, 60, 60]
    assert table["start_time"].null_count() == 4 and "1 times are shifted (before 1925)" in caplog.text
    events = read_events(out).filter(pl.col("code").str.contains("dopa"))
    assert sorted(events.select("time", "code").iter_rows()) == [
        (datetime(2020, 1, 2, 8), "LABEL//here//drugs.dopa//off"),
        (datetime(2020, 6, 1, 8, 0, 0, 500_000), "LABEL//here//drugs.dopa//on"),
    ]
    assert "4 values of single visits left out" in caplog.text
    assert codes_of(out, "sub-02") == ["LABEL//here//drugs.same//yes"]


def test_scans_of_a_visit_go_before_those_of_the_person(tmp_path):
    """A scans.tsv above the visits is not as BIDS has it, but there are such trees."""
    first, second = add_visit(tmp_path, "sub-01_ses-1", time="2020-03-01T08:00:00"), add_visit(tmp_path, "sub-01_ses-2")
    lines = [f"{path.relative_to(tmp_path / 'sub-01')}\t2019-01-02T08:00:00" for path in (first, second)]
    write_lines(tmp_path / "sub-01" / "sub-01_scans.tsv", ["filename\tacq_time", *lines])
    starts = imported(tmp_path, tmp_path / "out")["start_time"].to_list()
    assert starts == [datetime(2020, 3, 1, 8), datetime(2019, 1, 2, 8)]


def test_times_that_cannot_be_true_are_no_start_times(tmp_path):
    untrue = ["1924-12-31T23:00:00", f"{datetime.now(UTC).year + 2}-03-01T00:00:00", "2000-01-01T00:00:00", "yesterday"]
    times = [*untrue, "1925-01-01T08:00:00", "2000-01-01T00:00:01"]
    for number, time in enumerate(times):
        add_visit(tmp_path, f"sub-{number}", time=time)
    starts = imported(tmp_path, tmp_path / "out")["start_time"].to_list()
    assert starts == [None] * 4 + [datetime.fromisoformat(time) for time in times[4:]]


def test_sidecars(tmp_path, caplog):
    """The special over the general: trials are left out, another rate and bad channels are said, damage is survived."""
    caplog.set_level("INFO")
    root = tmp_path / "tree"
    for number in range(1, 6):
        add_visit(root, f"sub-0{number}_ses-1")
    beside = lambda number, end: root / f"sub-0{number}" / "ses-1" / "eeg" / f"sub-0{number}_ses-1_task-rest_{end}"
    write_json(root / "eeg.json", SamplingFrequency=200.5, RecordingType="epoched")
    write_json(root / "task-rest_eeg.json", RecordingType="continuous")
    write_json(root / "task-other_eeg.json", RecordingType="epoched")
    write_json(root / "sub-02" / "sub-02_eeg.json", SamplingFrequency=500)
    write_json(beside(3, "eeg.json"), RecordingType="epoched", SamplingFrequency="n/a")
    write_json(root / "sub-05" / "ses-1" / "sub-05_ses-1_eeg.json", SamplingFrequency=400)
    beside(4, "eeg.json").write_text("{no")
    channels = [f"{name}\tEEG\tuV\t{'Bad' if i < 3 else 'good'}" for i, name in enumerate(LABELS)]
    write_lines(beside(5, "channels.tsv"), ["name\ttype\tunits\tstatus", *channels])
    write_lines(root / "task-rest_channels.tsv", ["name\ttype\tunits\tstatus", "Cz\tEEG\tuV\tbad"])
    table = imported(root, tmp_path / "out")
    assert [i[5:11] for i in table["session_id"]] == ["sub-01", "sub-02", "sub-04", "sub-05"]
    for line in (
        "(sub-03/ses-1/eeg/sub-03_ses-1_task-rest_eeg.edf): cut into epochs",
        "1 tables cannot be read, as if they were not there; sub-04_ses-1_task-rest_eeg.json: not JSON (",
        "2 files say another sampling rate than is stated beside them (500 Hz beside sub-02/ses-1/",
        f"{1 + 1 + 1 + 3} channels are marked bad",
    ):
        assert line in caplog.text, line


def test_a_table_of_one_visit_that_is_none_is_survived(tmp_path, caplog):
    caplog.set_level("INFO")
    add_visit(tmp_path, "sub-01", time="2020-01-01T08:00:00")
    write_lines(tmp_path / "sub-01" / "sub-01_scans.tsv", ["filename,acq_time", "eeg/sub-01_task-rest_eeg.edf,2020"])
    assert imported(tmp_path, tmp_path / "out")["start_time"].to_list() == [None]
    assert "1 tables cannot be read, as if they were not there; sub-01_scans.tsv: no column filename" in caplog.text


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ["participant_id,age", "sub-01,3"],
            "no column participant_id, with tabs .*; it has participant_id,age",
        ),
        (["sub-01\tAnna A"], "participants.tsv: no column .*; it has no line of column names"),
        (["participant_id\tage\tage", "sub-01\t3\t4"], "participants.tsv: column 'age' stands there twice"),
        (["participant_id\tgroup", "sub-01\t3\t4"], "participants.tsv: a line of 3 cells under a header of 2"),
        ([""], "participants.tsv: is empty; expected a line of column names"),
        (["participant_id\tage", "sub-01\t3"], "participants.tsv: no column 'group'; it has participant_id, age"),
        (["/annex/objects/MD5E-s1--aa.tsv"], "participants.tsv: content not fetched: run `datalad get`"),
    ],
)
def test_a_wrong_participants_table_stops_with_one_line(tmp_path, lines, said):
    add_visit(tmp_path, "sub-01")
    write_lines(tmp_path / "participants.tsv", lines)
    with pytest.raises(ValueError, match=said):
        imported(tmp_path, tmp_path / "out", targets=["group"])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"root": Path("/nowhere")}, "root=/nowhere: there is no such folder"),
        ({"targets": ["phenotype/mmse.total"]}, "phenotype/mmse.tsv: there is no such table; there are: moca"),
        ({"targets": ["phenotype/moca.sum"]}, "moca.tsv: no column 'sum'; it has participant_id, total"),
        ({"tasks": ["sleep"]}, "tasks=sleep: no such recordings; there are: rest"),
        ({"site": "a/b"}, "site='a/b'"),
    ],
)
def test_wrong_arguments_stop_with_one_line(tree, tmp_path, change, said):
    with pytest.raises(ValueError, match=said):
        imported(change.pop("root", tree), tmp_path / "out", **change)
    assert not (tmp_path / "out").exists()


def test_the_wrong_folder_stops_with_one_line(tree, tmp_path):
    with pytest.raises(ValueError, match=r"no folder sub-… in it; .*did you mean root=.*Müller \(2021\)"):
        imported(tree.parent, tmp_path)
    add_visit(tmp_path / "tree", "sub-01")
    with pytest.raises(ValueError, match=r"site= must be given: dataset_description\.json has no Name"):
        imported(tmp_path / "tree", tmp_path, site=None)
    write_json(tmp_path / "tree" / "dataset_description.json", DatasetType="derivative")
    with pytest.raises(ValueError, match="expected the raw data set"):
        imported(tmp_path / "tree", tmp_path)


def test_the_command(tree, tmp_path):
    run = lambda *args: subprocess.run(
        [sys.executable, "-m", "clef.importers.bids", *args], capture_output=True, text=True
    )
    done = run(f"root={tree}", f"out={tmp_path / 'c'}", "targets=[group,phenotype/moca.total]", "tasks=[rest]")
    assert done.returncode == 0 and f"8 sessions of 6 subjects from site {SITE}" in done.stderr
    assert len(read_events(tmp_path / "c").filter(pl.col("code").str.starts_with("LABEL"))) == 12
    wrong = run(f"root={tree}", f"out={tmp_path / 'd'}", "target=[group]")
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1
