"""The level of a session: what moves it, and what must not."""

import numpy as np
import pytest
import torch

from tests.helpers import spectrogram
from tokenizer.level import HIGH, LOW, electrode_levels, level_of, session_level
from tokenizer.multitaper import spectrogram as multitaper


def case(seed=0):
    """Three sessions (3, 19, 128, 50), their valid frames and channels, and what stands elsewhere."""
    spec = spectrogram(3, 50, seed)
    valid = torch.ones(3, 50, dtype=torch.bool)
    valid[1, 20:], valid[2, 7:11] = False, False
    ok = torch.ones(3, 19, dtype=torch.bool)
    ok[1, :5], ok[2, 18] = False, False
    return spec, valid, ok


def test_level_is_the_median_of_medians_of_mean_db_from_1_to_15_hz():
    spec, valid, ok = case()
    for i, level in enumerate(session_level(spec, valid, ok)):
        x = spec[i].numpy()[:, 4:61].mean(1)[ok[i].numpy()][:, valid[i].numpy()]  # (C', T'): bins of 0.25 Hz
        assert float(level) == pytest.approx(np.median(np.median(x, 1)), abs=1e-4)


def test_level_takes_arrays_and_single_sessions():
    spec, valid, ok = case()
    one = session_level(spec[1].numpy(), valid[1].numpy(), ok[1].numpy())
    assert one.shape == () and torch.equal(one, session_level(spec, valid, ok)[1])


def test_gaps_and_missing_channels_do_not_move_the_level():
    spec, valid, ok = case()
    other = torch.where(valid[:, None, None] & ok[:, :, None, None], spec, torch.tensor(31.0))
    assert torch.equal(session_level(spec, valid, ok), session_level(other, valid, ok))


def test_half_of_the_seconds_or_electrodes_may_be_artefact():
    spec, valid, ok = torch.zeros(1, 19, 128, 100), torch.ones(1, 100).bool(), torch.ones(1, 19).bool()
    spec[:, :, :, :45] += 30
    spec[:, :8, :, 45:] -= 30
    assert session_level(spec, valid, ok).tolist() == [0.0]


def test_a_gain_of_the_signal_moves_the_level_by_its_decibels():
    signal = 20 * np.random.default_rng(0).standard_normal((19, 200 * 30)).astype(np.float32)
    valid, ok = torch.ones(30, dtype=torch.bool), torch.ones(19, dtype=torch.bool)
    level = session_level(multitaper(signal), valid, ok)
    for gain in (0.25, 0.5, 2.0, 4.0):
        moved = session_level(multitaper(gain * signal), valid, ok) - level
        assert float(moved) == pytest.approx(20 * np.log10(gain), abs=1e-4)


def test_what_is_added_to_electrodes_is_added_to_their_levels():
    """So that a crop that was varied has the level that its session would have."""
    spec, valid, ok = case()
    added = torch.randn(3, 19, 128, 1, generator=torch.Generator().manual_seed(0))
    moved = electrode_levels(spec, valid) + added[:, :, LOW:HIGH, 0].mean(-1)
    torch.testing.assert_close(level_of(moved, ok), session_level(spec + added, valid, ok))


def test_a_session_without_a_valid_second_or_electrode_has_no_level():
    spec, valid, ok = case()
    valid[0], ok[2] = False, False
    assert session_level(spec, valid, ok).isnan().tolist() == [True, False, True]
    empty = session_level(torch.zeros(2, 19, 128, 0), torch.zeros(2, 0).bool(), torch.ones(2, 19).bool())
    assert empty.isnan().all()
