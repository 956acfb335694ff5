"""Reports of an import: text from cells and files, findings as events, what is possible left out."""

import polars as pl
import pytest

from clef.cohort import read_code_descriptions, read_events, read_reports
from clef.importers.folder import FolderImport, main
from clef.importers.reports import finding_codes, read_cells
from tests.clef.importers.bids.tree import add_visit, imported, make_tree, write_lines
from tokenizer.edf.writer import eeg, write_edf

SEEN = "HISTORY: seizures. IMPRESSION: Abnormal EEG due to left temporal spikes. No seizures. Possible focal slowing."


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("archive")
    for seed, name in enumerate(("a.edf", "b.edf", "c.edf")):
        write_edf(root / name, eeg(20, seed=seed))
    (root / "b.txt").write_bytes("Généralisé. Normal EEG.".encode("latin-1"))
    rows = ["file,subject,start,report", f'a.edf,p1,2020-05-01 10:00:00,"{SEEN}"', "b.edf,p2,,b.txt", "c.edf,p3,,c.txt"]
    (root / "labels.csv").write_text("\n".join(rows) + "\n")
    return root


def run(folder, out, **changes):
    main(FolderImport(root=folder, labels=folder / "labels.csv", site="here", out=out, key="none", **changes))
    events = read_events(out).filter(pl.col("code").str.starts_with("FINDING//"))
    return events.select("session_id", "code", "time").rows()


def test_a_folder_with_reports_and_no_tables(folder, tmp_path, caplog):
    caplog.set_level("INFO")
    rows = run(folder, tmp_path, findings=True)
    assert {row[:2] for row in rows} == {
        ("here_a", "FINDING//abnormal"),
        ("here_a", "FINDING//spikes"),
        ("here_a", "FINDING//seizure//absent"),
        ("here_b", "FINDING//normal"),
    }
    assert {str(time) for session, _, time in rows if session == "here_a"} == {"2020-05-01 10:00:00"}
    assert "findings of 2 reports: 3 present, 1 absent; 1 possible ones left out; 0 reports state none" in caplog.text
    assert "report: 1 of 2 files are empty or not there" in caplog.text and "temporal" not in caplog.text
    assert read_reports(tmp_path)["text"].to_list() == [SEEN, "Généralisé. Normal EEG."]
    assert dict(read_code_descriptions(tmp_path))["FINDING//spikes"] == "Epileptiform spikes or sharp waves"


def test_without_the_setting_reports_make_no_events(folder, tmp_path):
    assert run(folder, tmp_path) == [] and len(read_reports(tmp_path)) == 2


def test_bids_reads_reports_beside_the_scans(tmp_path, caplog):
    caplog.set_level("INFO")
    root = tmp_path / "tree"
    make_tree(root, 2, 12)
    name = add_visit(root, "sub-01_ses-01").name
    lines = ["filename\tacq_time\treport", f"eeg/{name}\t2021-01-02T09:30:00\tGPDs. No seizures."]
    write_lines(root / "sub-01" / "ses-01" / "sub-01_ses-01_scans.tsv", lines)
    imported(root, tmp_path / "out", findings=True)
    events = read_events(tmp_path / "out").filter(pl.col("code").str.starts_with("FINDING//"))
    assert sorted(events["code"]) == ["FINDING//gpd", "FINDING//seizure//absent"]
    assert set(events["session_id"]) == {read_reports(tmp_path / "out")["session_id"].item()}


def test_findings_of_an_archive_without_reports_are_said_to_be_none(folder, tmp_path, caplog):
    (tmp_path / "labels.csv").write_text("file,subject\na.edf,p1\n")
    main(FolderImport(root=folder, labels=tmp_path / "labels.csv", site="x", out=tmp_path / "o", findings=True))
    assert "findings=true: no recording has a report" in caplog.text


def test_codes_of_texts():
    assert finding_codes([None, "", "Possible spikes.", "Burst suppression, no spikes."]) == [
        *([], [], []),
        ["FINDING//burst_suppression", "FINDING//spikes//absent"],
    ]


def test_cells_are_texts_or_files(tmp_path):
    (tmp_path / "r.TXT").write_text("\ufeffNormal EEG.\n", encoding="utf-8")
    assert read_cells(["r.TXT", None, "See\nr.txt", "no.txt"], tmp_path) == ["Normal EEG.", None, "See\nr.txt", None]
