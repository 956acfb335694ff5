"""BrainVision: segments by their time stamps, units by the header, and data that are shorter than promised."""

import numpy as np
import pytest

from tests.tokenizer.reading.recordings import SIGNAL, onsets
from tokenizer.reading.brainvision import check_length, scales, segment_starts
from tokenizer.reading.formats import open_source
from tokenizer.reading.read import read
from tokenizer.recording import RecordingError
from tools.fuzz.format_files import STEP, write_brainvision

STAMPS = [(1, "20210203123000000000"), (2001, "20210203123020500000"), (4001, "20210203123030500000")]


def test_brainvision_segments_are_placed_by_their_time_stamps(tmp_path):
    path = write_brainvision(tmp_path / "a.vhdr", SIGNAL, markers=STAMPS)
    assert onsets(path) == [(0, 0), (2000, 20.5), (4000, 30.5)]
    assert (
        str(open_source(path, None, None).start) == "2021-02-03 12:30:00" and open_source(path, None, None).notes == []
    )


@pytest.mark.parametrize("stamp", ["", "20210203123005000000", "00000000000000000000"])
def test_brainvision_segments_without_a_usable_stamp_are_joins(tmp_path, stamp):
    path = write_brainvision(tmp_path / "a.vhdr", SIGNAL, markers=[(1, "20210203123000000000"), (2001, stamp)])
    assert onsets(path) == [(0, 0), (2000, 10)]
    assert "1 joins where an unknown time is missing" in open_source(path, None, None).notes[0]


def test_brainvision_without_its_markers_says_so(tmp_path):
    path = write_brainvision(tmp_path / "a.vhdr", SIGNAL, markers=STAMPS)
    path.with_suffix(".vmrk").unlink()
    assert "marker file is missing" in open_source(path, None, None).notes[0]


def test_a_short_multiplexed_file_is_read_as_far_as_it_goes(tmp_path):
    path = write_brainvision(tmp_path / "a.vhdr", SIGNAL)
    path.with_suffix(".eeg").write_bytes(path.with_suffix(".eeg").read_bytes()[: 38 * 4000 + 5])
    session = read(path)
    assert session.seconds == 20 and session.notes == ["cut short: 4000 of the 6000 samples that the header promises"]


def test_a_channel_of_another_unit_changes_nothing(tmp_path):
    data = np.vstack([SIGNAL[:18], np.arange(6000) % 100])
    path = write_brainvision(tmp_path / "a.vhdr", data, unit=["µV"] * 18 + ["C"])
    text = path.read_text("utf-8").replace("Ch19=Fp2", "Ch19=Temp")
    path.write_text(text, encoding="utf-8")
    file = open_source(path, None, None)
    np.testing.assert_allclose(file.load(17, 0, 6000), SIGNAL[17], atol=STEP / 2 + 0.001)
    assert file.notes == [] and file.channels[-1] == "Temp"


def test_a_short_vectorized_file_is_refused_and_a_long_one_read(tmp_path):
    path = write_brainvision(tmp_path / "a.vhdr", SIGNAL, layout="VECTORIZED")
    assert check_length(path, 6000) == []
    with pytest.raises(RecordingError, match="holds 5999 samples per channel, its header promises 6000"):
        check_length(path, 5999)
    multiplexed = write_brainvision(tmp_path / "b.vhdr", SIGNAL)
    assert check_length(multiplexed, 6001) == [] and "cut short: 5999 of the 6000" in check_length(multiplexed, 5999)[0]


def test_markers_are_found_beside_the_header_whatever_it_calls_them(tmp_path):
    path = write_brainvision(tmp_path / "a.vhdr", SIGNAL, markers=[(1, "20210203123000000000"), (2001, "")])
    expected = segment_starts(path)
    assert [at for at, _ in expected[0]] == [0, 2000] and expected[0][1][1] is None and expected[1] == []
    text = path.read_text("utf-8")
    for name in ("C:\\eeg\\2021\\a.vmrk", "/mnt/eeg/a.vmrk", "before it was renamed.vmrk"):
        path.write_text(text.replace("MarkerFile=a.vmrk", f"MarkerFile={name}"), "utf-8")
        assert segment_starts(path) == expected
    path.with_suffix(".vmrk").rename(tmp_path / "other.vmrk")
    for name in ("C:\\eeg\\other.vmrk", "/mnt/other.vmrk"):
        path.write_text(text.replace("MarkerFile=a.vmrk", f"MarkerFile={name}"), "utf-8")
        assert segment_starts(path) == expected
    path.write_text(text.replace("MarkerFile=a.vmrk", ""), "utf-8")
    assert segment_starts(path) == ([], [])


def test_volts_by_the_unit_of_each_channel(tmp_path):
    import mne

    path = write_brainvision(tmp_path / "a.vhdr", SIGNAL[:3], unit=["µV", "mV", "ARU"])
    raw = mne.io.read_raw(path, verbose="error")
    assert scales(raw, None) == [1e6, 1e6, None]
    np.testing.assert_allclose(scales(raw, "V"), [1e12, 1e9, 1e6])  # a number that was meant as V, and divided for µV


def test_a_stamp_that_goes_on_without_a_gap_is_a_join_without_missing_time(tmp_path):
    path = write_brainvision(tmp_path / "a.vhdr", SIGNAL, markers=[STAMPS[0], (2001, "20210203123010000000")])
    assert onsets(path) == [(0, 0), (2000, 10)] and open_source(path, None, None).notes == []
