"""Tables: whose row it is, which of several counts, and tables that do not fit."""

import pytest

from clef.cohort import read_events
from clef.importers.heedb.importer import HEEDBImport, main
from tests.clef.importers.heedb.tree import number, run, session_row, seven, write_csv
from tokenizer.sessions import read_sessions


def test_a_person_with_two_numbers_is_one_subject(files, tmp_path):
    tables = seven({}) | {"S0001_eeg_metadata_2.csv": [session_row("S0001", "sub-S00018", 1)]}
    merged = [{"MergedBDSPPatientID": a, "BDSPPatientID": b} for a, b in ((8, 9), (9, 7), (4, 5), (5, 4))]
    tables["HEEDB_Medication_ATC.csv"] = [{"BDSPPatientID": 8, "Drugs": "N03AX"}]
    out = run(files, tmp_path, tables | {"PatientMergeHistory_2025.csv": merged})
    assert set(read_sessions(out)["subject_id"]) == {number(7)} == set(read_events(out)["subject_id"])


def test_the_newest_release_counts_and_says_what_it_leaves_open(files, tmp_path):
    tables = seven({"AgeAtVisit": 30, "SexDSC": "M"}, {"AgeAtVisit": 31}, name="S0001_eeg_metadata_2024-10-01.csv")
    newer = session_row("", "sub-S00017", "01.0", StartTime="2020-01-01", AgeAtVisit=40)
    newer["InstituteID"], newer["BDSPPatientID"] = newer.pop("SiteID"), "007"
    tables["eeg_metadata_2025_05_06.csv"] = [newer]
    table = read_sessions(run(files, tmp_path, tables)).sort("session_id")
    assert table.select("age", "sex").rows() == [(31, None), (40, "M")]  # ses-02 comes before ses-1
    assert table["subject_id"].to_list() == [number(7)] * 2


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "S0001_eeg_metadata_1.csv",
            "SiteID,BidsFolder\nS0001,x\n",
            "1.csv: no column SessionID; it has siteid, bids",
        ),
        ("S0001_eeg_metadata_1.csv", "SessionID,Age\n1,2\n", "1.csv: no column BDSPPatientID or .* or BidsFolder; it"),
        ("S0001_eeg_metadata_1.csv", "SessionID,BidsFolder\n1,2,3,4\n", "S0001_eeg_metadata_1.csv: not a table"),
        ("S0001_eeg_metadata_1.csv", "", "S0001_eeg_metadata_1.csv: not a table"),
        ("I0002_EEG__reports_findings.csv", "BDSPPatientID,SessionID\n7,1\n", "findings.csv: no column of findings"),
        ("HEEDB_Medication_ATC.csv", "Patient,Drugs\n7,N03AX\n", "ATC.csv: no column BDSPPatientID or .*; it has pat"),
        ("notes.csv", "a,b\n1,2\n", "no table of sessions in it; expected S0001_eeg_metadata"),
        (
            "S0001_eeg_metadata_1.csv",
            "BidsFolder,SessionID\nsub-S00019,1\n",
            "none of the 1 sessions .* 3 folders sub",
        ),
    ],
)
def test_wrong_tables_stop_with_one_line(files, tmp_path, name, text, said):
    (tmp_path / "tables").mkdir()
    if name.startswith("HEEDB"):
        write_csv(tmp_path / "tables" / "S0001_eeg_metadata_1.csv", [session_row("S0001", "sub-S00017", 1)])
    (tmp_path / "tables" / name).write_text(text)
    with pytest.raises(ValueError, match=said) as error:
        main(HEEDBImport(root=files, out=tmp_path / "out", tables=tmp_path / "tables"))
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()
