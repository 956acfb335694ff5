"""Byte-pair encoding and report encoder: deterministic, reloadable, blind to padding."""

import json

import pytest
import torch

from clef.network.bpe import learn
from clef.network.report_encoder import PooledTransformer, TextConfig, TextEncoder

TEXTS = [
    f"{side} {lobe} {what}. no seizures."
    for side in ("left", "right", "bilateral")
    for lobe in ("temporal", "frontal", "occipital")
    for what in ("sharp waves", "slowing", "spike-and-wave discharges", "rhythmic delta activity")
]
SMALL = TextConfig(width=32, layers=2, heads=4, vocabulary=400, length=24, output=16)


def small_encoder() -> TextEncoder:
    torch.manual_seed(0)
    return TextEncoder(SMALL, learn([TEXTS], SMALL.vocabulary, 1)).eval()


def test_padding_and_company_change_nothing():
    encoder = small_encoder()
    ids, mask = encoder.tokenize(["left temporal slowing", TEXTS[2], ""])
    used = int(mask[0].sum())
    for training, gradients in ((True, True), (False, True), (False, False)):  # code paths inside torch
        with torch.set_grad_enabled(gradients):
            encoder.train(training)
            together = encoder(ids, mask)
            assert (together[:1] - encoder(ids[:1, :used], mask[:1, :used])).abs().max() < 1e-5
            assert (encoder(torch.where(mask, ids, 7), mask) - together).abs().max() < 1e-5
            assert together.isfinite().all() and (together[2] - encoder.trunk.project.bias).abs().max() < 1e-6


def test_empty_texts_pass_finite_gradients():
    encoder = small_encoder().train()
    encoder(*encoder.tokenize(["", ""])).square().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in encoder.parameters())


def test_order_of_words_matters_and_spelling_does_not():
    encoder = small_encoder()
    with torch.no_grad():
        out = encoder(*encoder.tokenize(["left slowing no spikes", "left spikes no slowing", "Left SLOWING no spikes"]))
    # equal rows of one batch may be summed in another order: the threads cut a product where they like. Sums of some
    # hundred products of size one round by 1e-7 each, so 1e-5 is above any rounding and far below a change of order
    assert (out[0] - out[1]).abs().max() > 1e-3 and (out[0] - out[2]).abs().max() < 1e-5
    assert torch.equal(*(encoder.tokenize([t])[0] for t in ("generalized slowing", "Generalised slowing")))


def test_an_encoder_reloads_from_json_and_tensors():
    encoder = small_encoder()
    again = TextEncoder.from_config(json.loads(json.dumps(encoder.to_config())))
    again.load_state_dict(encoder.state_dict(), strict=True)
    batch = encoder.tokenize(TEXTS[:3])
    with torch.no_grad():
        assert torch.equal(again.eval()(*again.tokenize(TEXTS[:3])), encoder(*batch))


def test_layers_start_different_and_sizes_are_checked():
    trunk = PooledTransformer(32, 2, 4, 8, 0.0)
    assert not torch.equal(trunk.layers[0].linear1.weight, trunk.layers[1].linear1.weight)
    with pytest.raises(ValueError, match="width 30 cannot be divided into 4 heads"):
        PooledTransformer(30, 1, 4, 8, 0.0)


def test_one_batch_can_be_overfitted():
    encoder = small_encoder().train()
    ids, mask = encoder.tokenize(TEXTS[:8])
    target = torch.eye(16)[:8]
    optimiser = torch.optim.Adam(encoder.parameters(), 1e-3)
    for _ in range(150):
        loss = (encoder(ids, mask) - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 1e-3
