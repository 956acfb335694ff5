"""The session Transformer: what may not change its states, what may not leak into its predictions."""

import pytest
import torch
from torch.nn import functional as F

from clef.encoder import Encoder, EncoderConfig, pooled
from clef.stage_recon import ReconConfig, ReconObjective, draw_masks, pack

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
    masks = [draw_masks(o, ReconConfig(), np.random.default_rng((seed, i))) for i, o in enumerate(ok)]
    hidden, kept = (np.stack(m) for m in zip(*masks, strict=True))
    return {"tokens": tokens, "valid": valid, "hidden": torch.from_numpy(hidden)} | pack(kept)


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
    found = pack(encoder.token_ok(valid).numpy())
    close(encoder.embed_kept(tokens, found["kept"], found["kept_ok"]), encoder.embed(tokens, valid))


def test_encoding_everything_kept_is_forward(encoder):
    tokens, valid = sessions((W, W))
    kept = torch.stack([torch.randperm(N), torch.randperm(N)])  # in any order
    states = encoder.encode_kept(tokens.flatten(1), kept, kept >= 0, encoder.places(W), encoder.code_table())
    close(states, encoder(tokens, valid).gather(1, kept[..., None].expand(-1, -1, states.shape[-1])))


def test_tokens_left_out_of_the_embedding_do_not_reach_it(encoder):
    tokens, valid = sessions()
    keep = encoder.token_ok(valid) & (torch.arange(N) % 3 > 0)
    found = pack(keep.numpy())
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
    masks = [draw_masks(o, ReconConfig(), np.random.default_rng(i)) for i, o in enumerate(ok)]
    hidden, kept = (np.stack(m) for m in zip(*masks, strict=True))
    both = {"tokens": tokens, "valid": valid, "hidden": torch.from_numpy(hidden)} | pack(kept)
    cut = lambda x: x[1].reshape(R, W)[:, :3].reshape(1, -1)
    alone = {"tokens": tokens[1:, :, :3], "valid": valid[1:, :3], "hidden": torch.from_numpy(cut(hidden))}
    alone |= pack(cut(kept))
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


@pytest.mark.parametrize(("width", "heads"), [(10, 3), (9, 3)])
def test_a_width_that_heads_do_not_divide_is_refused(width, heads):
    with pytest.raises(ValueError, match=r"encoder\.width="):
        Encoder(EncoderConfig(width=width, heads=heads), torch.randn(K, 5), R)
