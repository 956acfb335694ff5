"""Segments, maps and what a network sees around a sample: by hand, to the sample."""

import dataclasses

import numpy as np
import pytest

from clef.waveform.cutting import Cutting
from clef.waveform.preparation import PUBLISHED, Preparation
from clef.waveform.segments import MIDDLE, Around, SegmentCut, voltage_maps
from tests.clef.waveform.test_cutting import session
from tokenizer.channels import CHANNELS
from tokenizer.recording import RecordingError


def noisy(seconds=40):
    """Another noise at every electrode."""
    given = session()
    signal = np.zeros_like(given.signal)
    signal[:, : seconds * 200] = 20 * np.random.default_rng(0).standard_normal((19, seconds * 200))
    return dataclasses.replace(given, signal=signal)


def test_segments_are_ten_seconds_against_the_average():
    segments = SegmentCut((0.1, 49.0))(noisy())
    assert segments.shape == (4, 19, 1000) and segments.dtype == np.float32 and MIDDLE == 500
    np.testing.assert_allclose(segments.mean(1), 0, atol=1e-4)
    assert 5 < segments.std() < 20, "µV, less what is above 49 Hz"


def test_a_map_is_the_voltage_at_one_sample_without_level_and_mean():
    segments = np.zeros((3, 19, 9), np.float32)
    segments[0, 2, 4], segments[1, :, 3], segments[2, 5, 4] = 38.0, 7.0, -1.0
    maps = voltage_maps(segments, np.array([4, 3, 4]))
    wanted = np.full(19, -1 / 19)
    wanted[2] += 1
    np.testing.assert_allclose(maps[0], wanted / np.linalg.norm(wanted), atol=1e-6)
    assert not maps[1].any(), "all electrodes equal: no map"
    assert maps[2].argmin() == 5 and np.isclose(np.linalg.norm(maps[2]), 1)
    assert not voltage_maps(segments, 2).any(), "the sample before has nothing of it"


@pytest.mark.parametrize("network", ["elm", "eegclip"])
def test_the_sample_has_the_same_number_in_every_window(network):
    made = dataclasses.replace(PUBLISHED[network], window=1.08, standard="fixed", shift=0.5, scale=2.0, limit=None)
    around, segments = Around(made), SegmentCut((0.1, 49.0))(noisy())
    low, high = around.room(1000)
    assert around.sample == 54 and (low, high) == (54, 947)
    at = np.array([low, high - 1, 500, 501])
    windows = around(segments, at)
    assert windows.shape == (4, len(made.channels), 108)
    values = segments[np.arange(4), :, at]
    weights = np.zeros((len(made.channels), 19))
    for row, name in zip(weights, made.channels, strict=True):
        first, second = name.split("-")
        row[CHANNELS.index(first)] = 1
        if second in CHANNELS:
            row[CHANNELS.index(second)] = -1
    wanted = (values @ weights.T / made.microvolts - 0.5) / 2
    np.testing.assert_allclose(windows[:, :, around.sample], wanted, atol=1e-4)


def test_windows_are_those_that_the_network_would_cut_itself():
    made = Preparation(channels=PUBLISHED["elm"].channels, rate=100.0, window=10.0, microvolts=10.0, limit=80.0)
    own = SegmentCut(None)(noisy())
    np.testing.assert_allclose(Around(made)(own, 500), Cutting.of(made)(noisy()), atol=1e-3)


def test_flat_segments_are_left_out_and_a_missing_electrode_is_refused():
    given = noisy()
    given.signal[3, 2000:4000] = 0.0  # one of four segments, and against the average it would not be flat
    assert len(SegmentCut(None)(given)) == 3
    given.signal[5, : 20 * 200] = given.signal[6, 20 * 200 :] = 4.0
    with pytest.raises(RecordingError, match="flat in each of its segments"):
        SegmentCut(None)(given)
    lacking = dataclasses.replace(noisy(), channel_ok=np.array([name != "O1" for name in CHANNELS]))
    with pytest.raises(RecordingError, match=r"lacks 1 channels of the model \(O1\)"):
        SegmentCut(None)(lacking)
    slow = dataclasses.replace(noisy(), rate=95.0)
    assert len(SegmentCut(None)(slow)) == 4
