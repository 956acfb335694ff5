"""The session Transformer: what may not change its states, what may not leak into its predictions."""

import itertools

import pytest
import torch
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from clef.network.encoder import Encoder, EncoderConfig, plan
from clef.network.pooling import pooled
from clef.network.transformer import Pack
from clef.stages.masks import draw_masks, kept_positions
from clef.stages.recon import ReconConfig, ReconObjective

R, W, K = 4, 6, 11
N = R * W


def make(pool="rows", seed=0, width=16, layers=2, rows=R, codes=K):
    torch.manual_seed(seed)
    config = EncoderConfig(width=width, heads=2, encoder_layers=layers, decoder_layers=2, pool=pool)
    codes = F.normalize(torch.randn(codes, 5), dim=-1)
    encoder = Encoder(config, codes, rows)
    with torch.no_grad():  # far from their small starts, so that every path carries weight
        for name, parameter in encoder.named_parameters():
            if parameter.ndim < 2 or "free" in name or "row" in name:
                parameter.add_(0.3 * torch.randn_like(parameter))
    return encoder.eval()


@pytest.fixture
def encoder():
    return make()


def sessions(lengths=(W, 4, 2), seed=1):
    g = torch.Generator().manual_seed(seed)
    tokens = torch.randint(K, (len(lengths), R, W), generator=g)
    return tokens, torch.arange(W) < torch.tensor(lengths)[:, None]


def batch(lengths=(W, 4, 2), seed=1, hidden_too=True):
    """A masked batch as stage=recon makes it."""
    import numpy as np

    tokens, valid = sessions(lengths, seed)
    ok = valid[:, None].expand(-1, R, -1).flatten(1).numpy()
    masks = [draw_masks(o.reshape(R, W), ReconConfig(), np.random.default_rng((seed, i))) for i, o in enumerate(ok)]
    hidden, kept = (np.stack(m).reshape(len(ok), N) for m in zip(*masks, strict=True))
    return {"tokens": tokens, "valid": valid, "hidden": torch.from_numpy(hidden)} | kept_positions(kept)


def close(a, b, atol=1e-5):
    torch.testing.assert_close(a, b, atol=atol, rtol=0)


# ---- states and embeddings
@pytest.mark.parametrize("pool", ("rows", "mean"))
def test_padding_changes_no_embedding(pool):
    encoder = make(pool)
    tokens, valid = sessions((4, 3))
    padded, padded_ok = F.pad(tokens, (0, 9), value=7), F.pad(valid, (0, 9))
    close(encoder.embed(padded, padded_ok), encoder.embed(tokens, valid))
    close(encoder.embed(tokens[:1, :, :4], valid[:1, :4]), encoder.embed(tokens[:1], valid[:1]))


def test_what_stands_in_invalid_columns_changes_nothing(encoder):
    tokens, valid = sessions()
    valid[0, 2] = False  # a gap, not only padding
    other = torch.where(valid[:, None], tokens, (tokens + 3) % K)
    assert not torch.equal(tokens, other)
    close(encoder.embed(tokens, valid), encoder.embed(other, valid))
    ok = encoder.token_ok(valid)
    close(encoder(tokens, valid)[ok], encoder(other, valid)[ok])


@pytest.mark.parametrize("pool", ("rows", "mean"))
def test_order_and_size_of_the_batch_change_nothing(pool):
    encoder = make(pool)
    tokens, valid = sessions((6, 4, 2, 5))
    together = encoder.embed(tokens, valid)
    order = [3, 1, 0, 2]
    close(encoder.embed(tokens[order], valid[order]), together[order])
    for i in range(4):
        close(encoder.embed(tokens[i : i + 1], valid[i : i + 1]), together[i : i + 1])


def test_whole_sessions_of_real_length_beside_short_ones():
    """16 x 128 tokens through the size `tiny`: the same alone and in a batch."""
    torch.manual_seed(0)
    encoder = Encoder(EncoderConfig(), F.normalize(torch.randn(64, 8), dim=-1)).eval()
    tokens, valid = torch.randint(64, (3, 16, 128)), torch.arange(128) < torch.tensor([128, 30, 128])[:, None]
    with torch.no_grad():
        together = encoder.embed(tokens, valid)
        close(encoder.embed(tokens[:1], valid[:1]), together[:1])
        close(encoder.embed(tokens[1:2, :, :30], valid[1:2, :30]), together[1:2])


