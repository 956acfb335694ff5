"""Readings: a session as the network sees it, and one that cannot be used with its reason."""

import numpy as np
import polars as pl
import torch

from tokenizer.edf.writer import eeg, write_edf
from tokenizer.multitaper import session_spectrogram
from tokenizer.reading.read import ReadingConfig, read
from tokenizer.readings import Spectrograms, reading_of, refused
from tokenizer.recording import RecordingError


def test_a_reading_is_the_spectrogram_of_the_real_part(tmp_path):
    session = read(write_edf(tmp_path / "a.edf", eeg(25, channels=17)))
    reading, (spec, valid) = reading_of(session), session_spectrogram(session)
    assert reading.spec.shape == (19, 128, 30) and torch.equal(reading.spec, spec) and torch.equal(reading.valid, valid)
    assert reading.valid.sum() == 25 and reading.channel_ok.tolist() == [True] * 17 + [False] * 2 and not reading.reason


def test_a_refused_recording_is_empty_and_says_why():
    reading = refused(RecordingError("name.edf", "is too short"))
    assert reading.reason == "is too short" and reading.spec.shape == (19, 128, 0) and not reading.channel_ok.any()


def test_rows_of_a_table_become_readings_as_their_reading_column_says(tmp_path):
    signal = eeg(20)
    write_edf(tmp_path / "a.edf", signal)
    names = [f"E{i}" for i in range(19)]
    pl.DataFrame(signal.T, [*map(str, names)], orient="row").write_csv(tmp_path / "b.csv")
    table = pl.DataFrame(
        {"session_id": ["a", "b", "c"], "path": ["a.edf", "b.csv", "c.edf"], "reading": [None, '{"rate": 200}', None]}
    )
    sessions = Spectrograms(tmp_path, table, ReadingConfig())
    assert len(sessions) == 3 and not sessions[0].reason and np.isfinite(sessions[0].spec.numpy()).all()
    assert "a table does not say its unit" in sessions[1].reason and "no such file" in sessions[2].reason
