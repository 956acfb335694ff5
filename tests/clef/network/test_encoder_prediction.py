"""The session Transformer's predictions: what may not leak into them, what they cost, what dropout does to them."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from clef.network.encoder import plan
from clef.stages.masks import draw_masks, kept_positions
from clef.stages.recon import ReconConfig, ReconObjective
from tests.clef.network.small_encoder import K, N, R, W, batch, close, make, sessions


@pytest.fixture
def encoder():
    return make()


# ---- prediction of hidden tokens
def predict(encoder, given):
    logits, truth = encoder.predict(given)
    assert logits.shape == (int(given["hidden"].sum()), K)
    return logits, truth


def test_only_hidden_valid_tokens_are_predicted_in_order(encoder):
    given = batch()
    _, truth = predict(encoder, given)
    assert torch.equal(truth, given["tokens"].flatten(1)[given["hidden"]])
    assert not (given["hidden"] & ~encoder.token_ok(given["valid"])).any()


def test_a_fresh_encoder_starts_from_how_often_codes_occur(encoder):
    shares = np.arange(1, K + 1) / np.arange(1, K + 1).sum()
    encoder.start_from(shares)
    for parameter in encoder.to_token[2].parameters():
        parameter.data.zero_()  # what it makes of a session, which it cannot yet
    logits, _ = predict(encoder, batch())
    close(logits.softmax(-1), torch.from_numpy(shares).float().expand(len(logits), -1))


def test_logits_of_one_state_can_be_a_density_over_code_vectors(encoder):
    """A normal distribution around any point of the space of code vectors, without what is learned of single codes."""
    points = encoder.codes.double() * encoder.codes.shape[1] ** 0.5
    mean, sd = torch.randn(points.shape[1]).double(), 0.7
    wanted = torch.distributions.Normal(mean, sd).log_prob(points).sum(1)
    state = torch.zeros(encoder.config.width)
    state[0] = 1.0
    encoder.out_of_code.weight.data[0] = torch.cat([mean / sd**2, torch.full_like(mean, -0.5 / sd**2)])
    found = F.linear(state, encoder.out_table(torch.zeros_like(encoder.code_table())))
    close((found - found.mean()).double(), wanted - wanted.mean())


def test_values_of_hidden_tokens_do_not_leak_into_the_prediction(encoder):
    """Neither those that are dropped nor those that enter as mask tokens."""
    given = batch()
    kept_hidden = given["hidden"].gather(1, given["kept"]) & given["kept_ok"]
    dropped = given["hidden"].sum() - kept_hidden.sum()
    assert kept_hidden.any() and dropped > 0  # both kinds are there
    logits, _ = predict(encoder, given)
    for shift in (1, 5):
        flat = given["tokens"].flatten(1)
        other = torch.where(given["hidden"], (flat + shift) % K, flat).view_as(given["tokens"])
        changed, truth = predict(encoder, given | {"tokens": other})
        assert torch.equal(changed, logits) and not (truth == given["tokens"].flatten(1)[given["hidden"]]).any()


def test_every_visible_token_informs_the_prediction_of_its_own_session_only(encoder):
    given = batch()
    logits, _ = predict(encoder, given)
    session = given["hidden"].nonzero()[:, 0]
    visible = (encoder.token_ok(given["valid"]) & ~given["hidden"]).nonzero()
    assert len(visible) >= 3
    for b, n in visible:
        other = given["tokens"].clone().flatten(1)
        other[b, n] = (other[b, n] + 1) % K
        change = (predict(encoder, given | {"tokens": other.view_as(given["tokens"])})[0] - logits).abs().amax(1)
        assert change[session == b].max() > 1e-4 and change[session != b].max() < 1e-6


def test_a_visible_token_that_is_dropped_does_not_reach_the_encoder(encoder):
    """`kept` alone decides what the encoder sees, not `hidden`."""
    given = batch((W,))
    visible = (~given["hidden"][0]).nonzero()[0, 0]
    kept = given["kept"][:, given["kept"][0] != visible]
    without = given | {"kept": kept, "kept_ok": given["kept_ok"][:, 1:]}
    other = given["tokens"].clone().flatten(1)
    other[0, visible] = (other[0, visible] + 1) % K
    other = other.view_as(given["tokens"])
    assert torch.equal(predict(encoder, without)[0], predict(encoder, without | {"tokens": other})[0])
    assert not torch.equal(predict(encoder, given)[0], predict(encoder, given | {"tokens": other})[0])


def test_invalid_tokens_do_not_reach_the_prediction(encoder):
    given = batch()
    logits, _ = predict(encoder, given)
    other = torch.where(given["valid"][:, None], given["tokens"], (given["tokens"] + 2) % K)
    close(predict(encoder, given | {"tokens": other})[0], logits, 1e-6)


def test_padding_and_company_change_no_prediction(encoder):
    """A short session predicts the same alone, with fewer places for kept tokens, and beside a long one."""
    import numpy as np

    tokens, valid = sessions((W, 3))
    ok = valid[:, None].expand(-1, R, -1).flatten(1).numpy()
    masks = [draw_masks(o.reshape(R, W), ReconConfig(), np.random.default_rng(i)) for i, o in enumerate(ok)]
    hidden, kept = (np.stack(m).reshape(len(ok), N) for m in zip(*masks, strict=True))
    both = {"tokens": tokens, "valid": valid, "hidden": torch.from_numpy(hidden)} | kept_positions(kept)
    cut = lambda x: x[1].reshape(R, W)[:, :3].reshape(1, -1)
    alone = {"tokens": tokens[1:, :, :3], "valid": valid[1:, :3], "hidden": torch.from_numpy(cut(hidden))}
    alone |= kept_positions(cut(kept))
    assert alone["kept"].shape[1] < both["kept"].shape[1]
    mine = both["hidden"].nonzero()[:, 0] == 1
    close(predict(encoder, both)[0][mine], predict(encoder, alone)[0])


def test_a_fixed_batch_can_be_overfitted():
    """Smoothing 0, the same masks each time: what is hidden is learned by heart."""
    encoder = make(width=32, layers=1).train()
    objective = ReconObjective(encoder, ReconConfig(smoothing=0.0))
    given = batch((W, W, 5), seed=3)
    totals = {"hidden": float(given["hidden"].sum())}
    optimizer = torch.optim.AdamW(objective.parameters(), lr=3e-3)
    for _ in range(250):
        loss = objective(given, totals, 0.0)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss < 0.05:
            break
    found = objective.eval()(given, totals, 0.0)
    assert found["loss"] < 0.1 and found["accuracy"] > 0.99


def test_every_parameter_learns_from_reconstruction():
    encoder = make().train()
    given = batch()
    ReconObjective(encoder, ReconConfig())(given, {"hidden": 1.0}, 0.0)["loss"].backward()
    silent = [n for n, p in encoder.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert not silent


def test_the_plan_of_a_batch_may_be_made_before(encoder):
    """On the CPU by whoever makes the batch: the same prediction to the bit."""
    given = batch((W, 0, 3))
    a, b = encoder.predict(given), encoder.predict(given | plan(given))
    assert torch.equal(a[0], b[0]) and torch.equal(a[1], b[1])


def flops(work):
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def test_what_is_dropped_or_padding_is_not_computed(encoder):
    """Half of the tokens in the encoder is less than half of its operations, and padding costs nothing at all."""
    tokens, valid = sessions((W, W))
    kept = kept_positions((torch.arange(N) % 2 == 0).expand(2, -1).numpy())
    every = kept_positions(encoder.token_ok(valid).numpy())
    table = flops(encoder.code_table)
    half, full = (flops(lambda k=k: encoder.embed_kept(tokens, k["kept"], k["kept_ok"])) - table for k in (kept, every))
    assert 0.25 < half / full < 0.5
    padded = F.pad(tokens, (0, 50)), F.pad(valid, (0, 50))
    assert flops(lambda: encoder(*padded)) == flops(lambda: encoder(tokens, valid))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("lengths", [(W, W), (W, 3, 0)])
def test_a_step_on_a_gpu_never_waits_for_it_and_gives_the_same(lengths):
    """Waiting empties the queue of the GPU; PyTorch can tell when a call would."""
    encoder, given = make(), batch(lengths)
    wanted, _ = encoder.predict(given)
    on_gpu = {k: v.cuda() if isinstance(v, torch.Tensor) else v for k, v in (given | plan(given)).items()}
    encoder.cuda().predict(on_gpu)  # libraries are loaded by the first call
    torch.cuda.set_sync_debug_mode("error")
    try:
        found, _ = encoder.predict(on_gpu)
        found.square().mean().backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    close(found.cpu(), wanted, 1e-3)


# ---- dropout
def thinned(rate=0.25, **given):
    encoder = make(layers=3)
    for layer in (*encoder.encoder.layers, *encoder.decoder.layers):
        layer.dropout = rate
    return encoder.train(), batch(**given) | {"seed": torch.tensor([5, -3, 2**62])}


def test_dropout_follows_from_the_seed_of_the_sample_and_from_nothing_else():
    """Not from the company in the batch, not from PyTorch's generator, not from how often it was called."""
    encoder, given = thinned(lengths=(W, W, W))
    logits = encoder.predict(given)[0]
    torch.manual_seed(99)
    assert torch.equal(encoder.predict(given)[0], logits)
    whose = given["hidden"].nonzero()[:, 0]
    for i in (2, 0, 1):
        alone = {k: v[i : i + 1] for k, v in given.items()}
        close(encoder.predict(alone)[0], logits[whose == i])
        other = encoder.predict(alone | {"seed": alone["seed"] + 1})[0]
        assert (other - logits[whose == i]).abs().max() > 1e-2


def test_dropout_is_off_without_seeds_and_in_eval():
    encoder, given = thinned()
    seedless = {k: v for k, v in given.items() if k != "seed"}
    whole = make(layers=3).predict(given)[0]
    assert torch.equal(encoder.predict(seedless)[0], whole)
    assert not torch.equal(encoder.predict(given)[0], whole)
    assert torch.equal(encoder.eval().predict(given)[0], whole)
