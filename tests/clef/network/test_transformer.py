"""The Transformer's layers: sessions do not see each other, and dropout is drawn from the sample's seed."""

import itertools

import torch

from clef.network.transformer import Layer, Pack, Transformer, start_by_similarity, uniform


def test_sessions_of_a_pack_do_not_see_each_other():
    torch.manual_seed(0)
    network, x = Transformer(16, 2, 3).eval(), torch.randn(7, 16)
    both = network(x, Pack([4, 3], "sdpa"))
    alone = torch.cat([network(x[:4], Pack([4], "sdpa")), network(x[4:], Pack([3], "sdpa"))])
    torch.testing.assert_close(both, alone)
    assert not torch.allclose(both, network(x, Pack([7], "sdpa")), atol=1e-3)


def test_stopping_early_gives_what_leaves_that_layer():
    torch.manual_seed(0)
    network, x, pack = Transformer(16, 2, 3).eval(), torch.randn(5, 16), Pack([5], "sdpa")
    by_hand = network.layers[1](network.layers[0](x, pack), pack)
    assert torch.equal(network(x, pack, 1), by_hand)
    assert torch.equal(network(x, pack), network.norm(network.layers[2](by_hand, pack)))


def test_fresh_layers_attend_to_what_is_like_them_and_hand_it_on():
    """Two kinds of tokens: before any training, attention gives each mostly its own kind's content."""
    torch.manual_seed(0)
    network, kinds = Transformer(64, 4, 2).eval(), torch.randn(2, 64)
    start_by_similarity(network.layers)
    layer, x = network.layers[0], kinds.repeat(10, 1)
    added = layer.out(layer._attended(x, Pack([20], "sdpa")))[:2]  # to a token of either kind
    likeness = torch.nn.functional.cosine_similarity(added[:, None], layer.norm_a(kinds)[None], dim=-1)
    assert (likeness.diagonal() > 0.5).all() and (likeness.diagonal() > likeness.flip(0).diagonal() + 0.3).all()


def test_fresh_layers_change_little_however_many_they_are():
    torch.manual_seed(0)
    x = torch.randn(50, 64)
    for layers in (2, 8, 32):
        network = Transformer(64, 4, layers).eval()
        start_by_similarity(network.layers)
        left = network(x, Pack([50], "sdpa"), layers - 1)
        assert left.std() < 2 * x.std()


def test_dropout_leaves_out_whole_features_of_a_session_and_keeps_the_mean():
    rate, width, sessions = 0.3, 64, 400
    layers = [Layer(width, 2, rate, number).train() for number in (0, 1)]
    packed = Pack([3, 1] * (sessions // 2), seeds=torch.arange(sessions))
    drawn = [layer._thinned(torch.ones(2 * sessions, width), packed, branch) for layer in layers for branch in (0, 1)]
    for found in drawn:
        per_session = [part.unique(dim=0) for part in found.split(packed.lengths)]
        assert all(len(part) == 1 for part in per_session)  # all tokens of a session lose the same features
        values = torch.cat(per_session)
        assert torch.equal(values.unique(), torch.tensor([0, 1 / (1 - rate)]))
        spread = (rate / (1 - rate) / values.numel()) ** 0.5
        assert abs(values.mean() - 1) < 4 * spread
        assert values.mean(0).std() < 1.3 * (rate / (1 - rate) / sessions) ** 0.5  # no feature is favoured
    for a, b in itertools.combinations(drawn, 2):  # each branch of each layer draws its own
        assert abs(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1]) < 0.03


def test_the_numbers_of_dropout_are_splitmix64():
    """Against whole numbers of Python, which do not wrap around by themselves."""
    wrap = (1 << 64) - 1

    def scramble(x):
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & wrap
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & wrap
        return x ^ (x >> 31)

    seeds = [0, 1, -1, 2**63 - 1, -(2**63), 1234567]
    for stream in (0, 7):
        found = uniform(torch.tensor(seeds), stream, 5).double() * 2**24
        for seed, row in zip(seeds, found.tolist(), strict=True):
            start = scramble((seed + 0x9E3779B97F4A7C15) & wrap)
            assert row == [scramble((start + (stream << 32) + i) & wrap) & 0xFFFFFF for i in range(5)]
    assert scramble(0x9E3779B97F4A7C15) == 0xE220A8397B1DCDAF  # the published first number of seed 0
