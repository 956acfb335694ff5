"""Redraws of a synthetic session, numbers against the expected spectrum, and planted focal slowing."""

import dataclasses

import numpy as np
import polars as pl
import pytest
import torch

from benchmark.fidelity.summary import Recording
from benchmark.fidelity.truth import (
    DIFFERENT_DB,
    Redraws,
    against_expected,
    contrasts,
    expected,
    expected_numbers,
    focal_slowing,
)
from clef.importers.synthetic.signals import render
from clef.importers.synthetic.waves import Streams
from tests.benchmark.fidelity.helpers import OK, RATE
from tokenizer.cells import channel_indices
from tokenizer.readings import ReadingConfig, Spectrograms
from tokenizer.sessions import read_sessions
from tokenizer.vqgan import VQGAN, VQGANConfig


@pytest.fixture(scope="module")
def redraws(tiny_cohort):
    return Redraws(tiny_cohort, dataclasses.asdict(ReadingConfig()))


def digital(path):
    """All samples of an EDF file, in steps of the amplifier; its header says where they start."""
    data = path.read_bytes()
    return np.frombuffer(data[int(data[184:192]) :], "<i2").astype(int)


def test_a_redraw_is_the_recorded_session_or_the_same_with_other_noise(tiny_cohort, redraws, tmp_path):
    """Exact would be equal bytes, but a processor may sum float32 in another order than that of the recording.

    An electrode is a sum of some 40 sources of 100 µV: rounding moves it by about 2**-24 x 100 x sqrt(40) = 4e-5 µV,
    far less than the step of 0.1 µV. So a sample may fall on the other side of one rounding boundary, never of two, and
    one in 1,000 does (2 x 4e-5 / 0.1); ten times that is allowed. Other noise moves nearly every sample.
    """
    for row in read_sessions(tiny_cohort).head(3).iter_rows(named=True):
        recorded = digital(tiny_cohort / row["path"])
        redraws.write(row["session_id"], 0, tmp_path / "same.edf")
        redraws.write(row["session_id"], 1, tmp_path / "other.edf")
        same, other = (np.abs(digital(tmp_path / name) - recorded) for name in ("same.edf", "other.edf"))
        assert same.max() <= 1 and (same > 0).mean() < 0.01
        assert (other > 1).mean() > 0.8


def test_spectrograms_of_redraws_scatter_around_one_expectation(tiny_cohort, redraws):
    rows = read_sessions(tiny_cohort)
    name = next(n for n in rows["session_id"] if redraws.latents(n)["alpha_uv"] > 8)
    recorded = Spectrograms(tiny_cohort, rows.filter(pl.col("session_id") == name), ReadingConfig())[0]
    same, other = redraws.draw(name, 0), redraws.draw(name, 1)
    assert same.shape == recorded.spec.shape
    assert np.median(np.abs(same - recorded.spec.numpy())) < DIFFERENT_DB
    scatter = (other - same)[:, 8:, recorded.valid.numpy()]
    # sd sqrt(2) x 2.73 dB around one expectation. Tapers of 2 Hz and windows of 4 s leave 120 / 8 x 28 / 4 = 105
    # independent values if the electrodes shared all of their scatter; 5 standard errors of mean and sd are allowed
    sd, independent = np.sqrt(2) * 2.73, 105
    assert scatter.std() == pytest.approx(sd, abs=5 * sd / np.sqrt(2 * independent))
    assert scatter.mean() == pytest.approx(0, abs=5 * sd / np.sqrt(independent))


def test_a_cohort_of_another_version_has_no_expected_spectrum(tiny_cohort, redraws):
    sessions = Spectrograms(tiny_cohort, read_sessions(tiny_cohort), ReadingConfig())
    torch.manual_seed(0)
    vqgan = VQGAN(VQGANConfig(width=8, codes=32)).eval()
    later = Redraws(tiny_cohort, redraws.options)
    later.seed += 1  # draws every session differently, as another version would
    numbers, notes = expected(vqgan, later, sessions, 1, 2)
    assert numbers is None and "another version" in notes[0]
    numbers, notes = expected(vqgan, redraws, sessions, 1, 2)
    assert numbers["sessions"] == 1 and numbers["draws"] == 2 and not notes


def test_other_noise_leaves_events_where_they_are(redraws):
    z = redraws.latents(next(iter(redraws.row))) | {"suppression": 0.6, "coma": True, "alpha_uv": 4.0, "pops": 0}
    own = lambda: np.random.default_rng(5)
    streams = Streams(own()), Streams(own(), np.random.default_rng(6)), Streams(np.random.default_rng(7))
    draws = [render(z, RATE, 60, 50, each) for each in streams]
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
    slow = channel_indices(right if side > 0 else tuple(left[name] for name in right))
    level[0, 0, slow], level[1, 0, slow] = 6, 6 * kept
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
