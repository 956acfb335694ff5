"""Text tables: columns by their names, gaps where cells are empty, and one line for what is no table."""

import gzip

import numpy as np
import pytest

from tests.tokenizer.reading.recordings import NAMES, SIGNAL, onsets, samples, write_csv
from tokenizer.reading.formats import open_source
from tokenizer.reading.read import read
from tokenizer.recording import RecordingError


def test_columns_that_are_not_electrodes_are_left_alone(tmp_path):
    names = ["time", *NAMES, "remark"]
    lines = [f"2021-02-03 12:30,{','.join(f'{v:.2f}' for v in row)},moved" for row in SIGNAL.T]
    path = tmp_path / "a.csv"
    path.write_text(
        "% exported\n\n" + ",".join(f'"{name}"' for name in names) + "\r\n" + "\r\n".join(lines), "utf-8-sig"
    )
    file = open_source(path, 200, "uV")
    np.testing.assert_allclose(file.load(1, 0, 6000), SIGNAL[0], atol=0.006)
    assert file.channels == names and read(path, rate=200, unit="uV").channels_in_file == 21


def test_empty_cells_are_gaps_and_an_empty_column_is_a_flat_channel(tmp_path):
    text = write_csv(tmp_path / "a.csv", SIGNAL).read_text().splitlines()
    text = [text[0]] + [line.rsplit(",", 1)[0] + "," for line in text[1:]]
    for row, cell in ((2001, ""), (2002, "NaN"), (2003, "n/a")):
        text[row] = cell + text[row][text[row].index(",") :]
    (tmp_path / "a.csv").write_text("\n".join(text))
    assert onsets(tmp_path / "a.csv", rate=200, unit="uV") == [(0, 0), (2003, 10.015)]
    assert not open_source(tmp_path / "a.csv", 200, "uV").load(18, 0, 6000).any()
    session = read(tmp_path / "a.csv", rate=200, unit="uV")
    assert np.flatnonzero(~session.channel_ok).tolist() == [18] and "flat, left out: Fp2" in session.notes
    assert "3 of 6000 samples are not numbers: left as gaps" in session.notes


def test_packed_tables(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(write_csv(tmp_path / "a.csv", SIGNAL).read_bytes()))
    np.testing.assert_allclose(samples(tmp_path / "a.csv.gz", rate=200, unit="uV"), SIGNAL, atol=0.006)


def bad_tables() -> dict[str, tuple[bytes, str]]:
    lines = [",".join(NAMES)] + [",".join(["1.5"] * 19)] * 4000
    text = "\n".join(lines).encode()
    return {
        "no names.csv": ("\n".join(lines[1:]).encode(), "begins with a line of numbers"),
        "decimal comma.csv": (("\n".join(["1,5;" * 19] * 99)).encode(), "begins with a line of numbers"),
        "one column.csv": (b"Fp1\n1\n2\n", "no comma, semicolon or tab"),
        "empty.csv": (b"", "no comma, semicolon or tab"),
        "names only.csv": (lines[0].encode(), "0.0 s of signal"),
        "words.csv": (text.replace(b"1.5", b"Doe", 1), "is not a number"),
        "utf16.csv": (text.decode().encode("utf-16"), "no comma, semicolon or tab"),
        "binary.csv": (bytes(range(256)) * 99, "no comma, semicolon or tab"),
        "torn.csv.gz": (b"\x1f\x8b\x08 rubbish", "cannot be unpacked"),
        "named.csv": (gzip.compress(text), "is packed, though its name does not end in .gz"),
        "blank.csv": (b"\n" * 2_000_000, "no comma, semicolon or tab"),
        "wide.csv": (b"a," * 400_000 + b"\n", "its first line has 400,001 columns"),
        "others.csv": (text.replace(lines[0].encode(), ",".join(f"x{i}" for i in range(19)).encode()), "counted"),
    }


@pytest.mark.parametrize("case", bad_tables())
def test_tables_that_cannot_be_read_give_one_line(tmp_path, case):
    content, expected = bad_tables()[case]
    (tmp_path / case).write_bytes(content)
    with pytest.raises(RecordingError) as caught:
        read(tmp_path / case, rate=200, unit="uV")
    assert expected in str(caught.value) and "\n" not in str(caught.value) and "Doe" not in str(caught.value)


def test_lines_before_the_names_and_the_separator(tmp_path):
    for separator, comma in ((",", False), (";", True), ("\t", True), ("\t", False)):
        path = write_csv(tmp_path / "a.txt", SIGNAL, separator, comma)
        path.write_text("% exported, in 2021\n\n# by; hand\n" + path.read_text("utf-8"), "utf-8")
        np.testing.assert_allclose(samples(path, rate=200, unit="uV"), SIGNAL, atol=0.006)


def test_the_unit_of_a_table_is_the_one_stated(tmp_path):
    path = write_csv(tmp_path / "a.csv", SIGNAL / 1e3, digits=6)
    np.testing.assert_allclose(samples(path, rate=200, unit="mV"), SIGNAL, atol=0.001)
    for stated, missing in (((None, "mV"), "sampling rate"), ((200, None), "unit")):
        with pytest.raises(RecordingError, match=f"a table does not say its {missing}; give rate= in Hz and unit="):
            open_source(path, *stated)
