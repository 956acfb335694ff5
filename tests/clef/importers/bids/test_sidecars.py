"""Sidecars: start times, ages at a visit, the special over the general, and damaged ones."""

from datetime import UTC, datetime

import polars as pl

from clef.cohort import read_events
from tests.clef.importers.bids.tree import add_visit, codes_of, imported, write_json, write_lines
from tokenizer.edf.writer import LABELS
from tokenizer.sessions import subject_number


def test_ages_and_labels_of_visits(tmp_path, caplog):
    """A label of a visit stands at its start and names its session, also where there is no start."""
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
    dated = events.filter(pl.col("time").is_not_null())
    assert sorted(dated.select("time", "code").iter_rows()) == [
        (datetime(2020, 1, 2, 8), "LABEL//here//drugs.dopa//off"),
        (datetime(2020, 6, 1, 8, 0, 0, 500_000), "LABEL//here//drugs.dopa//on"),
    ]
    assert "left out: without a start time" not in caplog.text
    ids = table.filter(pl.col("subject_id") == subject_number("here", "sub-02"))["session_id"].to_list()
    of_second = events.filter(pl.col("session_id").is_in(ids)).sort("session_id")
    assert [code.rpartition("//")[2] for code in of_second["code"]] == ["off", "on"] and len(events) == 6


def test_codes_of_visits_without_start_are_left_out_where_they_differ(tmp_path, caplog):
    """A diagnosis is the person's: without a date it would count for every visit."""
    caplog.set_level("INFO")
    root, out = tmp_path / "tree", tmp_path / "out"
    for visit in ("ses-1", "ses-2"):
        add_visit(root, f"sub-01_{visit}")
    write_lines(root / "participants.tsv", ["participant_id", "sub-01"])
    rows = ["participant_id\tsession_id\tdiagnosis", "sub-01\tses-1\tG40.3", "sub-01\tses-2\tI10"]
    write_lines(root / "phenotype" / "icd.tsv", rows)
    imported(root, out, icd10=["phenotype/icd.diagnosis"])
    assert "2 codes of single visits left out" in caplog.text and codes_of(out, "sub-01") == []


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
