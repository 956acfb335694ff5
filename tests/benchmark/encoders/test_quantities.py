"""Quantities of spectra whose answer is known."""

import numpy as np
import pytest

from benchmark.encoders.quantities import BANDS, LEFT, feature_names, quantities, used_bands
from tokenizer.cells import HZ, channel_indices
from tokenizer.channels import CHANNELS

EVERY = np.ones(19, bool)


def falling(frames=40, peak=None, seed=None):
    """A spectrum that falls by 6 dB an octave, (19, 128, frames) in dB; `peak` Hz has 8 dB more."""
    level = -6 * np.log2(np.maximum(HZ, 0.25))
    level = level + 8 * np.exp(-(((HZ - peak) / 0.8) ** 2)) if peak else level
    spec = np.repeat(np.repeat(level[None, :, None], 19, 0), frames, 2)
    return spec + (np.random.default_rng(seed).normal(0, 2.7, spec.shape) if seed is not None else 0)


def without(*names):
    return ~np.isin(CHANNELS, names)


def test_levels_and_their_spread():
    """7 dB more in alpha than elsewhere; half the frames 2 dB above, half 2 dB below."""
    spec = np.zeros((19, 128, 10))
    spec[:, 4 * 8 : 4 * 13] = 7
    spec[:, :, ::2] += 2
    spec[:, :, 1::2] -= 2
    found = quantities(spec, EVERY)
    assert found["level alpha Cz"] == pytest.approx(7) and found["level theta Cz"] == pytest.approx(0)
    assert [found[f"level sd {band} O2"] for band in BANDS] == pytest.approx([2] * len(BANDS))
    assert found["ratio theta/alpha"] == pytest.approx(-7) and found["ratio theta/alpha sd"] == pytest.approx(0)


def test_shares_and_edges_of_an_even_spectrum():
    found = quantities(np.zeros((19, 128, 25)), EVERY)
    shares = {band: found[f"share {band} Pz"] for band in BANDS}
    assert shares == pytest.approx({band: (high - low) / 31.5 for band, (low, high) in BANDS.items()}, rel=1e-5)
    assert found["median frequency Pz"] == pytest.approx(0.375 + 0.5 * 31.5, abs=1e-3)
    assert found["edge frequency Pz"] == pytest.approx(0.375 + 0.95 * 31.5, abs=1e-3)
    assert found["edge frequency sd"] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("peak", [7.0, 8.5, 10.1, 12.0])
def test_the_alpha_peak_is_where_it_is_in_spite_of_the_slope(peak):
    found = quantities(falling(60, peak, seed=0), EVERY)
    assert found["alpha peak"] == pytest.approx(peak, abs=0.15) and found["alpha peak height"] > 6
    assert quantities(falling(60, seed=0), EVERY)["alpha peak height"] < 1.5


def test_an_amplifiers_gain_changes_levels_alone():
    one, other = (quantities(falling(30, 10, seed=0) + gain, EVERY) for gain in (0, 9))
    changed = {name.split()[0] for name in one if abs(one[name] - other[name]) > 1e-3}
    assert changed == {"level"} and one["level delta C3"] == pytest.approx(other["level delta C3"] - 9)
    assert one["level sd delta C3"] == pytest.approx(other["level sd delta C3"])


def test_sides_and_front():
    spec = falling()
    spec[channel_indices(LEFT), 8:16] += 3  # delta
    spec[channel_indices(("F3", "F4", "Fz", "Fp1", "Fp2")), 32:52] += 4  # alpha
    found = quantities(spec, EVERY)
    assert [found[name] for name in found if name.startswith("asymmetry delta ")] == pytest.approx([3.0] * 8)
    assert found["asymmetry theta F3-F4"] == 0 and found["asymmetry sd delta"] == pytest.approx(0, abs=1e-9)
    assert found["asymmetry size delta"] == found["largest asymmetry delta"] == pytest.approx(3)
    assert found["gradient alpha"] == pytest.approx(4) and found["gradient beta"] == pytest.approx(0)


def test_a_missing_electrode_adds_nothing():
    """Whatever its channel holds: levels are those of the others' mean, its pair is even."""
    spec, ok = falling(30, 10, seed=1), without("O1", "C3")
    found = quantities(spec, ok)
    assert found["level alpha O1"] == pytest.approx(
        np.mean([found[f"level alpha {c}"] for c in np.array(CHANNELS)[ok]])
    )
    assert found["asymmetry beta O1-O2"] == found["asymmetry beta C3-C4"] == 0 != found["asymmetry beta F3-F4"]
    spec[~ok] = -40
    assert quantities(spec, ok) == found


def test_a_missing_region_leaves_everything_finite():
    ok = without("O1", "O2", "P3", "P4", "Pz")
    found = quantities(falling(30, 10, seed=2), ok)
    assert found["gradient alpha"] == found["gradient sd alpha"] == 0
    assert found["alpha peak"] == pytest.approx(10, abs=0.2), "of the electrodes there are"
    for frames, channels in ((2, EVERY), (19, without(*CHANNELS[1:]))):
        assert np.isfinite(list(quantities(np.full((19, 128, frames), -40.0), channels).values())).all()


def test_a_focus_on_either_side_has_the_same_size():
    one, other = falling(), falling()
    one[channel_indices(("T3",)), 8:16] += 6
    other[channel_indices(("T4",)), 8:16] += 6
    found, mirrored = quantities(one, EVERY), quantities(other, EVERY)
    assert found["asymmetry delta T3-T4"] == pytest.approx(6) == -mirrored["asymmetry delta T3-T4"]
    for name, value in (("largest asymmetry delta", 6), ("asymmetry size delta", 6 / 8)):
        assert found[name] == mirrored[name] == pytest.approx(value)
    assert quantities(one, without("T4"))["largest asymmetry delta"] == pytest.approx(0)


def test_a_burst_is_one_piece():
    spec = falling(100)
    loud = spec.copy()
    loud[:, 80:, 40:50] += 40
    calm, burst = (quantities(x, EVERY) for x in (spec, loud))
    assert burst["share delta Cz"] == pytest.approx(0.9 * calm["share delta Cz"], rel=0.01)
    assert burst["median frequency Cz"] < calm["median frequency Cz"] + 3


@pytest.mark.parametrize("blank_below", [2.0, 3.0, 8.0])
def test_nothing_below_the_blanked_is_looked_at(blank_below):
    spec, other = falling(30, 10, seed=3), falling(30, 10, seed=3)
    other[:, blank_below > HZ] = 40
    assert quantities(spec, EVERY, blank_below) == quantities(other, EVERY, blank_below)
    assert tuple(quantities(spec, EVERY, blank_below)) == feature_names(blank_below)
    assert not [name for name in feature_names(blank_below) if "low delta" in name]
    assert ("alpha peak" in feature_names(blank_below)) == (blank_below <= 2), "no line without what lies below"


def test_names_are_unique_and_of_every_kind():
    names = feature_names()
    assert len(set(names)) == len(names)
    assert {"level alpha O1", "share theta Cz", "asymmetry delta Fp1-Fp2", "gradient sd beta"} <= set(names)


def test_blanking_cuts_bands():
    assert used_bands(0) == BANDS
    assert used_bands(3) == {name: band for name, band in BANDS.items() if name != "low delta"} | {"delta": (3, 4)}
