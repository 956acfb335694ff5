"""The gate: the range of raw samples, levels that are scalp EEG, and signals that all electrodes have in common."""

from dataclasses import replace

import numpy as np
import pytest

from tokenizer.channels import CHANNELS
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.reading.gate import (
    BETA_DB_HIGHEST,
    BETA_DB_LOWEST,
    COMMON,
    ChannelRanges,
    beta_level,
    common_share,
    refusal,
    remarks,
    some_seconds,
)
from tokenizer.reading.read import read
from tokenizer.recording import SECONDS, Session


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> Session:
    """40 s of all electrodes."""
    return read(write_edf(tmp_path_factory.mktemp("gate") / "a.edf", eeg(40)))


def test_the_range_is_that_of_all_pieces_together():
    samples = np.random.default_rng(0).integers(-60, 61, (3, 500)).astype(np.float32)
    samples[1] = 12.0
    whole, pieces = ChannelRanges(19), ChannelRanges(19)
    whole.add([2, 5, 7], samples)
    for part in np.split(samples, [3, 90, 91, 400], axis=1):
        pieces.add([2, 5, 7], part)
    for each in (whole, pieces):
        assert each.moving[[2, 5, 7]].tolist() == [True, False, True] and not each.moving[0]
        assert each.cut_off()[2] == pytest.approx((np.abs(samples[0]) == 60).mean()) and each.cut_off()[5] == 0
        assert each.high[7] == samples[2].max() and each.low[7] == samples[2].min()


def test_channels_at_their_limits_are_named_with_their_share():
    samples = np.tile(np.linspace(-100, 100, 1000, dtype=np.float32), (3, 1))
    samples[1, 990:] = 120  # ten samples in a thousand, and one at the other end
    samples[2] *= 0.3
    samples[2, 900:] = 40  # too near to zero to be a limit
    raw = ChannelRanges(19)
    raw.add([0, 1, 2], samples)
    line = f"at their highest or lowest value, clipped or saturated: {CHANNELS[1]} 1.1%"
    assert raw.remarks() == [line] and ChannelRanges(19).remarks() == []


@pytest.mark.parametrize("amplitude", [30.0, 5.0])
def test_the_level_is_the_density_of_white_noise(session, amplitude):
    noise = amplitude * np.random.default_rng(0).standard_normal(session.signal.shape).astype(np.float32)
    level = beta_level(replace(session, signal=noise, valid=np.ones(SECONDS, np.float32)))
    assert level == pytest.approx(10 * np.log10(amplitude**2 / 100), abs=0.5)  # one-sided, over 100 Hz


def test_the_level_is_blind_to_an_electrode_that_came_off(session):
    flat = session.signal.copy()
    flat[:10, 10 * 200 : 40 * 200] = 0
    assert beta_level(replace(session, signal=flat)) == pytest.approx(beta_level(session), abs=1.5)
    assert np.isnan(beta_level(replace(session, valid=np.zeros(SECONDS, np.float32))))


def test_numbers_that_are_no_microvolts_are_refused_unless_told_otherwise(session):
    assert refusal(session, 8, True) is None
    level = beta_level(session)
    for edge, outside in ((BETA_DB_HIGHEST, 1), (BETA_DB_LOWEST, -1)):
        scaled = [
            replace(session, signal=session.signal * np.float32(10 ** ((edge + decibel - level) / 20)))
            for decibel in (-outside, outside)
        ]
        assert refusal(scaled[0], 8, True) is None
        assert "expected -45 to 14 of scalp EEG: probably not in the stated unit" in refusal(scaled[1], 8, True)
        assert refusal(scaled[1], 8, False) is None


def test_too_few_electrodes_with_a_signal_are_refused(session):
    few = replace(session, channel_ok=np.arange(19) < 7)
    assert refusal(few, 8, True).startswith(
        "only 7 electrodes carry a signal, the others are flat or left out; expected at least 8"
    )
    assert refusal(few, 7, True) is None
    none = replace(session, channel_ok=np.zeros(19, bool))
    assert refusal(none, 0, False).startswith("no channel carries a signal")


def test_what_is_common_to_all_electrodes_is_its_share_of_the_power(session):
    random = np.random.default_rng(0)
    own = random.standard_normal((19, 256_000)).astype(np.float32)
    shared = random.standard_normal(256_000).astype(np.float32)
    valid = np.ones(SECONDS, np.float32)
    for ratio in (0.0, 1.0, 2.0, 9.0):
        mixed = replace(session, signal=own + np.float32(ratio**0.5) * shared, valid=valid)
        assert common_share(mixed) == pytest.approx((ratio + 1 / 19) / (ratio + 1), abs=0.03)
        expected = ["check the reference"] if ratio / (1 + ratio) > COMMON else []
        assert [note.partition(": ")[2] for note in remarks(mixed)] == expected


def test_only_whole_seconds_are_looked_at_and_not_more_than_needed(session):
    assert some_seconds(session).shape == (19, 40, 200)
    valid = np.ones(SECONDS, np.float32)
    valid[::2] = 0.5
    spread = some_seconds(replace(session, valid=valid, channel_ok=np.arange(19) < 3))
    assert spread.shape[0] == 3 and 64 <= spread.shape[1] < 128
    np.testing.assert_array_equal(spread[:, 0], session.signal[:3, 200:400])
