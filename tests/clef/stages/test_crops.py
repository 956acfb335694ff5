"""Crops: which stretches of which recordings, how they are varied, and the scale of the training recordings."""

import dataclasses

import numpy as np
import pytest
import torch

from clef.stages.crops import CHANNELS, MIRRORED, Crops, colours, crop
from clef.stages.tokenizer import TokenizerStageConfig, make_vqgan
from tests.helpers import spectrogram
from tokenizer.level import electrode_levels, session_level
from tokenizer.readings import Reading, ReadingConfig, Spectrograms
from tokenizer.sessions import read_sessions
from tokenizer.vqgan import VQGANConfig

LEVELS = torch.zeros(19)

SMALL = VQGANConfig(width=8, encoder_blocks=1, decoder_blocks=1, codes=16, code_dimension=4)


def test_crop_stays_inside_and_pads_what_is_short():
    reading = Reading(spectrogram(1, 100)[0], torch.ones(100).bool(), torch.ones(19).bool())
    for where, start in ((0.0, 0), (0.5, 30), (0.999, 60)):
        found = crop(reading, 40, where)
        assert torch.equal(found.spec, reading.spec[..., start : start + 40]) and found.valid.all()
    long = crop(reading, 140, 0.7)
    assert torch.equal(long.spec[..., :100], reading.spec) and long.valid.tolist() == [True] * 100 + [False] * 40


@pytest.fixture(scope="module")
def readings(tiny_cohort):
    config = TokenizerStageConfig(crop_frames=20, scale_sessions=3, validation_sessions=2)
    sessions = read_sessions(tiny_cohort)
    return lambda seed=0: Crops(str(tiny_cohort), sessions, config, ReadingConfig(), seed)


def test_crops_follow_from_seed_and_sample_number_alone(readings):
    first = readings().batch([5, 6])
    samples = readings()
    samples.batch([40, 1])  # whatever was read before
    again = samples.batch([9, 6, 5])
    assert torch.equal(first["spec"][0], again["spec"][2]) and torch.equal(first["spec"][1], again["spec"][1])
    assert not torch.equal(first["spec"], readings(1).batch([5, 6])["spec"])
    assert first["counts"] == {"frames": float(first["valid"].sum())}


def test_crops_are_varied_in_the_stated_shares(readings):
    samples = readings()
    plain, varied = samples.config, dataclasses.replace(samples.config, mirror=0.5, hide_channels=0.3, colour=0.0)
    crop_of = Reading(spectrogram(1, 20)[0], torch.ones(20).bool(), torch.ones(19).bool())
    samples.config = dataclasses.replace(plain, mirror=0.0, hide_channels=0.0, colour=0.0)
    same = samples._vary(crop_of, LEVELS, np.random.default_rng(0))
    assert torch.equal(same.spec, crop_of.spec) and same.channel_seen.all()
    samples.config = varied
    drawn = [samples._vary(crop_of, LEVELS, np.random.default_rng(i)) for i in range(600)]
    mirrored = [torch.equal(d.spec, crop_of.spec[MIRRORED]) for d in drawn]
    hidden = np.array([19 - int(d.channel_seen.sum()) for d in drawn])
    assert np.mean(mirrored) == pytest.approx(0.5, abs=0.06) and (hidden > 0).mean() == pytest.approx(0.3, abs=0.06)
    assert set(hidden) == {0, 1, 2, 3, 4} and all(d.channel_ok.all() for d in drawn)


def test_random_spectra_are_smooth_of_the_stated_size_and_only_on_channels_there():
    ok = torch.ones(19).bool()
    ok[4] = False
    drawn = torch.stack([colours(ok, np.random.default_rng(i))[:, :, 0] for i in range(400)])  # (400, C, F)
    assert not drawn[:, 4].any() and drawn[:, ok, ::26].std() == pytest.approx(1.2, abs=0.15)
    assert drawn.diff(dim=-1).abs().max() < 0.5  # six knots over 128 bins: no step from bin to bin
    apart = (drawn[:, ok] - drawn[:, ok].mean(1, keepdim=True)).abs().amax((1, 2)) > 1e-6
    assert apart.float().mean() > 0.8  # in most crops some channels differ from the rest


