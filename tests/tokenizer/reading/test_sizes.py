"""Sizes that files state: whole files pass, those that announce more than they hold are refused unread."""

import gzip
import os
import struct

import numpy as np
import pytest

from tests.tokenizer.reading.hostile import bounded, fif_tag, gzip_bomb, matlab_bomb
from tests.tokenizer.reading.recordings import NAMES, SIGNAL, raw_of, write_fif
from tokenizer.reading.read import ReadingConfig, check_file
from tokenizer.reading.sizes import check_sizes
from tokenizer.recording import RecordingError
from tools.fuzz.format_files import write_eeglab, write_gdf

EVENTS = [(1, 0x7FFE), (500, 769)]
WHOLE = {
    "new.gdf": lambda p: write_gdf(p, SIGNAL, events=EVENTS),
    "old.gdf": lambda p: write_gdf(p, SIGNAL, unit="uV", events=EVENTS),
    "no_events.gdf": lambda p: write_gdf(p, SIGNAL),
    "struct.set": lambda p: write_eeglab(p, SIGNAL),
    "fields.set": lambda p: write_eeglab(p, SIGNAL, form="fields"),
    "packed.set": lambda p: packed(p),
    "a_raw.fif": lambda p: write_fif(p, SIGNAL),
}
LINE = "is cut short or damaged: what it announces does not fit into it; copy or export it again"


def packed(path):
    from scipy.io import savemat

    from tools.fuzz.format_files import eeglab_fields

    savemat(path, {"EEG": eeglab_fields(SIGNAL)}, appendmat=False, do_compression=True)
    return path


@pytest.mark.parametrize("name", WHOLE)
def test_whole_files_pass_and_torn_ones_do_not(tmp_path, name):
    path = WHOLE[name](tmp_path / name)
    check_sizes(path)
    content = path.read_bytes()
    for share in (0.9, 0.5, 0.1):
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(RecordingError) as caught:
            check_sizes(path)
        assert str(caught.value) == f"{name}: {LINE}"


def test_an_event_table_that_is_longer_than_its_file(tmp_path):
    path = WHOLE["new.gdf"](tmp_path / "a.gdf")
    content = bytearray(path.read_bytes())
    table = len(content) - 8 - 6 * len(EVENTS)
    assert content[table] == 1 and int.from_bytes(content[table + 1 : table + 4], "little") == len(EVENTS)
    for count in (len(EVENTS) + 1, 2**24 - 1):
        content[table + 1 : table + 4] = count.to_bytes(3, "little")
        path.write_bytes(content)
        with pytest.raises(RecordingError, match="what it announces does not fit"):
            check_sizes(path)


def test_a_dimension_that_asks_for_gigabytes(tmp_path):
    path = write_eeglab(tmp_path / "a.set", SIGNAL, events=[("boundary", 0.5, 1.0)])
    content = path.read_bytes()
    dimensions = struct.pack("<IIii", 5, 8, 1, 1)
    assert content.count(dimensions) > 1
    first = content.index(dimensions)  # of the struct EEG
    path.write_bytes(content[:first] + struct.pack("<IIii", 5, 8, 2**15, 2**15) + content[first + 16 :])
    with pytest.raises(RecordingError, match="what it announces does not fit"):
        check_sizes(path)


def test_tags_of_a_fif_that_lead_back(tmp_path):
    path = write_fif(tmp_path / "a_raw.fif", SIGNAL)
    content = bytearray(path.read_bytes())
    (length,) = struct.unpack_from(">i", content, 8)
    second = 16 + length
    struct.pack_into(">i", content, second + 12, second)  # it names itself as the one that follows
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="what it announces does not fit"):
        check_sizes(path)


def test_other_kinds_are_not_looked_at(tmp_path):
    (tmp_path / "a.cnt").write_bytes(b"anything")
    (tmp_path / "hdf5.set").write_bytes(b"MATLAB 7.3 MAT-file".ljust(128) + bytes(999))
    check_sizes(tmp_path / "a.cnt")
    check_sizes(tmp_path / "hdf5.set")


BOMBS = {
    "a.csv.gz": lambda p: gzip_bomb(p, ",".join(NAMES).encode() + b"\n", b"0" + b",0" * 18 + b"\n", 1.9),
    "a_raw.fif.gz": lambda p: gzip_bomb(p, fif_tag(100, bytes(20), 31), bytes(16), 1.9),
    "a.set": lambda p: matlab_bomb(p, 1.9),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_that_unpacks_to_gigabytes_is_refused(tmp_path, name, monkeypatch):
    if name != "a.csv.gz":  # the others take seconds to the end
        monkeypatch.setattr("tokenizer.reading.sizes.MOST_UNPACKED", 2**28)
    path = BOMBS[name](tmp_path / name)
    assert path.stat().st_size < 6e6
    with (
        bounded(),
        pytest.raises(RecordingError, match="unpacks to more than 1 GB, which 20 minutes"),
    ):
        check_file(path, ReadingConfig(rate=200, unit="uV"))


def test_elements_without_an_end_are_not_counted(tmp_path):
    path = write_eeglab(tmp_path / "a.set", SIGNAL)
    os.truncate(path, 2**33)  # sparse: a thousand million empty elements
    with bounded(), pytest.raises(RecordingError, match=LINE):
        check_sizes(path)


def test_a_packed_fif_is_looked_through_as_an_unpacked_one(tmp_path):
    content = write_fif(tmp_path / "a_raw.fif", SIGNAL).read_bytes()
    path = tmp_path / "a_raw.fif.gz"
    path.write_bytes(gzip.compress(content))
    check_sizes(path)
    path.write_bytes(gzip.compress(content[: len(content) // 2]))
    with pytest.raises(RecordingError, match=LINE):
        check_sizes(path)
    path.write_bytes(gzip.compress(content)[:-99])
    with pytest.raises(RecordingError, match=LINE):
        check_sizes(path)


def test_a_fif_in_two_files_is_read_to_its_end(tmp_path):
    raw_of(np.tile(SIGNAL, 40)).save(tmp_path / "a_raw.fif", split_size="10MB", verbose="error")
    check_sizes(tmp_path / "a_raw.fif")
    cut = tmp_path / "a_raw-1.fif"
    cut.write_bytes(cut.read_bytes()[:-9999])
    with pytest.raises(RecordingError, match=LINE):
        check_sizes(tmp_path / "a_raw.fif")
