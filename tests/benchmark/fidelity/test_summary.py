"""What the numbers of a group say of oracles, copies and mirrors, and how sure they are."""

import functools

import numpy as np
import pytest

from benchmark.encoders.quantities import PAIRS
from benchmark.fidelity.measures import measure, measure_twins
from benchmark.fidelity.summary import Recording, across, dynamics, gradient, resample, summarise, with_interval
from tests.benchmark.fidelity.helpers import OK, RATE, SECONDS, noisy
from tokenizer.cells import CELL_NOISE_DB, channel_indices
from tokenizer.multitaper import spectrogram
from tokenizer.twins import SHIFT, twins


def expected_cells(power, columns):
    """(19, 128, T) dB of white noise with this power at each sample; the constant is left to the centring."""
    each = 10 * np.log10(power[: columns * 10 * RATE].reshape(-1, RATE).mean(1))
    return np.broadcast_to(each, (19, 128, len(each)))


@pytest.fixture(scope="module")
def specs(course):
    """Spectrograms of the recording and of its twins, and the expected ones."""
    signal, power = course
    frames = (SECONDS - SHIFT) // 10 * 10
    spectrograms = [spectrogram(s.signal).numpy()[..., :frames] for s in (signal, *twins(signal))]
    later = (power[: -SHIFT * RATE] + power[SHIFT * RATE :]) / 2
    return spectrograms, [expected_cells(p, frames // 10) for p in (power, later, later)]


def told(specs, rebuild):
    """What the measures say of a tokenizer that turns an original and its expectation into `rebuild(x, expected)`."""
    own, a, b = specs[0]
    rebuilt = [rebuild(x - x.mean(2, keepdims=True), e - e.mean(2, keepdims=True)) for x, e in zip(*specs, strict=True)]
    valid = np.ones(own.shape[2], bool)
    sums = measure(own, rebuilt[0], valid, OK)["single"], measure_twins((a, b), tuple(rebuilt[1:]), valid, OK)
    return {k: float(v) for k, v in dynamics(*(s[:, :, 1:].sum((1, 2)) for s in sums)).items()}  # 0 Hz is not white


def test_the_expected_spectrum_has_r2_1_and_a_static_one_0(specs):
    oracle, static = told(specs, lambda x, e: e), told(specs, lambda x, e: 0 * e)
    assert oracle["dynamics_r2"] == pytest.approx(1, abs=0.01) and abs(oracle["noise_copied"]) < 0.03
    assert oracle["dynamics_r2_credited"] == pytest.approx(1, abs=0.02)
    assert static["dynamics_r2"] == pytest.approx(0, abs=1e-9) and static["noise_copied"] == 0
    assert oracle["cell_noise_db"] == pytest.approx(CELL_NOISE_DB, abs=0.02)
    assert oracle["dynamics_db"] == pytest.approx(3 / np.sqrt(2), rel=0.03)  # of a sine of 3 dB


@pytest.mark.parametrize("share", [0.3, 0.5, 1.0])
def test_copied_scatter_costs_what_it_is_worth_and_crediting_it_is_more_than_1(specs, share):
    numbers = told(specs, lambda x, e: e + share * (x - e))
    assert numbers["noise_copied"] == pytest.approx(share, abs=0.03)
    against = numbers["cell_noise_db"] ** 2 / numbers["dynamics_db"] ** 2
    assert numbers["dynamics_r2"] == pytest.approx(1 - share**2 * against, abs=0.015)
    assert numbers["dynamics_r2_credited"] == pytest.approx(1 + (2 * share - share**2) * against, abs=0.02)


def test_a_course_that_is_rebuilt_too_flat_is_an_error(specs):
    assert told(specs, lambda x, e: 0.6 * e)["dynamics_r2"] == pytest.approx(1 - 0.4**2, abs=0.02)


@functools.cache
def some_sums():
    return measure(noisy(0), noisy(1), np.ones(120, bool), OK) | {"twins": np.ones((6, 19, 16))}


def recordings(levels, rebuilt, subjects=None, tokens=None):
    """Recordings whose mean spectra are given, (n, 19, 16) dB each."""
    rows = []
    for i, (x, y) in enumerate(zip(levels, rebuilt, strict=True)):
        subject = i if subjects is None else subjects[i]
        codes = np.arange(10) if tokens is None else tokens[i]
        rows.append(Recording(str(i), subject, "A", 60.0, some_sums() | {"level": np.stack([x, y])}, np.asarray(codes)))
    return rows


def test_asymmetry_that_all_share_earns_nothing_and_a_mirrored_one_less():
    rng = np.random.default_rng(0)
    everyone, own = rng.standard_normal((19, 16)) * 3, rng.standard_normal((40, 19, 16))
    value = lambda rebuilt: summarise(recordings(everyone + own, rebuilt), 16, 1.6)["numbers"]["asymmetry_r2"][0]
    zero = summarise(recordings(everyone + own, np.broadcast_to(everyone, own.shape)), 16, 1.6)["numbers"]
    assert value(everyone + own) == 1
    assert abs(value(np.broadcast_to(everyone + own.mean(0), own.shape))) < 1e-9 and zero["asymmetry_r2_zero"][0] > 0.8
    assert value(everyone - own) == pytest.approx(-3, abs=0.15)
    assert value(everyone + 0.5 * own) == pytest.approx(0.75, abs=0.03)
    assert zero["asymmetry_db"][0] == pytest.approx(np.sqrt(2), rel=0.05)


def test_asymmetry_is_told_pair_by_pair():
    level = np.random.default_rng(1).standard_normal((30, 19, 16))
    rebuilt = level.copy()
    lost = channel_indices(PAIRS[3])
    rebuilt[:, lost] = rebuilt[:, lost].mean(1, keepdims=True)
    by_pair = summarise(recordings(level, rebuilt), 16, 1.6)["details"]["asymmetry_r2_by_pair"]
    assert by_pair.pop("-".join(PAIRS[3])) == pytest.approx(0, abs=0.1) and set(by_pair.values()) == {1.0}


def test_the_gradient_is_front_minus_back_of_the_electrodes_there_are():
    level = np.zeros((2, 19, 16))
    level[0, channel_indices(("Fp1", "Fp2", "F3", "F4", "Fz"))], level[0, channel_indices(("O1",))] = 4.0, 5.0
    level[0, channel_indices(("Fz",))] = np.nan
    level[1, channel_indices(("O1", "O2", "P3", "P4", "Pz"))] = np.nan
    differences = gradient(level)
    assert np.allclose(differences[0], 4 - 5 / 5) and np.isnan(differences[1]).all()


def test_r2_across_recordings_from_sums_is_that_of_the_values():
    rng = np.random.default_rng(2)
    x, y, count = (
        rng.standard_normal((50, 1, 6)) + 4,
        rng.standard_normal((50, 1, 6)) + 4,
        rng.integers(1, 9, (50, 1, 6)),
    )
    r2 = across(np.ones((1, 50)), count * (x - y) ** 2, count * x, count * x**2, count.astype(float))
    many_x, many_y = (np.repeat(v.reshape(-1), count.ravel()) for v in (x, y))
    place = np.repeat(np.tile(np.arange(6), 50), count.ravel())
    mean = np.array([many_x[place == p].mean() for p in range(6)])[place]
    assert r2[0, 0] == pytest.approx(1 - ((many_x - many_y) ** 2).sum() / ((many_x - mean) ** 2).sum())


def test_more_recordings_of_the_same_people_make_no_interval_smaller():
    level = np.random.default_rng(3).standard_normal((12, 19, 16))
    rebuilt = level + np.random.default_rng(4).standard_normal((12, 19, 16)) * np.linspace(0.2, 2, 12)[:, None, None]
    once = summarise(recordings(level, rebuilt), 16, 1.6)["numbers"]["asymmetry_r2"]
    thrice = [np.concatenate([v] * 3) for v in (level, rebuilt)]
    again = summarise(recordings(*thrice, subjects=list(range(12)) * 3), 16, 1.6)["numbers"]["asymmetry_r2"]
    assert again[0] == pytest.approx(once[0]) and np.ptp(again[1:]) > 0.9 * np.ptp(once[1:])
    assert with_interval(resample([1, 1, 2, 3, 4], 0)[:, 0])[1] is None  # four people


def test_codes_are_counted():
    tokens = [[0, 0, 1, 1], [0, 1, 2, 3], [2, 2, 3, 3]]
    summary = summarise(recordings(np.zeros((3, 19, 16)), np.zeros((3, 19, 16)), tokens=tokens), 8, 1.6)
    numbers = {k: v[0] for k, v in summary["numbers"].items()}
    assert numbers["codes_used"] == 0.5 and summary["count"]["tokens"] == 12
    assert numbers["perplexity"] == pytest.approx(np.exp(-(4 * 0.25 * np.log(0.25))))
    assert numbers["bits_per_second"] == pytest.approx(1.6 * 3) and numbers["bits_per_second_entropy"] == pytest.approx(
        3.2
    )
