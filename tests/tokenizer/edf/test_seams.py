"""Seams between records: unremarkable in a sound file, broken wherever the header states a wrong layout."""

import numpy as np
import pytest

from tests.tokenizer.edf.damage import change, field
from tokenizer.edf.seams import BROKEN, seam_errors
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.reading.read import check_file, read
from tokenizer.recording import RecordingError


def test_seams_are_like_elsewhere_and_not_where_records_are_out_of_order():
    signal = np.round(10 * eeg(30, 200, 8)).astype(np.float32)
    whole = signal.reshape(8, 30, 200)
    assert seam_errors(whole).shape == (8, 29)
    assert 0.5 < np.median(seam_errors(whole)) < 1.5
    shuffled = whole[:, np.random.default_rng(0).permutation(30)]
    assert np.median(seam_errors(shuffled)) > BROKEN


def test_a_flat_signal_has_no_broken_seams():
    assert np.median(seam_errors(np.full((8, 30, 200), 7, np.float32))) < 1


@pytest.mark.parametrize("text", ["201", "100"])
def test_another_number_of_samples_is_seen(tmp_path, text):
    path = change(write_edf(tmp_path / "a.edf", eeg(40)), field("samples"), text)
    with pytest.raises(RecordingError, match="its signals break off wherever a data record ends"):
        read(path)


def test_missing_bytes_are_seen_in_a_file_without_starts(tmp_path):
    path = write_edf(tmp_path / "a.edf", eeg(120))
    data = path.read_bytes()
    path.write_bytes(data[: 400_000 - 256] + data[400_000:])
    with pytest.raises(RecordingError, match=r"at \d+ s its signals break off .*: bytes are missing or too many"):
        read(path)
    check_file(path)  # the header alone does not show it
