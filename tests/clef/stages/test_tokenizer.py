"""stage=tokenizer: which crops it sees, how they are varied, and what its loss counts."""

import dataclasses

import numpy as np
import pytest
import torch

from clef.stages.crops import CHANNELS, MIRRORED, Crops, as_it_is, collate, colours, crop
from clef.stages.tokenizer import TokenizerObjective, TokenizerStageConfig, make_vqgan
from tests.helpers import spectrogram
from tokenizer.reading.read import ReadingConfig
from tokenizer.readings import Reading, Spectrograms
from tokenizer.sessions import read_sessions
from tokenizer.vqgan import VQGAN, VQGANConfig

SMALL = VQGANConfig(width=8, encoder_blocks=1, decoder_blocks=1, codes=16, code_dimension=4)


def objective(**changes):
    torch.manual_seed(0)
    vqgan = VQGAN(SMALL)
    vqgan.set_scale(torch.full((128,), -10.0), torch.full((128,), 5.0), torch.full((128,), 2.0))
    return TokenizerObjective(vqgan, TokenizerStageConfig(**changes), 0).eval()


def crops(n=3, frames=40, valid=(40, 30, 20)):
    ok = torch.ones(19, dtype=torch.bool)
    readings = []
    for i in range(n):
        channels = ok.clone()
        channels[: 3 * i] = False
        readings.append(Reading(spectrogram(1, frames, i)[0], torch.arange(frames) < valid[i], channels))
    return collate([as_it_is(reading) for reading in readings])


def test_tokenizer_loss_ignores_invalid_frames_and_missing_channels():
    batch, other = crops(), crops()
    other["spec"] = torch.where(batch["valid"][:, None, None], other["spec"], torch.tensor(31.0))
    other["spec"] = torch.where(batch["channel_ok"][:, :, None, None], other["spec"], torch.tensor(-7.0))
    assert not torch.equal(batch["spec"], other["spec"])
    for progress in (0.0, 0.5, 0.9):  # without codes, with codes, with the discriminator
        a, b = (objective()(given, batch["counts"], progress) for given in (batch, other))
        assert ("fooled" in a) == (progress > 0.75)
        assert a.keys() == b.keys() and all(torch.allclose(a[k], b[k], atol=1e-6) for k in a), progress


def test_tokenizer_loss_is_a_share_that_adds_up_over_micro_batches():
    """Also the adversarial part, where crops hold different numbers of valid frames."""
    whole = crops()
    parts = [{k: v[i : i + 1] if k != "counts" else v for k, v in whole.items()} for i in range(3)]
    together = objective()(whole, whole["counts"], 0.9)
    apart = [objective()(part, whole["counts"], 0.9) for part in parts]
    for name, value in together.items():
        torch.testing.assert_close(value, sum(a[name] for a in apart), msg=name)


def test_a_wholly_invalid_crop_counts_nothing():
    whole = crops(valid=(40, 30, 0))
    some = {k: v[:2] if k != "counts" else v for k, v in whole.items()}
    a, b = (objective()(given, whole["counts"], 0.9) for given in (whole, some))
    assert all(torch.allclose(a[k], b[k], atol=1e-6) for k in a)


def test_the_terms_of_the_loss_are_the_stated_ones():
    """Against plain formulas over one fully valid crop, in dB: sd 5, sd of deviations 2."""
    batch, stage = crops(1), objective(deviation_weight=0.5, cell_weight=0.3, static_weight=0.7)
    found = stage(batch, batch["counts"], 0.0)
    x = batch["spec"]
    y = stage.vqgan.join(stage.vqgan(x, batch["valid"], batch["channel_ok"], quantise=False)["planes"]).detach()
    level = stage.vqgan(x, batch["valid"], batch["channel_ok"], quantise=False)["planes"][:, :1].detach() * 5 - 10
    between = ((x - x.mean(1, keepdim=True)) - (y - level)) / 2
    cells = lambda v: v.reshape(1, 19, 16, 8, 4, 10).mean((3, 5))
    expected = {
        "l1": (x - y).abs().mean() / 5,
        "deviation": between.abs().mean(),
        "cell_l1": cells(x - y).abs().mean() / 5,
        "cell_deviation": cells(between).abs().mean(),
        "static": cells(between).mean(-1).abs().mean(),
        "mae_db": (x - y).abs().mean(),
    }
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, msg=name, atol=1e-5, rtol=1e-4)
    correlation = np.corrcoef(x.flatten().numpy(), y.flatten().numpy())[0, 1]
    assert found["decorrelation"].item() == pytest.approx(1 - correlation, abs=1e-4)
    total = found["l1"] + 0.5 * found["deviation"] + 0.1 * found["decorrelation"]
    total = total + 0.3 * (found["cell_l1"] + 0.5 * found["cell_deviation"]) + 0.5 * 0.7 * found["static"]
    torch.testing.assert_close(found["loss"], total)


