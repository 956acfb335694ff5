"""The timing of reading: both chains estimate the same windows of the same recording."""

from collections import defaultdict

import numpy as np
import pytest

from tools.time_reading import TimeReading, make_recording, mne_chain, our_chain, time_multitaper, windows_of


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return make_recording(tmp_path_factory.mktemp("timed") / "a.edf", TimeReading(minutes=0.5))


def test_windows_are_centred_on_their_second_and_without_mean():
    windows = windows_of(np.arange(2000.0)[None])
    assert windows.shape == (1, 10, 800)
    np.testing.assert_allclose(windows.mean(-1), 0, atol=1e-9)
    assert np.diff(windows[0, 5]).tolist() == [1.0] * 799  # samples 600 to 1399: no reflection


def test_both_chains_give_the_spectrogram_of_the_recording(recording):
    laps = defaultdict(list), defaultdict(list)
    ours, theirs = our_chain(recording, laps[0]), mne_chain(recording, laps[1])
    assert ours.shape == (19, 128, 30) == theirs.shape
    assert np.median(np.abs(ours - theirs)[:, 8:, 3:-3]) < 1  # dB; other filters, hence not the same
    assert list(laps[0]) == ["read, filter, resample", "multitaper"] and len(laps[1]["notch"]) == 1


def test_the_estimates_of_one_signal_are_the_same(recording):
    laps, apart = time_multitaper(recording, 1)
    assert set(laps) == {"CLEF", "MNE"} and np.median(apart) < 1e-4
