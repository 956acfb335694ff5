"""Variations: gains, slopes and filters of the stated size, electrodes down to the stated number."""

import numpy as np
import pytest
import torch

from clef.stages.variations import DEEPEST_DB, HZ, LIMITS, VariationsConfig, added, response, shown
from tokenizer.base.limits import check_settings
from tokenizer.level import session_level

OK = torch.ones(19).bool()


def draw(config, ok=OK, n=400):
    return torch.stack([added(config, ok, np.random.default_rng(i))[:, :, 0] for i in range(n)]).numpy()


def test_nothing_is_added_unless_it_is_asked_for():
    assert not draw(VariationsConfig(), n=20).any()


def test_a_gain_is_one_number_for_all_channels_and_bins_of_a_crop():
    gains = draw(VariationsConfig(gain_db=12.0))
    assert np.ptp(gains, axis=(1, 2)).max() < 1e-5
    assert np.abs(gains).max() == pytest.approx(12, abs=0.2) and gains.std() == pytest.approx(12 / 3**0.5, rel=0.06)


def test_a_gain_of_an_electrode_is_its_own_in_half_of_the_crops_and_none_where_it_is_missing():
    ok = OK.clone()
    ok[3] = False
    gains = draw(VariationsConfig(electrode_gain_db=6.0), ok)
    varied = np.abs(gains).max((1, 2)) > 0
    assert (
        varied.mean() == pytest.approx(0.5, abs=0.08) and not gains[:, 3].any() and np.ptp(gains, axis=2).max() < 1e-5
    )
    assert gains[varied][:, ok].std() == pytest.approx(6 / 3**0.5, rel=0.06)


def test_a_slope_is_a_line_over_octaves_that_leaves_the_level_alone():
    slopes = draw(VariationsConfig(slope_db=1.0))
    octave = slopes[:, 0, 64] - slopes[:, 0, 32]  # 16 and 8 Hz
    np.testing.assert_allclose(slopes[:, 0, 32] - slopes[:, 0, 16], octave, atol=1e-5)
    assert octave[octave != 0].std() == pytest.approx(1, abs=0.15) and (octave != 0).mean() == pytest.approx(
        0.5, abs=0.08
    )
    second, electrodes = torch.ones(len(slopes), 1).bool(), torch.ones(len(slopes), 19).bool()
    np.testing.assert_allclose(session_level(slopes[..., None], second, electrodes), 0, atol=1e-4)


def test_filters_only_take_away_and_their_corners_are_those_in_use():
    drawn = np.stack([response(np.random.default_rng(i)) for i in range(300)])
    assert (drawn <= 0).all() and drawn.min() == DEEPEST_DB
    middle = (HZ >= 4) & (HZ <= 8)
    assert drawn[:, middle].min() > -3.1  # what lies between the corners stays
    low, high = drawn[:, 1] < -1, drawn[:, 127] < -1
    assert 0.4 < low.mean() < 0.8 and 0.3 < high.mean() < 0.8 and (low & high).any()
    assert (draw(VariationsConfig(filters=0.5), n=200) != 0).any((1, 2)).mean() == pytest.approx(0.5, abs=0.1)


def test_electrodes_are_hidden_down_to_the_stated_number():
    hidden = lambda **settings: [
        int(19 - shown(VariationsConfig(hide_channels=1.0, **settings), OK, np.random.default_rng(i)).sum())
        for i in range(300)
    ]
    assert set(hidden()) == {1, 2, 3, 4} and set(hidden(fewest_channels=10)) == set(range(1, 10))
    few = OK.clone()
    few[:8] = False  # 11 left: one at most is hidden
    config = VariationsConfig(hide_channels=1.0, fewest_channels=10)
    assert {int(shown(config, few, np.random.default_rng(i)).sum()) for i in range(20)} == {10}
    assert torch.equal(shown(VariationsConfig(hide_channels=1.0), few, np.random.default_rng(0)), few)


@pytest.mark.parametrize(("name", "value"), [("gain_db", -1.0), ("filters", 1.5), ("fewest_channels", 19)])
def test_settings_outside_their_limits_are_a_line(name, value):
    with pytest.raises(ValueError, match=rf"tokenizer_stage\.{name}={value}: expected "):
        check_settings(VariationsConfig(**{name: value}), LIMITS, "tokenizer_stage")
