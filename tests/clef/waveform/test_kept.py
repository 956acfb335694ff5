"""Windows kept beside a cohort: what is cut, no more, and the same after a stop."""

import numpy as np
import polars as pl
import pytest

from clef.cohort import Cohort
from clef.waveform import kept
from clef.waveform.cutting import Cutting
from clef.waveform.kept import INDEX, SIGNAL, keep_windows
from clef.waveform.preparation import Preparation
from clef.waveform.standard import Standardised
from tokenizer.base.tables import read_table, table_metadata, write_table
from tokenizer.reading.read import read_row


def standard(window=4.0):
    made = Preparation(channels=("Cz-average", "Fp1-F7"), rate=100.0, window=window)
    return Standardised(Cutting.of(made), "fixed", 1.0, 20.0)


def keep(cohort, place, window=4.0, rows=None):
    sessions = Cohort(cohort).sessions
    return keep_windows(cohort, sessions if rows is None else sessions[rows], standard(window), place)


def test_windows_are_those_of_the_recordings_in_half_precision(recorded, tmp_path, caplog):
    caplog.set_level("INFO")
    windows = keep(recorded, tmp_path)
    assert windows.session_id.tolist() == [f"s{i}" for i in range(5)] and windows.count.tolist() == [5] * 5
    assert "1 of 6 recordings could not be used" in caplog.text and "GB in" in caplog.text
    for row, name in enumerate(windows.session_id):
        of_row = Cohort(recorded).sessions.row(by_predicate=pl.col("session_id") == name, named=True)
        expected = standard()(read_row(recorded, of_row))
        np.testing.assert_allclose(windows.some(row, [4, 1]), expected[[4, 1]], rtol=2**-10, atol=1e-4)
        assert windows.subject_id[row] == of_row["subject_id"] and windows.split[row] == of_row["split"]
    memory = keep(recorded, None)
    assert np.array_equal(memory.signal, windows.signal) and np.array_equal(memory.first, windows.first)


def test_it_goes_on_where_it_stopped_also_in_the_middle_of_a_session(recorded, tmp_path, monkeypatch):
    whole = keep(recorded, tmp_path / "whole")
    keep(recorded, tmp_path / "part")
    (folder,) = (tmp_path / "part").iterdir()
    index = read_table(folder / INDEX)
    write_table(folder / INDEX, index.head(2), table_metadata(folder / INDEX))
    size = int(index["count"].head(2).sum()) * 2 * 2 * 400
    signal = (folder / SIGNAL).read_bytes()
    (folder / SIGNAL).write_bytes(signal[: size + 777])  # two sessions, and a piece of the third
    again = keep(recorded, tmp_path / "part")
    assert (folder / SIGNAL).read_bytes() == signal and np.array_equal(again.signal, whole.signal)
    monkeypatch.setattr(kept, "read_many", None)  # nothing is read again
    assert len(keep(recorded, tmp_path / "part")) == 5


def test_other_windows_or_other_sessions_have_a_folder_of_their_own(recorded, tmp_path):
    keep(recorded, tmp_path)
    keep(recorded, tmp_path, window=2.0)
    keep(recorded, tmp_path, rows=[0, 2])
    assert len(list(tmp_path.iterdir())) == 3


def test_what_cannot_be_kept_is_one_line(recorded, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"no session of the cohort could be cut into windows: .*no 400 s"):
        keep(recorded, tmp_path / "long", window=400.0)
    monkeypatch.setattr(kept.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 10})())
    with pytest.raises(ValueError, match="GB free; make room") as caught:
        keep(recorded, tmp_path / "full")
    assert "\n" not in str(caught.value)
