"""The session Transformer: what may not change its states and embeddings, and how it is kept."""

import itertools

import pytest
import torch
from torch.nn import functional as F

from clef.network.encoder import Encoder, EncoderConfig
from clef.network.pooling import pooled
from clef.network.transformer import Pack
from clef.stages.masks import kept_positions
from tests.clef.network.small_encoder import K, N, R, W, close, make, sessions


@pytest.fixture
def encoder():
    return make()


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
    given = kept_positions(encoder.token_ok(valid).numpy())
    close(encoder.embed_kept(tokens, given["kept"], given["kept_ok"]), encoder.embed(tokens, valid))


def test_kept_tokens_may_stand_in_any_order(encoder):
    tokens, valid = sessions((W, W))
    kept = torch.stack([torch.randperm(N), torch.randperm(N)])
    close(encoder.embed_kept(tokens, kept, kept >= 0), encoder.embed(tokens, valid))


def test_tokens_left_out_of_the_embedding_do_not_reach_it(encoder):
    tokens, valid = sessions()
    keep = encoder.token_ok(valid) & (torch.arange(N) % 3 > 0)
    given = kept_positions(keep.numpy())
    other = torch.where(keep.view(-1, R, W), tokens, (tokens + 1) % K)
    a, b = (encoder.embed_kept(t, given["kept"], given["kept_ok"]) for t in (tokens, other))
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
