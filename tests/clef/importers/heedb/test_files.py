"""Files: reports of tables and of folders, and recordings that are not there."""

import pytest

from clef.cohort import read_reports
from clef.importers.heedb.files import read_report
from clef.importers.heedb.tables import read_table
from tests.clef.importers.heedb.tree import WORDS, run, session_row, seven
from tests.tokenizer.reading.hostile import bounded, pipe
from tokenizer.sessions import read_sessions


def test_reports_come_from_tables_and_from_files(cohort):
    reports = read_reports(cohort).join(read_sessions(cohort), on="session_id")
    assert dict(reports["site"].value_counts().iter_rows()) == {"S0001": 14, "S0002": 2}
    assert set(reports["text"]) == set(WORDS.values())


def test_what_is_not_there_is_counted_and_said(files, tmp_path, caplog):
    caplog.set_level("INFO")
    tables = seven({}, {}, {}, {}, {})
    tables["I0003_eeg_metadata_1.csv"] = [session_row("", "sub-I00039", i) for i in (1, 2)]
    tables["S0001_eeg_metadata_2.csv"] = [session_row("S0001", "sub-S000199", 1), session_row("S0001", "", 2)]
    out = run(files, tmp_path, tables)
    assert len(read_sessions(out)) == 3
    for line in (
        "sessions: S0001_eeg_metadata_1.csv, 5 rows",
        "no table of drugs: no ATC codes",
        "1 rows name no site, patient or session: left out",
        "3 of 8 sessions of the tables are there, in 3 EDF files",
        "2 folders sub-… belong to nobody in the tables",
        "site I0003: none of its 2 sessions is there",
        "left out 3 (sub-S00017/ses-4, …): not downloaded",
        "3 of 6 recordings left out",
    ):
        assert line in caplog.text, line


def test_nobody_waits_for_a_named_pipe(tmp_path):
    with bounded(2), pytest.raises(ValueError, match=r"a\.csv: is no file; expected a table"):
        read_table(pipe(tmp_path / "a.csv"))
    with bounded(2):
        assert read_report(pipe(tmp_path / "a.txt")) is None