def test_random_spectra_are_added_to_half_of_the_crops(readings):
    samples = readings()
    samples.config = dataclasses.replace(samples.config, mirror=0.0, hide_channels=0.0, colour=2.0)
    crop_of = Reading(spectrogram(1, 20)[0], torch.ones(20).bool(), torch.ones(19).bool())
    drawn = [samples._vary(crop_of, LEVELS, np.random.default_rng(i)) for i in range(300)]
    added = np.array([float((d.spec - crop_of.spec).square().mean().sqrt()) for d in drawn])
    assert (added > 0).mean() == pytest.approx(0.5, abs=0.08) and 1.0 < added[added > 0].mean() < 4.0


def test_left_and_right_change_places():
    pairs = {CHANNELS[i]: CHANNELS[j] for i, j in enumerate(MIRRORED)}
    assert pairs["Fp1"] == "Fp2" and pairs["T6"] == "T5" and pairs["Cz"] == "Cz" and pairs["O2"] == "O1"
    assert [MIRRORED[i] for i in MIRRORED] == list(range(19))


def test_crops_are_of_train_and_validation_of_val(readings, tiny_cohort):
    split = dict(read_sessions(tiny_cohort).select("session_id", "split").iter_rows())
    samples = readings()
    assert {split[r["session_id"]] for r in samples.train.rows} == {"train"}
    assert {split[r["session_id"]] for r in samples.held_out.rows} == {"val"} and len(samples.held_out) == 2
    assert sum(len(b["spec"]) for b in samples.validation()) == 2


@pytest.mark.parametrize("level", [True, False])
def test_scale_is_of_the_valid_frames_of_train(readings, tiny_cohort, level):
    samples = readings()
    rows = np.random.default_rng((0, 2)).permutation(len(samples.train))[:3]
    source = Spectrograms(str(tiny_cohort), read_sessions(tiny_cohort, "train"), ReadingConfig())
    some = [source[int(r)] for r in rows]
    levels = [float(session_level(r.spec, r.valid, r.channel_ok)) for r in some]
    flat = lambda cells: cells.permute(1, 0, 2).reshape(128, -1).numpy()
    each = [r.spec[r.channel_ok][:, :, r.valid].double() - level * own for r, own in zip(some, levels, strict=True)]
    cells = np.concatenate([flat(c) for c in each], axis=1)
    between = np.concatenate([flat(c - c.mean(0)) for c in each], axis=1)
    mean, sd, deviation, mean_level = samples.scale(level)
    np.testing.assert_allclose(mean, cells.mean(1), atol=1e-3)
    np.testing.assert_allclose(sd, cells.std(1), atol=1e-3)
    np.testing.assert_allclose(deviation, between.std(1), atol=1e-3)
    assert float(mean_level) == pytest.approx(np.average(levels, weights=[c[0, 0].numel() * len(c) for c in each]))
    if level:
        vqgan = make_vqgan(SMALL, samples)
        assert torch.equal(vqgan.mean_db, mean) and torch.equal(vqgan.sd_db, sd) and vqgan.mean_level == mean_level


def test_a_crop_carries_the_level_of_its_session(readings):
    """Not its own: as `VQGAN.encode` finds it in the whole session, with what was added and hidden in this crop."""
    samples = readings()
    samples.config = dataclasses.replace(samples.config, mirror=0.5, hide_channels=0.5, colour=3.0)
    whole = Reading(spectrogram(1, 60)[0], torch.arange(60) < 50, torch.arange(19) != 7)
    whole.spec[..., 30:] += 6
    for seed in range(20):
        levels = electrode_levels(whole.spec, whole.valid)
        of_whole, of_crop = (
            samples._vary(part, levels, np.random.default_rng(seed)) for part in (whole, crop(whole, 20, 0.0))
        )
        assert of_crop.level == of_whole.level
        expected = session_level(of_whole.spec, of_whole.valid, of_whole.channel_seen)
        assert float(of_whole.level) == pytest.approx(float(expected), abs=1e-4)
