"""Only ordinary files are opened, and only those that lie beside a recording."""

import os
import shutil

import numpy as np
import pytest

from tests.tokenizer.reading.hostile import bounded, endless, fif_tag, naming, pipe, unix_socket
from tests.tokenizer.reading.recordings import SIGNAL, samples, write_fif
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.reading.paths import MOST_TEXT, check_parts, check_path
from tokenizer.reading.read import check_file, read
from tokenizer.recording import RecordingError
from tools.fuzz.format_files import write_brainvision, write_eeglab, write_gdf, write_persyst

NAMES = (
    "a.edf",
    "a.bdf",
    "a.csv",
    "a.csv.gz",
    "a.vhdr",
    "a.set",
    "a.fif",
    "a.fif.gz",
    "a.gdf",
    "a.lay",
    "a.cnt",
    "a.x",
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("make", "kind"), [(pipe, "a named pipe"), (endless, "a device"), (unix_socket, "a socket")])
def test_what_is_no_file_is_refused_in_every_format(tmp_path, name, make, kind):
    path = make(tmp_path / name)
    with bounded(1), pytest.raises(RecordingError, match=f"is {kind}; expected a file; give the recording itself"):
        read(path, rate=200, unit="uV")


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_with_the_name_of_a_file_is_refused(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(RecordingError, match="is a folder; expected a file"):
        check_file(tmp_path / name)


def test_a_folder_of_a_format_that_has_them_holds_files_alone(tmp_path):
    folder = tmp_path / "a.mff"
    folder.mkdir()
    (folder / "info.xml").touch()
    check_path(folder)
    for make in (pipe, endless, lambda path: path.symlink_to(tmp_path)):
        make(folder / "signal1.bin")
        with bounded(1), pytest.raises(RecordingError, match="holds something that is no file"):
            check_file(folder)
        (folder / "signal1.bin").unlink()


def test_links_to_files_are_files(tmp_path):
    """As git-annex keeps them: header, markers and data in folders of their own, with links side by side."""
    (tmp_path / "links").mkdir()
    writers = {"a.vhdr": write_brainvision, "a.gdf": write_gdf, "a.lay": write_persyst, "a_raw.fif": write_fif}
    writers["a.set"] = lambda path, signal: write_eeglab(path, signal, form="fdt")
    for name, write in writers.items():
        home = tmp_path / name.replace(".", "-")
        home.mkdir()
        plain = write(home / name, SIGNAL)
        expected = samples(plain)
        for file in list(home.iterdir()):
            key = tmp_path / f"key-{file.name}"
            key.mkdir()
            shutil.move(file, key / file.name)
            (tmp_path / "links" / file.name).symlink_to(key / file.name)
        np.testing.assert_array_equal(samples(tmp_path / "links" / name), expected)
    edf = tmp_path / "links" / "b.edf"
    edf.symlink_to(write_edf(tmp_path / "a.edf", eeg(20)))
    assert read(edf).seconds == 20


def test_a_link_that_goes_nowhere_or_round_is_no_file(tmp_path):
    (tmp_path / "a.edf").symlink_to(tmp_path / "nothing.edf")
    (tmp_path / "b.edf").symlink_to(tmp_path / "b.edf")
    for name in ("a.edf", "b.edf"):
        with pytest.raises(RecordingError, match=r"there is no such file|cannot be opened"):
            check_file(tmp_path / name)


def test_a_folder_that_may_not_be_entered_is_one_line(tmp_path, monkeypatch):
    def forbidden(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "stat", forbidden)  # root may do everything
    with pytest.raises(RecordingError, match=r"^a\.edf: cannot be opened \(Permission denied\); check the file$"):
        check_file(tmp_path / "a.edf")


@pytest.mark.parametrize(
    ("write", "part"),
    [
        (write_brainvision, "a.eeg"),
        (write_brainvision, "a.vmrk"),
        (lambda path, signal: write_eeglab(path.with_suffix(".set"), signal, form="fdt"), "a.fdt"),
        (lambda path, signal: write_persyst(path.with_suffix(".lay"), signal), "a.dat"),
        (lambda path, signal: shutil.copy(write_gdf(path, signal), path.with_suffix(".eeg")), "a.pnt"),
    ],
)
@pytest.mark.parametrize("make", [pipe, endless, lambda path: path.mkdir()])
def test_a_part_that_is_no_file_is_refused(tmp_path, write, part, make):
    path = write(tmp_path / "a.vhdr", SIGNAL)
    (tmp_path / part).unlink(missing_ok=True)
    make(tmp_path / part)
    with bounded(2), pytest.raises(RecordingError, match="a file that belongs to it is a "):
        read(path)


OUTSIDE = ("../b.{}", "{}/b.{}", "sub/b.{}", "..\\b.{}", "C:\\data\\b.{}", "\\\\host\\share\\b.{}")


@pytest.mark.parametrize("outside", OUTSIDE)
@pytest.mark.parametrize(("key", "ending"), [("DataFile", "eeg"), ("MarkerFile", "vmrk")])
def test_a_header_that_points_elsewhere_is_refused(tmp_path, key, ending, outside):
    folder = tmp_path / "in"
    folder.mkdir()
    write_brainvision(tmp_path / "b.vhdr", SIGNAL)
    path = write_brainvision(folder / "a.vhdr", SIGNAL)
    (folder / "sub").symlink_to(tmp_path)
    name = outside.format(*([tmp_path, ending] if outside.startswith("{}") else [ending]))
    path.write_text(path.read_text().replace(f"{key}=a.{ending}", f"{key}={name}"))
    if key == "MarkerFile" and "\\" in name:  # nothing is opened there: the markers beside the header are
        assert read(path).seconds == SIGNAL.shape[1] / 200
        return
    with pytest.raises(RecordingError, match="names a file in another folder; put the files side by side"):
        read(path)


def test_a_name_cannot_be_hidden_from_us(tmp_path):
    path = write_brainvision(tmp_path / "a.vhdr", SIGNAL)
    text = path.read_text()
    for changed in (
        text.replace("[Common Infos]", "[Other]\nDataFile=a.eeg\n[Common Infos]").replace(
            "DataFile=a.eeg\nMarker", "  datafile : ../a.eeg\nMarker"
        ),
        text.replace("Codepage=UTF-8", "Codepage=unicode_escape").replace("DataFile=a", "DataFile=\\x2e\\x2e/a"),
    ):
        path.write_text(changed)
        with pytest.raises(RecordingError, match=r"names a file in another folder|unknown Codepage"):
            check_file(path)


def test_a_set_that_names_data_elsewhere_is_refused(tmp_path):
    (tmp_path / "in").mkdir()
    path = write_eeglab(tmp_path / "abcd.set", SIGNAL, form="fdt")
    inside = tmp_path / "in" / "x.set"
    content = path.read_bytes()
    assert content.count(b"abcd.fdt") == 1
    inside.write_bytes(content.replace(b"abcd.fdt", b"../a.fdt"))
    shutil.copy(path.with_suffix(".fdt"), tmp_path / "a.fdt")
    with pytest.raises(RecordingError, match="names a file in another folder"):
        check_file(inside)


def test_a_fif_that_goes_on_in_itself_or_elsewhere_is_refused(tmp_path):
    content = write_fif(tmp_path / "a_raw.fif", SIGNAL).read_bytes()
    path = tmp_path / "b_raw.fif"
    first = 16 + int.from_bytes(content[8:12], "big")
    for name, message in (("b_raw.fif", "is cut short or damaged"), ("../c_raw.fif", "in another folder")):
        # behind the file's identity, before all that is read from it
        path.write_bytes(content[:first] + naming(name) + content[first:])
        shutil.copy(tmp_path / "a_raw.fif", tmp_path.parent / "c_raw.fif")
        with bounded(2), pytest.raises(RecordingError, match=message):
            check_file(path)
    pipe(tmp_path / "p_raw.fif")
    path.write_bytes(content[:first] + naming("p_raw.fif") + content[first:])
    with bounded(2), pytest.raises(RecordingError, match="a file that belongs to it is a named pipe"):
        check_file(path)


def test_tags_of_a_fif_do_not_go_on_for_ever(tmp_path):
    path = tmp_path / "a_raw.fif"
    path.write_bytes(fif_tag(100, bytes(20), 31) + fif_tag(108, b"") * 600_000)
    with bounded(), pytest.raises(RecordingError, match="is cut short or damaged"):
        check_file(path)


@pytest.mark.parametrize(("write", "suffix"), [(write_brainvision, ".vhdr"), (write_brainvision, ".vmrk"),
                                               (write_persyst, ".lay")])  # fmt: skip
def test_text_without_an_end_is_not_read(tmp_path, write, suffix):
    path = write(tmp_path / ("a.lay" if suffix == ".lay" else "a.vhdr"), SIGNAL)
    os.truncate(path.with_suffix(suffix), 2**36)  # sparse: it takes no room on the disk
    with bounded(1, 50), pytest.raises(RecordingError, match=f"its {suffix} file has 65,536 MB of text"):
        check_file(path)
    os.truncate(path.with_suffix(suffix), MOST_TEXT)
    check_parts(path)
