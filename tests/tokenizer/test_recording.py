"""A recording on its way: its error crosses processes whole, and its samples as recorded are those of the file."""

import pickle

import numpy as np

from tokenizer.edf.writer import eeg, write_edf
from tokenizer.reading.read import ReadingConfig, read_with_raw
from tokenizer.recording import SECONDS, RecordingError


def test_an_error_crosses_processes_whole():
    error = pickle.loads(pickle.dumps(RecordingError("a.edf", "is damaged; copy it again")))
    assert str(error) == "a.edf: is damaged; copy it again" and error.reason == "is damaged; copy it again"
    assert error.name == "a.edf" and isinstance(error, ValueError)


def test_raw_samples_are_those_of_the_file_segment_by_segment(tmp_path):
    signal, onsets = eeg(20), [*range(12), *range(15, 23)]
    path = write_edf(tmp_path / "a.edf", signal, onsets=onsets, kind="EDF+D")
    session, raw = read_with_raw(path, ReadingConfig())
    assert session.signal.shape == (19, SECONDS * 200) and [s.onset for s in raw.segments] == [0, 15]
    first, second = raw.load(3)
    np.testing.assert_allclose(np.concatenate([first, second]), signal[3], atol=0.051)  # half a digital step of 0.1 µV
