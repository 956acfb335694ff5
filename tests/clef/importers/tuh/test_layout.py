"""Folders, names and headers: dates, private fields, links, and what lies above edf/."""

import logging

from clef.cohort import read_events
from clef.importers.tuh.layout import start_time
from tests.clef.importers.tuh.tree import recording, run
from tests.tokenizer.reading.hostile import bounded, pipe
from tokenizer.edf.writer import eeg


def test_what_lies_above_edf_may_have_any_name(tueg, tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "normal").symlink_to(tueg)
    assert set(run(tmp_path, tmp_path / "out")["site"]) == {"tueg"}


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


def test_nobody_waits_for_a_named_pipe(tmp_path):
    folder = tmp_path / "tree/edf/train/aaaaaaac/s001_2002/02_tcp_le"
    recording(folder / "aaaaaaac_s001_t000.edf")
    for name in ("aaaaaaac_s001_t001.edf", "aaaaaaac_s001_t000.csv_bi", "aaaaaaac_s001.txt"):
        pipe(folder / name)
    with bounded(20):
        assert len(run(tmp_path / "tree", tmp_path / "out")) == 1
