"""Disturbances: each does what its name says, and the numbers are those of their definitions."""

import numpy as np
import pytest
import torch

from benchmark.fidelity.disturbances import (
    DISTURBANCES,
    FRONTAL,
    against,
    compare,
    cut,
    disturb,
    louder,
    low_passed,
    summed,
    without,
)
from benchmark.fidelity.passes import Reconstruction
from benchmark.fidelity.table import disturbance_line, disturbance_table
from tests.benchmark.fidelity.helpers import RATE, session
from tokenizer.channels import CHANNELS
from tokenizer.reading.read import ReadingConfig
from tokenizer.readings import Reading, reading_of
from tokenizer.sessions import read_sessions
from tokenizer.vqgan import VQGAN, VQGANConfig


@pytest.fixture(scope="module")
def noise():
    return session(10 * np.random.default_rng(0).standard_normal((19, 60 * RATE)))


def test_a_gain_moves_every_bin_by_the_same(noise):
    moved = reading_of(louder(noise, 2.0)).spec - reading_of(noise).spec
    assert moved.numpy() == pytest.approx(20 * np.log10(2), abs=1e-3)


def test_electrodes_are_missing_and_nothing_else(noise):
    places = [CHANNELS.index(name) for name in FRONTAL]
    left = reading_of(without(noise))
    assert np.flatnonzero(~left.channel_ok.numpy()).tolist() == sorted(places)
    assert torch.equal(left.spec[left.channel_ok], reading_of(noise).spec[left.channel_ok])
    assert noise.channel_ok.all() and noise.signal[places].any()  # the recording itself stays


def test_another_reference_is_in_all_channels_and_gone_against_the_average(noise):
    left, at = against(noise), CHANNELS.index("Cz")
    assert np.flatnonzero(~left.channel_ok).tolist() == [at] and not left.signal[at].any()
    np.testing.assert_allclose(left.signal[0], noise.signal[0] - noise.signal[at], atol=1e-4)
    same = without(noise, ("Cz",))
    average, wanted = (reading_of(one, reference="average").spec for one in (left, same))
    assert (average - wanted).abs().max() < 0.01 and (reading_of(left).spec - reading_of(same).spec).abs().max() > 1


def test_a_low_pass_takes_what_is_above_it(noise):
    change = (reading_of(low_passed(noise)).spec - reading_of(noise).spec).mean((0, 2))
    assert change[8:50].abs().max() < 0.5 and change[80] == pytest.approx(-6, abs=1) and change[112:].max() < -15


def test_a_tenth_of_the_seconds_is_cut_out_in_stretches(noise):
    left = cut(noise)
    assert (left.valid == 0).sum() == 5 and not left.signal[:, np.repeat(left.valid == 0, RATE)].any()
    assert (noise.valid == 1).all()


def reading(spec):
    return Reading(torch.from_numpy(spec), torch.ones(spec.shape[-1]).bool(), torch.ones(19).bool())


def test_what_is_compared_follows_from_its_definitions():
    spec = np.random.default_rng(1).standard_normal((19, 128, 40)).astype(np.float32)
    tokens = np.arange(64).reshape(16, 4) % 20
    other = np.where(np.arange(4) < 2, tokens, 0)  # two columns keep their codes, two fall together
    counted = np.array([True, True, True, True])
    a = Reconstruction(spec + 1, tokens, counted)
    b = Reconstruction(spec + 6 + 1.5, other, counted)
    compared = compare(reading(spec), a, reading(spec + 6), b)
    equal = (tokens == other).mean()
    assert compared == pytest.approx([20, len(np.unique(other)), 1, 1.5, 1, 1.5, equal], abs=1e-5)
    row = summed("gain 2", np.stack([compared, compared]))
    assert row["level_error"] == pytest.approx(1.5) and not row["level_holds"] and row["recordings"] == 2
    assert row["codes"] == pytest.approx(len(np.unique(other)) / 20)
    assert compare(reading(spec), a, reading(spec), Reconstruction(spec, tokens, ~counted)) is None


def test_the_table_says_which_bars_hold():
    rows = [summed("good", np.array([[10, 9, 1, 1.1, 1, 1, 0.5]])), summed("bad", np.array([[10, 5, 1, 1.3, 1, 2, 0]]))]
    header, lines = disturbance_table(rows)
    assert all(len(line) == len(header) for line in lines)
    assert lines[0] == ["good", "x 0.90", "1.00 to 1.10 dB, x 1.10", "1.00 to 1.00", "0.50", "hold"]
    assert lines[1][-1] == "MISSED: codes and level"
    assert disturbance_line(rows).startswith("1 of 2 disturbances within the bars")


def test_a_session_without_its_level_keeps_its_codes_at_any_gain(tiny_cohort):
    torch.manual_seed(0)
    sessions = read_sessions(tiny_cohort, "test").head(1)
    vqgan = VQGAN(VQGANConfig(width=8, encoder_blocks=1, decoder_blocks=1, codes=32, code_dimension=4))
    rows = {r["disturbance"]: r for r in disturb(str(tiny_cohort), sessions, ReadingConfig(), vqgan)}
    assert list(rows) == list(DISTURBANCES)
    for gain in ("0.25", "0.5", "2", "4"):
        row = rows[f"gain {gain}"]
        assert row["codes_hold"] and row["equal_tokens"] > 0.95 and row["level_error"] == pytest.approx(1, abs=0.02)
