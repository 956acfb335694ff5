"""Maps by hand: one electrode in one band, levels, seconds."""

import numpy as np
import pytest

from tokenizer.maps import BANDS, EVERY_OTHER, NUMBERS, band_maps

HZ = np.arange(128) / 4


@pytest.mark.parametrize(("band", "row"), [(name, i) for i, name in enumerate(BANDS)])
def test_power_of_one_electrode_in_one_band_is_one_number(band, row):
    low, high = BANDS[band]
    spec = np.zeros((19, 128, 20), np.float32)
    spec[7, (low <= HZ) & (high > HZ), 10:] = 38.0  # the second segment
    first, second = band_maps(spec)
    assert first.shape == (NUMBERS,) and not first.any()
    raised = second - second.min()
    assert np.flatnonzero(raised > 1e-3).tolist() == [row * 19 + 7] and raised.max() == pytest.approx(38)


def test_a_gain_changes_nothing():
    spec = np.random.default_rng(0).standard_normal((19, 128, 30)).astype(np.float32)
    assert np.allclose(band_maps(spec), band_maps(spec + 6.0), atol=1e-5)
    assert np.allclose(band_maps(spec).mean(1), 0, atol=1e-5)


def test_every_other_second():
    spec = np.random.default_rng(0).standard_normal((19, 128, 20)).astype(np.float32)
    changed = spec.copy()
    changed[3, :, 1::2] += 9.0
    assert np.array_equal(band_maps(spec, EVERY_OTHER), band_maps(changed, EVERY_OTHER))
    assert not np.allclose(band_maps(spec), band_maps(changed), atol=0.1)


def test_a_missing_electrode_has_no_numbers_and_no_part_of_the_level():
    spec, ok = np.random.default_rng(0).standard_normal((19, 128, 20)).astype(np.float32), np.ones(19, bool)
    np.testing.assert_array_equal(band_maps(spec, channel_ok=ok), band_maps(spec))
    ok[4] = False
    maps = band_maps(spec, channel_ok=ok).reshape(2, 4, 19)
    assert np.isnan(maps[:, :, 4]).all() and np.allclose(np.nanmean(maps, (1, 2)), 0, atol=1e-5)
    spec[4] += 20
    np.testing.assert_array_equal(band_maps(spec, channel_ok=ok).reshape(2, 4, 19), maps)
