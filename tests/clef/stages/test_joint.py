"""stage=joint: the losses of both stages on their own samples, weighted, and everything learns."""

import numpy as np
import pytest
import torch

from clef.network.encoder import Encoder, EncoderConfig
from clef.stages.align import AlignConfig, AlignObjective, Pairs
from clef.stages.joint import JointConfig, JointObjective, JointSamples
from clef.stages.partners import find_partners
from clef.stages.recon import MaskedSessions, ReconConfig, ReconObjective
from tests.clef.stages.test_align import EVENTS, REPORTS, K, heads, people
from tests.helpers import random_tokens as tokens


@pytest.fixture
def joint():
    torch.manual_seed(0)
    encoder = Encoder(EncoderConfig(16, 2, 1, 1), torch.nn.functional.normalize(torch.randn(K, 5), dim=-1), 4)
    parts, align, recon = heads(encoder), AlignConfig(), ReconConfig(validation_sessions=4)
    partners = find_partners(tokens(), people(), EVENTS, REPORTS, parts.report, parts.record.vocabulary)
    samples = JointSamples(MaskedSessions(tokens(), recon, 0), Pairs(tokens(), partners, align, 0))
    return JointObjective(encoder, parts, align, recon, JointConfig(0.5, 2.0)), samples


def test_its_loss_is_the_weighted_sum_of_both_stages_on_their_own_batches(joint):
    stage, samples = joint
    batch = samples.batch(range(8))
    masked, pairs = samples.masked.batch(range(8)), samples.pairs.batch(range(8))
    found = stage(batch, batch["counts"], 0.0)
    recon = ReconObjective(stage.encoder, stage.recon)(masked, masked["counts"], 0.0)
    align = AlignObjective(stage.encoder, stage.heads, stage.config)(pairs, pairs["counts"], 0.0)
    assert torch.equal(found["loss_recon"], recon["loss"]) and torch.equal(found["accuracy"], recon["accuracy"])
    assert torch.equal(found["loss_align"], align["loss"]) and torch.equal(found["loss_report"], align["loss_report"])
    torch.testing.assert_close(found["loss"], 0.5 * recon["loss"] + 2 * align["loss"])


def test_every_parameter_learns_in_one_group(joint):
    stage, samples = joint
    batch = samples.batch(range(8))
    stage(batch, batch["counts"], 0.0)["loss"].backward()
    silent = [n for n, p in stage.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert not silent
    (group,) = stage.groups()
    assert {id(p) for p in group["params"]} == {id(p) for p in stage.parameters()} and "scale" not in group


def test_held_out_batches_count_the_same_and_add_up_to_those_of_either_stage(joint):
    stage, samples = joint
    stage.eval()
    batches = samples.validation()
    assert len(batches) == len(samples.masked.validation()) > 1
    totals = {n: max(1.0, sum(b["counts"][n] for b in batches)) for n in batches[0]["counts"]}
    assert all(b["counts"].keys() == totals.keys() for b in batches)
    with torch.no_grad():
        parts = [stage(b, totals, 0.0) for b in batches]
        sums = {k: sum(float(p[k]) for p in parts if k in p) for k in ("loss", "loss_align", "loss_recon")}
        (pairs,) = samples.pairs.validation()
        align = AlignObjective(stage.encoder, stage.heads, stage.config)(pairs, totals, 0.0)
    assert sums["loss_align"] == pytest.approx(float(align["loss"]))
    assert sums["loss"] == pytest.approx(0.5 * sums["loss_recon"] + 2 * sums["loss_align"])
    assert np.isfinite(sums["loss"]) and any(k.startswith("loss_50") for p in parts for k in p)
