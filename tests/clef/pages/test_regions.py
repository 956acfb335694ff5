"""Regions of the scalp: which electrodes, what is left out, errors of what was rebuilt."""

import numpy as np

from clef.pages.regions import REGIONS, band_levels, cell_errors, region_means
from tokenizer.channels import CHANNELS


def test_every_electrode_lies_in_one_region():
    assert sorted(name for names in REGIONS.values() for name in names) == sorted(CHANNELS)


def test_a_region_is_the_mean_of_its_electrodes_that_carried_a_signal():
    spec = np.arange(19.0)[:, None, None] * np.ones((19, 128, 20), np.float32)
    ok, valid = np.ones(19, bool), np.arange(20) < 15
    ok[[CHANNELS.index("P3"), CHANNELS.index("O1"), CHANNELS.index("O2")]] = False
    means = dict(zip(REGIONS, region_means(spec, valid, ok), strict=True))
    assert (means["parietal"][:, :15] == (CHANNELS.index("Pz") + CHANNELS.index("P4")) / 2).all()
    assert np.isnan(means["parietal"][:, 15:]).all() and np.isnan(means["occipital"]).all()


def test_a_rhythm_lifts_its_own_band_alone():
    spec, valid, ok = np.zeros((19, 128, 10), np.float32), np.ones(10, bool), np.ones(19, bool)
    spec[:, 40] = 20  # 10 Hz
    levels = band_levels(spec, valid, ok)
    assert (levels["alpha"] == 1).all() and not any(levels[band].any() for band in ("delta", "theta", "beta"))
    assert np.isnan(band_levels(spec, ~valid, ok)["alpha"]).all()


def test_errors_are_those_of_the_electrodes_and_bands_that_differ():
    random = np.random.default_rng(0)
    spec, valid, ok = random.standard_normal((19, 128, 40)), np.ones(40, bool), np.ones(19, bool)
    rebuilt, ok[CHANNELS.index("T4")] = spec.copy(), False
    rebuilt[CHANNELS.index("O1"), 32:48] += 3  # the two rows of alpha, 8–10 and 10–12 Hz
    rebuilt[CHANNELS.index("T4")] += 100
    errors = cell_errors(spec, rebuilt, valid, ok)
    assert np.isclose(errors["occipital"]["alpha"], 1.5)  # O1 is 3 dB off, O2 is not
    assert errors["right temporal"]["alpha"] == 0 and errors["occipital"]["beta"] == 0
    assert errors["constant spectrum"]["beta"] > 0
    ok[CHANNELS.index("T6")] = False
    assert cell_errors(spec, rebuilt, valid, ok)["right temporal"]["alpha"] is None
    assert cell_errors(spec, rebuilt, ~valid, ok)["all electrodes"]["alpha"] is None
