"""The files of a tree: which are recordings, which are left out, and the reason that is given."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from clef.importers.bids.tables import read_json
from tests.clef.importers.bids.tree import add_visit, imported, make_tree, write_brainvision, write_json
from tests.tokenizer.reading.hostile import bounded, pipe
from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.reading.read import read_row


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


def test_nobody_waits_for_a_named_pipe(tmp_path):
    root = tmp_path / "tree"
    make_tree(root, 3, 12)
    pipe(root / "sub-01" / "ses-01" / "eeg" / "sub-01_ses-01_task-rest_run-2_eeg.edf")
    with bounded(20):
        assert len(imported(root, tmp_path / "out")) == 4
    with bounded(2), pytest.raises(ValueError, match=r"a\.json: is no file; expected a text"):
        read_json(pipe(tmp_path / "a.json"))
