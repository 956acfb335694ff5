"""What an evaluation of a tokenizer says of oracles, copies and planted truth, and the program as a user runs it."""

import dataclasses
import functools
import json
import shutil

import numpy as np
import polars as pl
import pytest
import torch

from benchmark.fidelity.__main__ import EvaluateConfig, choose
from benchmark.fidelity.cases import Case, find_cases, pair_of, place_of
from benchmark.fidelity.measures import PAIRS, alpha_peak, measure, measure_twins
from benchmark.fidelity.passes import reconstruct
from benchmark.fidelity.probes import retention
from benchmark.fidelity.summary import Recording, across, dynamics, gradient, resample, summarise, with_interval
from benchmark.fidelity.truth import OtherNoise, Redraws, against_expected, contrasts, expected_numbers, focal_slowing
from benchmark.fidelity.twins import SHIFT, twins
from clef.embeddings import subject_hash
from clef.importers.synthetic.signals import render
from tests.helpers import must, run
from tokenizer.cells import BANDS, CELL_NOISE_DB, HZ, cells, channel_indices
from tokenizer.channels import CHANNELS
from tokenizer.multitaper import spectrogram
from tokenizer.reading.read import read_row
from tokenizer.readings import Reading, ReadingConfig
from tokenizer.recording import Session
from tokenizer.sessions import read_sessions
from tokenizer.vqgan import VQGAN, VQGANConfig

RATE, SECONDS = 200, 900
ALL, OK = np.ones(SECONDS, bool), np.ones(19, bool)


