"""stage=tokenizer: which crops it sees, how they are varied, and what its loss counts."""

import numpy as np
import pytest
import torch

from clef.stages.crops import as_it_is, collate
from clef.stages.tokenizer import SLOWEST, TokenizerObjective, TokenizerStageConfig, codebook_pace
from tests.helpers import spectrogram
from tokenizer.readings import Reading
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
    return collate([as_it_is(reading, frames) for reading in readings])


def test_tokenizer_loss_ignores_invalid_frames_and_missing_channels():
    batch, other = crops(), crops()
    other["spec"] = torch.where(batch["valid"][:, None, None], other["spec"], torch.tensor(31.0))
    other["spec"] = torch.where(batch["channel_ok"][:, :, None, None], other["spec"], torch.tensor(-7.0))
    assert not torch.equal(batch["spec"], other["spec"])
    other["wanted"] = other["spec"]
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
    x = stage.vqgan.levelled(batch["spec"], batch["level"])
    y = stage.vqgan.join(stage.vqgan(x, batch["valid"], batch["channel_ok"], quantise=False)["planes"]).detach()
    planes = stage.vqgan(x, batch["valid"], batch["channel_ok"], quantise=False)["planes"]
    common = planes[:, :1].detach() * 5 - 10
    between = ((x - x.mean(1, keepdim=True)) - (y - common)) / 2
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
    planes = stage.vqgan.split(stage.vqgan.levelled(batch["spec"], batch["level"]), batch["channel_ok"])

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
    other = dict(batch, spec=batch["spec"].clone(), wanted=batch["wanted"].clone())
    other["spec"][0, 9] += 5
    other["wanted"][0, 9] += 5
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


def test_the_loss_does_not_know_the_level_of_a_session():
    """A whole session louder is the same lesson; with level="none" it is another."""
    for level, same in (("session", True), ("none", False)):
        batch, stage = crops(), objective()
        stage.vqgan.config.level = level
        louder = dict(batch, spec=batch["spec"] + 9, wanted=batch["wanted"] + 9, level=batch["level"] + 9)
        a, b = (stage(given, batch["counts"], 0.5)["loss"] for given in (batch, louder))
        assert torch.allclose(a, b, atol=1e-5) is same


def test_the_term_of_peaks_is_that_of_the_highest_second_of_each_token():
    """And a spike of one second that averages hide is in it."""
    batch, stage = crops(1), objective(peak_weight=0.5)
    out = stage(batch, batch["counts"], 0.0)
    y = stage.vqgan(batch["spec"], batch["valid"], batch["channel_ok"], False, batch["level"])["planes"].detach()
    x = stage.vqgan.split(stage.vqgan.levelled(batch["spec"], batch["level"]), batch["channel_ok"])
    x, y = stage._channels(x), stage._channels(y)
    highest = lambda v: v.reshape(1, 19, 16, 8, 4, 10).mean(3).amax(-1)
    torch.testing.assert_close(out["peak"], (highest(x) - highest(y)).abs().mean(), atol=1e-5, rtol=1e-4)
    rest = objective()(batch, batch["counts"], 0.0)
    assert "peak" not in rest and out["loss"].item() == pytest.approx(
        (rest["loss"] + 0.5 * out["peak"]).item(), rel=1e-5
    )


def test_what_is_wanted_may_be_another_recording_than_what_is_given():
    batch, stage = crops(1), objective()
    other = dict(batch, wanted=batch["wanted"] + 2)
    a, b = (stage(given, batch["counts"], 0.0) for given in (batch, other))
    assert a["commitment"] == b["commitment"] and a["l1"] != b["l1"]


def test_the_codebook_comes_to_rest_with_the_network():
    assert [codebook_pace(p) for p in (0.0, 0.5, 0.75, 0.99, 1.0)] == [1.0, 1.0, 0.5, SLOWEST, SLOWEST]