def test_every_valid_token_and_its_place_matter(encoder):
    """Or the tests of sameness would pass for a constant."""
    tokens, valid = sessions((4,))
    base = encoder.embed(tokens, valid)
    for row in range(R):
        for column in range(4):
            other = tokens.clone()
            other[0, row, column] = (other[0, row, column] + 1) % K
            assert (encoder.embed(other, valid) - base).abs().max() > 1e-3
    assert (encoder.embed(tokens.flip(2), valid.flip(1)) - base).abs().max() > 1e-3
    assert (encoder.embed(tokens.flip(1), valid) - base).abs().max() > 1e-3


@pytest.mark.parametrize("pool", ("rows", "mean"))
def test_pooling_is_a_plain_mean_over_valid_time(pool):
    encoder = make(pool)
    tokens, valid = sessions()
    valid[0, 1] = False
    states = encoder(tokens, valid).unflatten(1, (R, W))
    plain = []
    for b in range(len(tokens)):
        rows = [
            torch.stack([states[b, r, w] for w in range(W) if valid[b, w]]).mean(0).detach().tolist() for r in range(R)
        ]
        plain.append(torch.tensor(rows).flatten() if pool == "rows" else torch.tensor(rows).mean(0))
    found = encoder.embed(tokens, valid)
    close(found, torch.stack(plain))
    assert found.shape == (3, encoder.output) and found.dtype == torch.float32


def test_pool_can_be_chosen_at_the_call(encoder):
    tokens, valid = sessions()
    close(encoder.embed(tokens, valid, "mean"), make("mean").embed(tokens, valid))


def test_a_session_without_a_valid_column_is_not_nan(encoder):
    tokens, valid = sessions((W, 0))
    found = encoder.embed(tokens, valid)
    assert found.isfinite().all()
    close(found[:1], encoder.embed(tokens[:1], valid[:1]))
    assert pooled(torch.randn(1, R, W, 3), torch.zeros(1, W).bool(), "rows").eq(0).all()


@pytest.mark.parametrize("pool", ("rows", "mean"))
def test_embedding_from_all_kept_tokens_is_the_embedding(pool):
    encoder = make(pool)
    tokens, valid = sessions()
    found = kept_positions(encoder.token_ok(valid).numpy())
    close(encoder.embed_kept(tokens, found["kept"], found["kept_ok"]), encoder.embed(tokens, valid))


def test_kept_tokens_may_stand_in_any_order(encoder):
    tokens, valid = sessions((W, W))
    kept = torch.stack([torch.randperm(N), torch.randperm(N)])
    close(encoder.embed_kept(tokens, kept, kept >= 0), encoder.embed(tokens, valid))


def test_tokens_left_out_of_the_embedding_do_not_reach_it(encoder):
    tokens, valid = sessions()
    keep = encoder.token_ok(valid) & (torch.arange(N) % 3 > 0)
    found = kept_positions(keep.numpy())
    other = torch.where(keep.view(-1, R, W), tokens, (tokens + 1) % K)
    a, b = (encoder.embed_kept(t, found["kept"], found["kept_ok"]) for t in (tokens, other))
    assert torch.equal(a, b) and (a - encoder.embed(tokens, valid)).abs().max() > 1e-3


def test_like_codes_start_alike(encoder):
    """The embedding is linear in the code vector plus a learned one."""
    encoder.free.weight.data.zero_()
    table = encoder.code_table()
    same = Encoder(encoder.config, encoder.codes[[0, 0, 1]], R)
    same.load_state_dict(
        {k: v for k, v in encoder.state_dict().items() if not k.startswith(("free", "codes", "token_bias"))},
        strict=False,
    )
    same.free.weight.data.zero_()
    close(same.code_table(), table[[0, 0, 1]])


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