def test_inter_channel_terms_vanish_for_an_offset_common_to_all_channels():
    """And only for that one: an offset of one channel counts, one of a missing channel does not."""
    batch, stage = crops(1), objective()
    batch["channel_ok"][0, 4] = batch["channel_seen"][0, 4] = False
    planes = stage.vqgan.split(batch["spec"], batch["channel_ok"])

    def terms(offset):
        stage.vqgan.reconstruct = lambda code, valid: planes + offset
        out = stage(batch, batch["counts"], 0.0)
        return [out[name].item() for name in ("deviation", "cell_deviation", "static", "l1")]

    common, one, missing = (torch.zeros(1, 20, 1, 1) for _ in range(3))
    common[:, 0], one[:, 8], missing[:, 5] = 3.0, 3.0, 3.0
    assert terms(common) == pytest.approx([0, 0, 0, 3], abs=1e-5)
    assert terms(one) == pytest.approx([3 / 18] * 3 + [3 * 2 / 5 / 18], rel=1e-4)
    assert terms(missing) == pytest.approx([0] * 4, abs=1e-5)


def test_a_hidden_channel_is_asked_for_but_not_seen():
    batch, stage = crops(1), objective()
    batch["channel_seen"] = batch["channel_ok"].clone()
    batch["channel_seen"][0, 9] = False
    other = dict(batch, spec=batch["spec"].clone())
    other["spec"][0, 9] += 5
    seen = [stage.vqgan.features(b["spec"], b["valid"], b["channel_seen"])[0] for b in (batch, other)]
    assert torch.equal(*seen)
    assert stage(batch, batch["counts"], 0.0)["l1"] != stage(other, other["counts"], 0.0)["l1"]


def test_generator_and_discriminator_teach_only_themselves():
    batch, stage = crops(), objective()
    out = stage(batch, batch["counts"], 0.9)
    judge = torch.autograd.grad(out["judge"], list(stage.vqgan.parameters()), retain_graph=True, allow_unused=True)
    assert all(g is None for g in judge)
    fooled = torch.autograd.grad(
        out["fooled"], list(stage.discriminator.parameters()), retain_graph=True, allow_unused=True
    )
    assert all(g is None for g in fooled)
    reached = torch.autograd.grad(out["fooled"], stage.vqgan.stem.weight, allow_unused=True)[0]
    assert reached is not None and reached.abs().sum() > 0


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
    same = samples._vary(crop_of, np.random.default_rng(0))
    assert torch.equal(same.spec, crop_of.spec) and same.channel_seen.all()
    samples.config = varied
    drawn = [samples._vary(crop_of, np.random.default_rng(i)) for i in range(600)]
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
    drawn = [samples._vary(crop_of, np.random.default_rng(i)) for i in range(300)]
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


def test_scale_is_of_the_valid_frames_of_train(readings, tiny_cohort):
    samples = readings()
    rows = np.random.default_rng((0, 2)).permutation(len(samples.train))[:3]
    source = Spectrograms(str(tiny_cohort), read_sessions(tiny_cohort, "train"), ReadingConfig())
    found = [source[int(r)] for r in rows]
    flat = lambda cells: cells.permute(1, 0, 2).reshape(128, -1).numpy()
    each = [r.spec[r.channel_ok][:, :, r.valid].double() for r in found]
    cells = np.concatenate([flat(c) for c in each], axis=1)
    between = np.concatenate([flat(c - c.mean(0)) for c in each], axis=1)
    mean, sd, deviation = samples.scale()
    np.testing.assert_allclose(mean, cells.mean(1), atol=1e-3)
    np.testing.assert_allclose(sd, cells.std(1), atol=1e-3)
    np.testing.assert_allclose(deviation, between.std(1), atol=1e-3)
    vqgan = make_vqgan(SMALL, samples)
    assert torch.equal(vqgan.mean_db, mean) and torch.equal(vqgan.sd_db, sd)
