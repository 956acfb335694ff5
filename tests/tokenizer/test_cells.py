"""Cells of a spectrogram, and which of them make a band."""

import numpy as np
import pytest

from tokenizer.cells import BANDS, cells, channel_indices, rows_of
from tokenizer.channels import CHANNELS


def test_a_cell_is_the_mean_of_8_bins_and_10_frames():
    x = np.random.default_rng(5).standard_normal((19, 128, 120)).astype(np.float32)
    valid = np.ones(120, bool)
    valid[15] = False
    assert cells(x, valid).shape == (19, 16, 11)
    expected = x[3, 16:24, 20:30].astype(np.float64).mean()
    assert cells(x, valid)[3, 2, 1] == pytest.approx(expected, rel=1e-12)  # summed in float64, in whatever order


def test_a_band_has_the_rows_whose_middle_lies_in_it():
    assert np.flatnonzero(rows_of("delta")).tolist() == [0, 1]  # 1 and 3 Hz
    assert np.flatnonzero(rows_of("alpha")).tolist() == [4, 5]  # 9 and 11 Hz; the row at 13 Hz is beta's
    assert not np.sum([rows_of(band) for band in BANDS], axis=0).max() > 1


def test_channel_indices_are_those_of_the_channel_axis():
    assert [CHANNELS[i] for i in channel_indices(("Fp1", "O1", "Cz"))] == ["Fp1", "O1", "Cz"]
    with pytest.raises(ValueError, match="not in tuple"):
        channel_indices(("A1",))