# ---- layers
def test_any_layer_is_reached_by_name(encoder):
    tokens, valid = sessions()
    names = encoder.layer_names()
    assert names == ["encoder.0", "encoder.1", "decoder.0", "decoder.1", "encoder", "decoder"]
    found = {name: encoder(tokens, valid, name) for name in names}
    assert torch.equal(found["encoder"], encoder(tokens, valid))
    ok = encoder.token_ok(valid)
    for stack in ("encoder", "decoder"):  # the last layer, normed, is what leaves the stack
        normed = getattr(encoder, stack).norm(found[f"{stack}.1"])
        close(found[stack][ok], normed[ok])
    for a, b in itertools.pairwise(names):
        assert (found[a] - found[b])[ok].abs().max() > 1e-2
    close(
        encoder.embed(tokens, valid, layer="decoder.0"), pooled(found["decoder.0"].unflatten(1, (R, W)), valid, "rows")
    )


def test_the_first_layer_is_what_its_own_module_gives():
    encoder, (tokens, valid) = make(), sessions((W,))
    seen = F.embedding(tokens.flatten(), encoder.code_table()) + encoder.places(torch.arange(N), W)
    close(encoder(tokens, valid, "encoder.0")[0], encoder.encoder.layers[0](seen, Pack([N])))


@pytest.mark.parametrize("name", ["encoder.2", "decoder.-1", "3", "to_token", "encoder.x", ""])
def test_an_unknown_layer_names_those_there_are(encoder, name):
    with pytest.raises(
        ValueError, match=r"there are: encoder\.0, encoder\.1, decoder\.0, decoder\.1, encoder, decoder$"
    ):
        encoder(*sessions(), name)


def test_invalid_tokens_have_the_state_zero(encoder):
    tokens, valid = sessions()
    states, ok = encoder(tokens, valid), encoder.token_ok(valid)
    assert states[~ok].eq(0).all() and states[ok].abs().amax(1).gt(0).all()


# ---- positions
@pytest.mark.parametrize(("rows", "columns"), [(8, 256), (32, 64), (16, 3000)])
def test_positions_extend_to_other_grids_and_to_long_sessions(rows, columns):
    """8 hours are 3,000 columns: every place is its own, and near columns are more alike than far ones."""
    encoder = make(rows=rows, width=64)
    place = encoder.places(torch.arange(rows * columns), columns).unflatten(0, (rows, columns)).detach()
    time = place[0] - place[0, :1]
    close(place - place[:, :1], time.expand_as(place), 1e-4)  # a row is a shift
    apart = torch.cdist(place[0], place[0]) + 100 * torch.eye(columns)
    assert apart.min() > 0.1 and torch.pdist(place[:, 0]).min() > 0.1
    near, far = apart.diagonal(1).mean(), apart.diagonal(columns // 4).mean()
    assert near < 0.5 * far


def test_longer_sessions_than_ever_seen_are_embedded():
    encoder = make(rows=2, layers=1)
    tokens = torch.randint(K, (1, 2, 1500), generator=torch.Generator().manual_seed(0))
    found = encoder.embed(tokens, torch.ones(1, 1500).bool())
    assert found.isfinite().all() and found.shape == (1, 2 * 16)


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


# ---- saving
def test_a_saved_encoder_is_the_same_after_loading(encoder, tmp_path):
    encoder.about = {"stage": "recon"}
    encoder.save_pretrained(tmp_path)
    loaded = Encoder.from_pretrained(str(tmp_path))
    tokens, valid = sessions()
    assert torch.equal(loaded.embed(tokens, valid), encoder.embed(tokens, valid))
    assert loaded.about == encoder.about and loaded.config == encoder.config and not loaded.training
    with pytest.raises(ValueError, match="says kind 'clef-encoder', expected 'clef-vqgan'"):
        from tokenizer.vqgan import VQGAN

        VQGAN.from_pretrained(str(tmp_path))


def test_an_encoder_saved_before_there_was_dropout_has_none(encoder):
    about = {k: v for k, v in encoder.describe().items() if k != "dropout"}
    assert Encoder.from_description(about).config == encoder.config


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_a_dropout_that_is_no_share_is_refused(rate):
    with pytest.raises(ValueError, match=r"encoder\.dropout="):
        Encoder(EncoderConfig(dropout=rate), torch.randn(K, 5), R)


@pytest.mark.parametrize(("width", "heads"), [(10, 3), (9, 3)])
def test_a_width_that_heads_do_not_divide_is_refused(width, heads):
    with pytest.raises(ValueError, match=r"encoder\.width="):
        Encoder(EncoderConfig(width=width, heads=heads), torch.randn(K, 5), R)
