"""Headers: what is read of them, and which ones are not believed."""

from datetime import datetime

import numpy as np
import pytest

from tests.tokenizer.edf.damage import change, field
from tokenizer.edf.header import Range, read_header
from tokenizer.edf.reader import open_edf
from tokenizer.edf.writer import LABELS, eeg, write_edf
from tokenizer.reading.read import read
from tokenizer.recording import RecordingError


def test_a_header_says_what_was_written(tmp_path):
    header = read_header(
        write_edf(tmp_path / "a.edf", eeg(12, 64), 64, onsets=[0.5 * i for i in range(24)], seconds=0.5)
    )
    assert header.labels == [*LABELS, "EDF Annotations"] and header.annotations == [19]
    assert header.samples == [32] * 19 + [30] and header.units == ["uV"] * 20
    assert set(header.ranges) == {Range(-32767, 32767, -3276.7, 3276.7)}
    assert (header.width, header.seconds, header.declared, header.records, header.rest) == (2, 0.5, 24, 24, 0)
    assert header.size == 256 * 21 and header.record_bytes == 2 * (19 * 32 + 30)
    assert header.spans[0] == slice(0, 64) and header.spans[19] == slice(2 * 19 * 32, header.record_bytes)
    assert header.start == datetime(2021, 2, 3, 12, 30) and header.reserved == "EDF+C"


def test_a_bdf_has_three_bytes_per_sample(tmp_path):
    header = read_header(write_edf(tmp_path / "a.bdf", eeg(3, 64), 64, bits=24))
    assert header.width == 3 and header.record_bytes == 3 * 19 * 64 and header.records == 3
    assert header.ranges[0].digital_max == 2**23 - 1


def test_whole_records_and_the_bytes_after_them_are_counted(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(3, 64), 64, declared=-1)
    path.write_bytes(path.read_bytes()[:-100])
    header = read_header(path)
    assert (header.declared, header.records, header.rest) == (-1, 2, 19 * 128 - 100)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds 0 bytes, an EDF header alone has 256"),
        (b"0       Jane Doe", "holds 16 bytes"),
        (bytes(300), "begins with only zeros"),
        (b"Jane Doe" * 40, "begins with something else"),
    ],
)
def test_what_does_not_begin_as_an_edf_file_is_refused(tmp_path, content, message):
    (tmp_path / "a.edf").write_bytes(content)
    with pytest.raises(RecordingError, match=message) as caught:
        read_header(tmp_path / "a.edf")
    assert "Doe" not in str(caught.value)


@pytest.mark.parametrize(
    ("cut", "text", "message"),
    [
        (256 * 20 - 1, "", r"the file ends within it: 5119 of 5120 bytes"),
        (256 * 20, "", r"no whole data record \(header promises 3\)"),
        (None, "20", "its number of signals and its length contradict each other"),
        (None, "0", "its number of signals and its length contradict each other"),
        (None, "Doe", "letters stand where a number belongs"),
    ],
)
def test_signals_and_length_must_agree(tmp_path, cut, text, message):
    data = write_edf(tmp_path / "a.edf", eeg(3, 64), 64).read_bytes()[:cut]
    (tmp_path / "a.edf").write_bytes(data[:252] + text.encode().ljust(4) + data[256:] if text else data)
    with pytest.raises(RecordingError, match=message) as caught:
        read_header(tmp_path / "a.edf")
    assert "Doe" not in str(caught.value)


def test_annotations_alone_are_no_recording(tmp_path):
    path = write_edf(tmp_path / "a.edf", [np.zeros(64)], 64, ["EDF Annotations"])
    with pytest.raises(RecordingError, match="holds annotations only, no signal"):
        read_header(path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("seconds", "0", "says its records last 0 s; expected more than 0"),
        ("seconds", "-1", "says its records last -1 s"),
        ("seconds", "nan", "the length of its records is no number"),
        ("records", "many", "letters stand where a number belongs"),
        ("samples", "1_0", "letters stand where a number belongs"),
        ("samples", "-200", "negative number of samples"),
        ("samples", "99999999", "no whole data record"),
    ],
)
def test_headers_that_cannot_be_right_are_refused(tmp_path, name, text, message):
    path = change(write_edf(tmp_path / "a.edf", eeg(3, 64), 64), field(name), text)
    with pytest.raises(RecordingError, match=message):
        read_header(path)


@pytest.mark.parametrize(
    ("recording", "start", "expected"),
    [
        ("Startdate 07-MAR-2019 X X X", "01.01.8512.30.00", datetime(2019, 3, 7, 12, 30)),
        ("Startdate X X X X", "03.02.2112.30.00", None),
        ("Startdate 99-MAR-2019 X X X", "03.02.2112.30.00", None),
        ("", "31.12.9923.59.59", datetime(1999, 12, 31, 23, 59, 59)),
        ("", "31.12.2025.59.59", None),
    ],
)
def test_the_date_is_that_of_edf_plus_or_the_short_one(tmp_path, recording, start, expected):
    path = write_edf(tmp_path / "a.edf", eeg(1), recording=recording, start=start)
    assert open_edf(path, None, None).start == expected


def test_records_without_samples_are_refused_as_such(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(20))
    for signal in range(19):
        change(path, field("samples", signal), "0")
    with pytest.raises(RecordingError, match="says its records hold no samples"):
        read(path)


def test_a_decimal_comma_is_understood(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(20))
    whole = read(path).signal
    np.testing.assert_array_equal(read(change(path, field("pmin", 3), "-3276,7")).signal, whole)
