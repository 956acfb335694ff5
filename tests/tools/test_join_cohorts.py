"""Joined cohorts: everybody is in it once, recordings are found, drawn people are called so."""

import polars as pl
import pytest

from clef.cohort import Cohort
from clef.importers.folder import FolderImport
from clef.importers.folder import main as import_folder
from tests.helpers import must, run, snapshot
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.reading.read import read_row
from tools.join_cohorts import JoinConfig, main


@pytest.fixture
def real(tmp_path):
    """A cohort of one recorded person, at 0.1 µV."""
    (tmp_path / "r").mkdir()
    write_edf(tmp_path / "r" / "a.edf", eeg(12) * 10)
    (tmp_path / "labels.txt").write_text("file,subject,split\na.edf,p1,val\n")
    settings = {"root": tmp_path / "r", "labels": tmp_path / "labels.txt", "out": tmp_path / "real"}
    import_folder(FolderImport(**settings, site="lab", unit="0.1uV", key="none"))
    return tmp_path / "real"


def test_sessions_records_and_reports_of_all_are_in_it(real, tiny_cohort, tmp_path):
    settings = {"cohorts": f"[{real},{tiny_cohort}]", "out": tmp_path / "joined"}
    must(run(tmp_path / "said", "tools.join_cohorts", **settings))
    joined, drawn = Cohort(tmp_path / "joined"), Cohort(tiny_cohort)
    assert joined.sessions["session_id"].to_list() == [
        *Cohort(real).sessions["session_id"],
        *drawn.sessions["session_id"],
    ]
    assert len(joined.reports) == len(drawn.reports) and len(joined.events) >= len(drawn.events)
    sites = joined.sessions["site"]
    assert sites[0] == "lab" and sites[1:].str.starts_with("synthetic ").all() and not joined.is_synthetic
    for row in joined.sessions.head(2).iter_rows(named=True):
        assert read_row(joined.path, row).channel_ok.all()
    before = {name: data for name, (_, data) in snapshot(joined.path).items()}
    main(JoinConfig([str(real), str(tiny_cohort)], str(joined.path)))
    assert {name: data for name, (_, data) in snapshot(joined.path).items()} == before


def test_mistakes_are_one_line(real, tmp_path):
    with pytest.raises(ValueError, match=r"session_id .* is also in"):
        main(JoinConfig([str(real), str(real)], str(tmp_path / "joined")))
    with pytest.raises(ValueError, match="two or more"):
        main(JoinConfig([str(real)], str(tmp_path / "joined")))
    with pytest.raises(ValueError, match="none of them"):
        main(JoinConfig([str(real), str(tmp_path)], str(real)))
    assert not (tmp_path / "joined").exists() and pl.read_parquet(real / "sessions.parquet").height == 1