def session(signal, valid=None):
    real = np.ones(signal.shape[1] // RATE, np.float32) if valid is None else valid
    return Session(signal.astype(np.float32), real, OK.copy(), None, [], 200, float(real.sum()), 19, 0, 0.0)


@pytest.fixture(scope="module")
def course():
    """Noise whose level rises and falls by 3 dB every 150 s, in 19 electrodes that share some of it."""
    rng, t = np.random.default_rng(0), np.arange(SECONDS * RATE) / RATE
    power = 10 ** (0.3 * np.sin(2 * np.pi * t / 150))
    shared = 0.4 * rng.standard_normal(len(t)) + 0.9 * rng.standard_normal((19, len(t)))
    return session(5 * np.sqrt(power) * shared), power


def expected_cells(power, columns):
    """(19, 128, T) dB of white noise with this power at each sample; the constant is left to the centring."""
    each = 10 * np.log10(power[: columns * 10 * RATE].reshape(-1, RATE).mean(1))
    return np.broadcast_to(each, (19, 128, len(each)))


@pytest.fixture(scope="module")
def specs(course):
    """Spectrograms of the recording and of its twins, and the expected ones."""
    signal, power = course
    frames = (SECONDS - SHIFT) // 10 * 10
    found = [spectrogram(s.signal).numpy()[..., :frames] for s in (signal, *twins(signal))]
    later = (power[: -SHIFT * RATE] + power[SHIFT * RATE :]) / 2
    return found, [expected_cells(p, frames // 10) for p in (power, later, later)]


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
    found = told(specs, lambda x, e: e + share * (x - e))
    assert found["noise_copied"] == pytest.approx(share, abs=0.03)
    against = found["cell_noise_db"] ** 2 / found["dynamics_db"] ** 2
    assert found["dynamics_r2"] == pytest.approx(1 - share**2 * against, abs=0.015)
    assert found["dynamics_r2_credited"] == pytest.approx(1 + (2 * share - share**2) * against, abs=0.02)


def test_a_course_that_is_rebuilt_too_flat_is_an_error(specs):
    assert told(specs, lambda x, e: 0.6 * e)["dynamics_r2"] == pytest.approx(1 - 0.4**2, abs=0.02)


def test_the_floors_are_those_of_stationary_noise():
    noise = np.random.default_rng(1).standard_normal((19, 400 * RATE)).astype(np.float32)
    spec, valid = spectrogram(noise).numpy()[:, 8:, :], np.ones(400, bool)
    spec = np.concatenate([spec[:, :8], spec], 1)  # without the bins the mean is taken from
    perfect = np.full_like(spec, np.median(spec))
    sums = measure(spec, perfect, valid, OK)
    assert sums["raw"][0] / sums["raw"][2] == pytest.approx(2.14, abs=0.02)
    perfect = np.full_like(spec, spec.mean())
    error, _, count = measure(spec, perfect, valid, OK)["cell"].sum((1, 2))
    assert error / count == pytest.approx(0.70, abs=0.02)


def test_twins_are_independent_of_each_other_and_of_one_spectrum(course):
    a, b = twins(course[0])
    assert np.abs([np.corrcoef(x, y)[0, 1] for x, y in zip(a.signal, b.signal, strict=True)]).max() < 0.01
    later = course[0].signal[:, SHIFT * RATE :]
    assert np.allclose((a.signal - b.signal) / np.sqrt(2), later, atol=1e-4)
    assert np.mean(a.signal**2) == pytest.approx(np.mean(course[0].signal ** 2), rel=0.02)


def test_a_second_of_a_twin_is_real_where_both_of_its_parts_are():
    valid = np.ones(60, np.float32)
    valid[20] = 0
    a, b = twins(session(np.ones((19, 60 * RATE)), valid))
    assert np.flatnonzero(a.valid == 0).tolist() == [20 - SHIFT, 20] and np.array_equal(a.valid, b.valid)


def noisy(seed, frames=120, level=5.0):
    return (level * np.random.default_rng(seed).standard_normal((19, 128, frames))).astype(np.float32)


def test_invalid_frames_and_missing_channels_count_nowhere():
    x, y, valid, ok = noisy(0), noisy(1), np.ones(120, bool), OK.copy()
    valid[33:47], ok[[4, 9]] = False, False
    spoilt = [s.copy() for s in (x, y)]
    for s in spoilt:
        s[:, :, 33:47], s[[4, 9]] = 1e4, -1e4
    sums, same = measure(x, y, valid, ok), measure(*spoilt, valid, ok)
    assert all(np.array_equal(sums[k], same[k], equal_nan=True) for k in sums)
    pairs = (x, y), (noisy(2), noisy(3))
    spoilt = [tuple(np.where(ok[:, None, None] & valid, s, 7e3) for s in pair) for pair in pairs]
    assert np.array_equal(measure_twins(*pairs, valid, ok), measure_twins(*spoilt, valid, ok))
    assert sums["raw"][2] == 17 * 128 * 106
    assert sums["cell"][2].sum() == 17 * 16 * 10  # 2 of 12 columns hold an invalid frame


def test_a_cell_is_the_mean_of_8_bins_and_10_frames():
    x = noisy(5)
    valid = np.ones(120, bool)
    valid[15] = False
    found = cells(x, valid)
    assert found.shape == (19, 16, 11)
    assert found[3, 2, 1] == pytest.approx(x[3, 16:24, 20:30].mean(), rel=1e-5)


def test_a_recording_without_a_whole_column_has_errors_but_no_cells():
    valid = np.arange(120) % 10 < 8
    sums = measure(noisy(0), noisy(1), valid, OK)
    assert sums["raw"][2] > 0 and not sums["cell"].any() and not sums["single"].any() and np.isnan(sums["level"]).all()


@functools.cache
def some_sums():
    return measure(noisy(0), noisy(1), np.ones(120, bool), OK) | {"twins": np.ones((6, 19, 16))}


def recordings(levels, rebuilt, subjects=None, tokens=None):
    """Recordings whose mean spectra are given, (n, 19, 16) dB each."""
    found = []
    for i, (x, y) in enumerate(zip(levels, rebuilt, strict=True)):
        subject = i if subjects is None else subjects[i]
        codes = np.arange(10) if tokens is None else tokens[i]
        found.append(
            Recording(str(i), subject, "A", 60.0, some_sums() | {"level": np.stack([x, y])}, np.asarray(codes))
        )
    return found


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
    found = summarise(recordings(level, rebuilt), 16, 1.6)["details"]["asymmetry_r2_by_pair"]
    assert found.pop("-".join(PAIRS[3])) == pytest.approx(0, abs=0.1) and set(found.values()) == {1.0}


def test_the_gradient_is_front_minus_back_of_the_electrodes_there_are():
    level = np.zeros((2, 19, 16))
    level[0, channel_indices(("Fp1", "Fp2", "F3", "F4", "Fz"))], level[0, channel_indices(("O1",))] = 4.0, 5.0
    level[0, channel_indices(("Fz",))] = np.nan
    level[1, channel_indices(("O1", "O2", "P3", "P4", "Pz"))] = np.nan
    found = gradient(level)
    assert np.allclose(found[0], 4 - 5 / 5) and np.isnan(found[1]).all()


def test_r2_across_recordings_from_sums_is_that_of_the_values():
    rng = np.random.default_rng(2)
    x, y, count = (
        rng.standard_normal((50, 1, 6)) + 4,
        rng.standard_normal((50, 1, 6)) + 4,
        rng.integers(1, 9, (50, 1, 6)),
    )
    found = across(np.ones((1, 50)), count * (x - y) ** 2, count * x, count * x**2, count.astype(float))
    many_x, many_y = (np.repeat(v.reshape(-1), count.ravel()) for v in (x, y))
    place = np.repeat(np.tile(np.arange(6), 50), count.ravel())
    mean = np.array([many_x[place == p].mean() for p in range(6)])[place]
    assert found[0, 0] == pytest.approx(1 - ((many_x - many_y) ** 2).sum() / ((many_x - mean) ** 2).sum())


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
    found = summarise(recordings(np.zeros((3, 19, 16)), np.zeros((3, 19, 16)), tokens=tokens), 8, 1.6)
    numbers = {k: v[0] for k, v in found["numbers"].items()}
    assert numbers["codes_used"] == 0.5 and found["count"]["tokens"] == 12
    assert numbers["perplexity"] == pytest.approx(np.exp(-(4 * 0.25 * np.log(0.25))))
    assert numbers["bits_per_second"] == pytest.approx(1.6 * 3) and numbers["bits_per_second_entropy"] == pytest.approx(
        3.2
    )


def test_band_power_blocks_are_of_60_s_and_need_half_of_them():
    x, y, valid = noisy(0, 160), noisy(1, 160), np.ones(160, bool)
    valid[70:110] = False  # the second block keeps 20 frames, the third has 40
    sums = measure(x, y, valid, OK)["blocks"]
    assert sums[3, 2, 7] == 2
    alpha = (HZ >= 8) & (HZ < 13)
    apart = [
        (x[7][alpha][:, part].mean() - y[7][alpha][:, part].mean()) ** 2 for part in (slice(0, 60), slice(120, 160))
    ]
    assert sums[0, 2, 7] == pytest.approx(sum(apart), rel=1e-3)


def background(seconds, seed=0):
    f = np.fft.rfftfreq(seconds * RATE, 1 / RATE)
    draws = np.random.default_rng(seed).standard_normal((19, len(f), 2)) @ [1, 1j]
    return np.fft.irfft(draws / np.maximum(f, 0.3) ** 0.8, axis=1) * 300


@pytest.mark.parametrize("hz", [7.6, 8.4, 9.1, 10.33, 11.9])
def test_the_alpha_peak_is_found_where_it_is(hz):
    t = np.arange(120 * RATE) / RATE
    wobble = np.cumsum(np.random.default_rng(1).standard_normal(len(t))) * 0.02
    solitary_rise, spec = (
        spectrogram(x).numpy() for x in (background(120), background(120) + 0.3 * np.sin(2 * np.pi * hz * t + wobble))
    )
    found, height = alpha_peak(spec, OK)
    assert found == pytest.approx(hz, abs=0.15)
    rise = (spec - solitary_rise)[channel_indices(("O1", "O2", "P3", "P4"))].mean((0, 2)).max()
    assert height == pytest.approx(rise, abs=1)  # over what is there without it


def test_a_background_alone_has_no_clear_alpha_peak():
    assert alpha_peak(spectrogram(background(120)).numpy(), OK)[1] < 3
    assert np.isnan(alpha_peak(noisy(0), np.array([c not in ("O1", "O2", "P3") for c in CHANNELS]))[0])


def test_a_redraw_is_the_recorded_session_or_the_same_with_other_noise(tiny_cohort):
    rows = read_sessions(tiny_cohort)
    redraws = Redraws(tiny_cohort, dataclasses.asdict(ReadingConfig()))
    name = next(n for n in rows["session_id"] if redraws.latents(n)["alpha_uv"] > 8)
    row = rows.filter(pl.col("session_id") == name).row(0, named=True)
    recorded = spectrogram(read_row(tiny_cohort, row).signal)[
        ..., : int(redraws.visits["seconds"][redraws.place[name]])
    ]
    same, other = redraws.draw(name, 0), redraws.draw(name, 1)
    n = recorded.shape[-1] // 10 * 10 - 10
    assert np.abs(same[..., :n] - recorded.numpy()[..., :n]).max() < 1e-3
    scatter = (other - same)[:, 8:, :n]
    assert 3 < scatter.std() < 5 and np.abs(scatter.mean((0, 2))).max() < 2.5  # √2 x 2.73 dB around one expectation


def test_only_whole_arrays_of_noise_come_from_the_other_generator():
    own, mixed = np.random.default_rng(5), OtherNoise(np.random.default_rng(5), np.random.default_rng(6))
    for size, same in ((None, True), (7, True), ((2, 9), False), (3, True)):
        assert np.array_equal(own.standard_normal(size), mixed.standard_normal(size)) == same
    assert own.random() == mixed.random()


def test_other_noise_leaves_events_where_they_are(tiny_cohort):
    redraws = Redraws(tiny_cohort, {})
    z = redraws.latents(next(iter(redraws.place))) | {"suppression": 0.6, "coma": True, "alpha_uv": 4.0, "pops": 0}
    rng = lambda: np.random.default_rng(5)
    draws = [
        render(z, RATE, 60, 50, g)
        for g in (rng(), OtherNoise(rng(), np.random.default_rng(6)), np.random.default_rng(7))
    ]
    course = [np.log(np.abs(d).reshape(19, -1, RATE // 2).mean((0, 2))) for d in draws]
    assert np.abs(draws[0] - draws[1]).mean() > 1
    assert np.corrcoef(course[0], course[1])[0, 1] > 0.65 > 0.3 > np.corrcoef(course[0], course[2])[0, 1]


def test_against_the_expected_spectrum_an_oracle_is_1_and_its_error_the_floor():
    rng = np.random.default_rng(0)
    truth = np.broadcast_to(3 * np.sin(np.arange(300) / 20), (19, 128, 300))
    original, *draws = (truth + 12 * rng.standard_normal(truth.shape) for _ in range(6))
    told = lambda rebuilt: expected_numbers([against_expected(original, rebuilt, draws, np.ones(300, bool), OK)], 5)
    oracle, copy = told(truth), told(original)
    assert oracle["dynamics_r2"] == pytest.approx(1, abs=0.01) and abs(oracle["noise_copied"]) < 0.05
    assert oracle["raw_mae"] == pytest.approx(oracle["raw_mae_floor"], rel=0.01)
    assert copy["noise_copied"] == pytest.approx(1, abs=0.05) and copy["dynamics_r2"] == pytest.approx(
        copy["dynamics_r2_original"], abs=0.02
    )
    assert copy["raw_mae"] == copy["raw_mae_original"] > oracle["raw_mae"]


def slowed(side, lobe, kept):
    """A recording with slow activity over one lobe, of which the reconstruction keeps a share."""
    level = np.zeros((2, 4, 19))
    right = (
        {"frontal": ("F4", "F8"), "temporal": ("T4",), "parietal": ("P4",), "occipital": ("O2",)}[lobe] if lobe else ()
    )
    left = {"F4": "F3", "F8": "F7", "T4": "T3", "P4": "P3", "O2": "O1"}
    there = channel_indices(right if side > 0 else tuple(left[name] for name in right))
    level[0, 0, there], level[1, 0, there] = 6, 6 * kept
    return Recording(
        "s", 0, "A", 1.0, {"band": level + 1e-3 * np.random.default_rng(0).standard_normal(19)}, np.zeros(1, int)
    )


def test_focal_slowing_kept_lost_and_mirrored():
    planted = [(side, lobe) for side in (-1, 1) for lobe in ("frontal", "temporal", "parietal", "occipital")]
    well = [{"focal": 0.0, "focal_side": 0, "focal_lobe": "", "attenuation": 0.0}] * 4
    ill = [{"focal": 1.0, "focal_side": s, "focal_lobe": place, "attenuation": 0.0} for s, place in planted]
    told = lambda kept: focal_slowing(
        [*(slowed(*p, kept) for p in planted), *(slowed(1, "", 0) for _ in well)], ill + well
    )
    half, mirrored = told(0.5), told(-1.0)
    assert half["kept"] == pytest.approx(0.5, abs=0.01) and half["side_right_rebuilt"] == half["auroc_rebuilt"] == 1
    assert mirrored["side_right_original"] == 1 and mirrored["side_right_rebuilt"] == 0
    assert focal_slowing([slowed(1, "", 0)], well[:1]) == {"sessions": 0}
    thick = [z | {"attenuation": 0.5} for z in ill]
    assert focal_slowing([slowed(*p, 1) for p in planted], thick) == {"sessions": 0}


def test_the_contrast_of_a_lobe_is_positive_on_its_right_side():
    level = np.zeros(19)
    level[channel_indices(("T4",))] = 1
    assert contrasts(level).argmax() == 1 and np.allclose(contrasts(np.ones(19)), 0, atol=1e-6)


def bench(n, seed=0):
    """Matched pairs in train and test, and features of which one knows the label."""
    rng = np.random.default_rng(seed)
    label = np.tile([True, False], n // 2)
    ids = [f"s{i}" for i in range(n)]
    tasks = pl.DataFrame({
        "task": ["t"] * n, "family": ["finding"] * n, "session_id": ids, "subject_id": np.arange(n), "label": label,
        "split": np.where(np.arange(n) < n // 2, "train", "test"), "match_id": [f"m{i // 2}" for i in range(n)],
    })  # fmt: skip
    noise = rng.standard_normal((2, n, 114))
    knows = noise[0] + 1.2 * label[:, None] * (np.arange(114) == 3)
    as_rows = lambda x: {
        name: {"level": row.tolist(), "sd": noise[1, 0].tolist()} for name, row in zip(ids, x, strict=True)
    }
    return tasks, as_rows(knows), as_rows(noise[0])


def test_retention_is_1_if_nothing_is_lost_and_about_0_if_all_is():
    tasks, knows, blind = bench(240)
    kept = retention(tasks, knows, knows, {}, resamples=200)
    assert kept["retention"] == pytest.approx([1, 1, 1]) and kept["auroc"]["original"] > 0.65
    lost = retention(tasks, knows, blind, {"train": [subject_hash(239)]}, resamples=200)
    assert abs(lost["retention"][0]) < 0.4 and lost["retention"][2] < 1 and lost["overlap"] == 1
    assert kept["overlap"] == 0 and kept["subjects"] == 240 and kept["tasks"] == 1


@pytest.mark.parametrize(("bins", "frames", "counted"), [(8, 10, 7), (16, 5, 15), (4, 20, 4)])
def test_every_grid_gives_back_as_many_frames_and_counts_what_is_half_valid(bins, frames, counted):
    torch.manual_seed(0)
    vqgan = VQGAN(VQGANConfig(width=8, codes=32, bins_per_token=bins, frames_per_token=frames)).eval()
    valid = torch.arange(90) < 73
    coded = reconstruct(vqgan, Reading(torch.from_numpy(noisy(0, 90)), valid, torch.ones(19).bool()))
    assert coded.rebuilt.shape == (19, 128, 90) and coded.tokens.shape == (128 // bins, -(-90 // frames))
    assert coded.counted.sum() == counted


def lopsided(name, **levels):
    """A recording whose bands differ between electrodes: band=(left of P3–P4, right), in dB."""
    band = np.zeros((2, 4, 19))
    for which, sides in levels.items():
        band[:, list(BANDS).index(which), channel_indices(("P3", "P4"))] = sides
    sums = {"band": band, "alpha": np.full((2, 2), 9.0), "artefact": np.array(1.0)}
    return Recording(name, 0, "A", 1.0, sums, np.zeros(1, int))


def test_a_page_shows_a_difference_of_one_band_and_not_an_electrodes_gain(tmp_path):
    gain = lopsided("gain", delta=(0, 9), theta=(0, 9), alpha=(0, 9), beta=(0, 9))
    slow, alpha, fast = lopsided("slow", delta=(5, 0)), lopsided("alpha", alpha=(0, 4)), lopsided("fast", beta=(0, 20))
    sessions = pl.DataFrame({"session_id": ["slow"], "subject_id": [0], "start_time": [None]})
    found = {case.kind: case for case in find_cases(str(tmp_path), sessions, [gain, slow, alpha, fast])}
    assert found["focal slowing"].session_id == "slow" and "none known" in found["focal slowing"].how
    assert found["asymmetric alpha"].session_id == "alpha" and found["asymmetric alpha"].pair == ("P3", "P4")
    assert found["seizure"].session_id is None and found["artefact"].session_id in ("gain", "fast")


def test_a_seizure_and_an_artefact_are_found_where_they_are():
    quiet = np.random.default_rng(0).standard_normal((19, 16, 30))
    fit, pop = quiet.copy(), quiet.copy()
    fit[channel_indices(("T3", "C3", "F7", "T5", "F3")), 1:4, 12:15] += 8
    fit[channel_indices(("T3",)), 1:4, 12:15] += 3
    pop[channel_indices(("O2",)), :, 21] += 9
    channel, column = place_of(Case("seizure", "", "x"), fit)
    assert channel == "T3" and column in (12, 13, 14) and pair_of(channel) == ("T3", "T4")
    assert place_of(Case("artefact", "", "x"), pop) == ("O2", 21) and pair_of("Cz") == ("C3", "C4")


@pytest.fixture(scope="module")
def untrained(tmp_path_factory, tiny_cohort):
    """A tokenizer that says it has seen the train people of the tiny cohort."""
    torch.manual_seed(0)
    vqgan, rows = VQGAN(VQGANConfig(width=8, codes=64)), read_sessions(tiny_cohort, "train")
    vqgan.about = {"trained_on": {"train": sorted({subject_hash(i) for i in rows["subject_id"]})}}
    folder = tmp_path_factory.mktemp("untrained") / "tokenizer"
    vqgan.save_pretrained(folder)
    return folder


def evaluate(folder, **settings):
    return run(folder / "said", "benchmark.fidelity", out=folder / "out", workers=0, redrawn=1, draws=2, **settings)


def test_the_program_writes_numbers_table_and_page(tmp_path, tiny_cohort, untrained):
    done = must(evaluate(tmp_path, tokenizer=untrained, cohort=tiny_cohort, sessions=5))
    report = json.loads((tmp_path / "out" / "tokenizer.json").read_text())
    numbers, protocol = report["groups"]["all"]["numbers"], report["protocol"]
    assert report["groups"]["all"]["count"]["recordings"] == 5 and protocol["seen"] == {} and protocol["synthetic"]
    assert numbers["raw_mae"][0] > numbers["raw_mae_static"][0] > 2 and numbers["bits_per_second"][0] == pytest.approx(
        9.6
    )
    assert sum(g["count"]["recordings"] for g in report["groups"].values()) == 2 * 5  # the whole, and site by site
    assert report["expected"]["sessions"] == 1 and "tasks=" in report["notes"][0]
    assert "SYNTHETIC" in done.out and "SEEN" not in done.out and "dynamics R²" in done.out
    assert (tmp_path / "out" / "tokenizer.png").read_bytes()[:4] == b"\x89PNG"
    text = (tmp_path / "out" / "tokenizer.md").read_text()
    assert all(f"| {channel} |" in text for channel in CHANNELS) and "nan" not in text


def test_people_the_tokenizer_has_seen_are_flagged_and_a_bad_recording_is_a_line(tmp_path, tiny_cohort, untrained):
    cohort = tmp_path / "cohort"
    shutil.copytree(tiny_cohort, cohort)
    config = EvaluateConfig("", str(cohort), "", split="train", sessions=6)
    victim = choose(read_sessions(cohort), config).row(0, named=True)
    (cohort / victim["path"]).write_bytes(b"no recording")
    done = evaluate(tmp_path, tokenizer=untrained, cohort=cohort, split="train", sessions=6)
    report = json.loads((tmp_path / "out" / "tokenizer.json").read_text())
    people = report["groups"]["all"]["count"]["people"]
    assert done.code == 1 and f"not read: {victim['session_id']}" in done.err and "Traceback" not in done.err
    assert list(report["protocol"]["refused"]) == [victim["session_id"]]
    assert "SEEN" in done.out and report["protocol"]["seen"] == {"train": people}


@pytest.mark.parametrize(("settings", "said", "code"), [
    ({"sessions": 999}, "sessions=999: split test has", 1),
    ({"sessions": -1}, "sessions and redrawn must be 0 or more", 2),
    ({"tokenizer": "no/such/folder"}, "there is no such model folder", 1),
])  # fmt: skip
def test_mistakes_are_one_line(tmp_path, tiny_cohort, untrained, settings, said, code):
    done = evaluate(tmp_path, **({"tokenizer": untrained, "cohort": tiny_cohort} | settings))
    assert done.code == code and done.one_line and said in done.err
