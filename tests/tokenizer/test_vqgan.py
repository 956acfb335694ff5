"""The tokenizer network: what may not change a token, what must, and how the codebook learns."""

import dataclasses

import pytest
import torch
from torch.nn import functional as F

from tests.helpers import spectrogram
from tokenizer.codebook import Codebook
from tokenizer.vqgan import VQGAN, VQGANConfig

CONFIG = VQGANConfig(width=16, encoder_blocks=2, decoder_blocks=1, codes=256, code_dimension=8)

SMALL = VQGANConfig(width=8, encoder_blocks=1, decoder_blocks=1, codes=16, code_dimension=4)


@pytest.fixture(scope="module")
def vqgan():
    """An untrained network whose codes are spread over what it sees, so that tokens tell inputs apart."""
    torch.manual_seed(0)
    model = VQGAN(CONFIG)
    model.set_scale(torch.linspace(0, -20, 128), torch.linspace(4, 6, 128), torch.linspace(2, 3, 128))
    with torch.no_grad():  # norms and rows start without offsets, which would hide what masks are for
        for name, parameter in model.named_parameters():
            if parameter.ndim < 2 or name.endswith("_row"):
                parameter.add_(0.5 * torch.randn_like(parameter))
    model.train()
    for seed in range(30):
        spec = spectrogram(1, 320, 100 + seed)
        model(spec, torch.ones(1, 320).bool(), torch.ones(1, 19).bool(), quantise=seed > 20)
        model.codebook.learn(seed)
    return model.eval()


def test_tokens_tell_inputs_apart(vqgan):
    """Without this the tests of sameness below would prove nothing."""
    a, b = vqgan.encode(spectrogram(2, 320))
    assert len(a.unique()) > 40 and (a != b).float().mean() > 0.5


def test_padding_changes_no_token(vqgan):
    spec = spectrogram(2, 200)
    alone = vqgan.encode(spec)
    for rubbish in (0.0, -40.0, 40.0):
        padded = torch.cat([spec, torch.full((2, 19, 128, 440), rubbish)], -1)
        valid = torch.arange(640).expand(2, -1) < 200
        assert torch.equal(vqgan.encode(padded, valid)[..., :20], alone)


def test_what_stands_in_invalid_frames_changes_no_token(vqgan):
    spec = spectrogram(1, 200)
    valid = torch.ones(1, 200, dtype=torch.bool)
    valid[:, 63:97] = False
    other = spec.clone()
    other[..., 63:97] = 17.0
    assert torch.equal(vqgan.encode(spec, valid), vqgan.encode(other, valid))


def test_a_batch_gives_the_same_tokens_as_one_by_one(vqgan):
    spec, valid = spectrogram(4, 160), torch.arange(160).expand(4, -1) < torch.tensor([160, 90, 35, 10])[:, None]
    ok = torch.ones(4, 19, dtype=torch.bool)
    ok[1, :5] = False
    together = vqgan.encode(spec, valid, ok)
    singles = [vqgan.encode(spec[i : i + 1], valid[i : i + 1], ok[i : i + 1]) for i in range(4)]
    assert torch.equal(together, torch.cat(singles))
    order = [2, 0, 3, 1]
    assert torch.equal(vqgan.encode(spec[order], valid[order], ok[order]), together[order])


def test_invalid_columns_have_token_0(vqgan):
    valid = torch.ones(2, 200, dtype=torch.bool)
    valid[0, 63:97], valid[1] = False, False
    tokens = vqgan.encode(spectrogram(2, 200), valid)
    assert (tokens[0, :, 6:9] == 0).all() and (tokens[1] == 0).all() and (tokens[0, :, 10:] > 0).float().mean() > 0.9
    assert vqgan.encode(spectrogram(2, 200)[..., :0]).shape == (2, 16, 0)


def test_a_crop_gives_the_same_tokens_away_from_its_edges(vqgan):
    """The network is convolutional over time and normalises each position alone; two blocks reach 2 + 4 columns."""
    spec = spectrogram(1, 640)
    whole, crop = vqgan.encode(spec), vqgan.encode(spec[..., 200:440])
    assert torch.equal(whole[..., 26:38], crop[..., 6:18])
    assert not torch.equal(whole[..., 20:44], crop)


def test_a_missing_channel_is_masked_whatever_it_holds(vqgan):
    spec = spectrogram(2, 100)
    ok = torch.ones(2, 19, dtype=torch.bool)
    ok[:, [3, 11]] = False
    other = spec.clone()
    other[:, [3, 11]] = 33.0
    assert torch.equal(vqgan.encode(spec, None, ok), vqgan.encode(other, None, ok))
    assert not torch.equal(vqgan.encode(spec), vqgan.encode(spec, None, ok))  # and it is seen to be missing


def test_a_channel_at_the_floor_counts_as_missing_unless_told(vqgan):
    spec = spectrogram(1, 100)
    spec[:, 5] = -40
    ok = torch.ones(1, 19, dtype=torch.bool)
    ok[:, 5] = False
    assert torch.equal(vqgan.encode(spec), vqgan.encode(spec, None, ok))
    assert not torch.equal(vqgan.encode(spec), vqgan.encode(spec, None, torch.ones(1, 19).bool()))


def test_a_token_knows_its_frequency(vqgan):
    """A convolution alone cannot: the same pattern in every row must not give the same tokens."""
    flat = vqgan.join(torch.zeros(1, 20, 128, 100))
    tokens = vqgan.encode(flat)
    assert len(tokens[0, 4:-4, 5].unique()) > 4


@pytest.mark.parametrize("shape", [(19, 128, 100), (1, 18, 128, 100), (1, 19, 127, 100), (1, 19, 128, 105)])
def test_other_shapes_are_refused(vqgan, shape):
    with pytest.raises(ValueError, match=r"expected \(B, 19, 128, T\) with T a multiple of 10"):
        vqgan.encode(torch.zeros(shape))


@pytest.mark.parametrize(("bins", "frames", "grid"), [(8, 10, (16, 128)), (16, 5, (8, 256)), (4, 20, (32, 64))])
def test_the_grid_is_configurable(bins, frames, grid):
    model = VQGAN(dataclasses.replace(SMALL, bins_per_token=bins, frames_per_token=frames)).eval()
    assert model.grid == grid
    tokens = model.encode(spectrogram(1, 100))
    assert tokens.shape == (1, grid[0], 100 // frames) and tokens.dtype == torch.int64
    assert model.decode(tokens).shape == (1, 19, 128, 100)


@pytest.mark.parametrize(("bins", "frames"), [(6, 10), (12, 10), (8, 7), (8, 0), (2, 10)])
def test_an_impossible_grid_is_refused(bins, frames):
    with pytest.raises(ValueError, match="bins_per_token="):
        VQGAN(dataclasses.replace(SMALL, bins_per_token=bins, frames_per_token=frames))


def test_planes_are_the_level_and_what_differs_from_it(vqgan):
    spec, ok = spectrogram(1, 20), torch.ones(1, 19, dtype=torch.bool)
    ok[0, 4] = False
    planes = vqgan.split(spec, ok)
    present = spec[:, ok[0]]
    level = (present.mean(1)[0, 77, 5] - vqgan.mean_db[77]) / vqgan.sd_db[77]
    apart = (spec[0, 3, 77, 5] - present.mean(1)[0, 77, 5]) / vqgan.deviation_db[77]
    torch.testing.assert_close(planes[0, [0, 4], 77, 5], torch.stack([level, apart]))
    assert (planes[0, 5] == 0).all()
    torch.testing.assert_close(vqgan.join(planes)[:, ok[0]], present, atol=1e-4, rtol=0)


def test_decode_gives_decibels_of_the_shape_that_was_encoded(vqgan):
    decoded = vqgan.decode(vqgan.encode(spectrogram(2, 130)))
    assert decoded.shape == (2, 19, 128, 130)
    level = decoded.mean((0, 1, 3))
    assert abs(level[:8].mean() - vqgan.mean_db[:8].mean()) < 12 and level[:32].mean() > level[-32:].mean()


# ---- the codebook
def clusters(codes, each=40, noise=0.05, seed=0):
    """Vectors (1, codes, each, E) around `codes` directions far from the origin, and counted."""
    g = torch.Generator().manual_seed(seed)
    centres = F.normalize(torch.randn(codes, 1, 8, generator=g), dim=-1)
    z = 5 + 2 * (centres + noise * torch.randn(codes, each, 8, generator=g))
    return z[None], torch.ones(1, codes, each, dtype=torch.bool)


def test_codebook_is_used_evenly_once_it_has_learned():
    book = Codebook(32, 8).train()
    z, counted = clusters(32)
    book(z, counted, quantise=False)  # the running mean and sd take a while to find vectors far from the origin
    untrained = len(book.nearest(book.direction(z)).unique()) / 32
    for seed in range(400):
        book(z, counted, quantise=seed >= 300)
        found = book.learn(seed)
    assert found["codes_used"] > 0.8 > untrained and found["perplexity"] > 20


def test_usage_and_perplexity_are_those_of_the_counts():
    book = Codebook(4, 8).train()
    book.started.fill_(True)
    with torch.no_grad():
        book.vectors.copy_(torch.eye(8)[:4])
    z = torch.eye(8)[[0, 0, 0, 1]][None, None]
    book(z, torch.ones(1, 1, 4, dtype=torch.bool))
    found = book.learn(0)
    share = torch.tensor([0.75, 0.25])
    assert found["codes_used"] == 0.5
    assert found["perplexity"] == pytest.approx((-(share * share.log()).sum()).exp().item(), rel=1e-5)


def test_kmeans_starts_the_codes_at_the_clusters():
    book = Codebook(32, 8).train()
    z, counted = clusters(8)
    book.centre.fill_(5)
    unquantised, _, _ = book(z, counted)
    assert not book.started and torch.equal(unquantised, book.direction(z))
    book.learn(0)
    assert book.started and not torch.equal(book(z, counted)[0], book.direction(z))
    distance = 1 - (book.direction(z)[0] @ book.vectors.T).amax(-1)
    assert distance.max() < 0.05  # every vector has a code at its own cluster
    torch.testing.assert_close(book.vectors.norm(dim=-1), torch.ones(32))


def test_codes_start_from_all_micro_batches_of_a_step_alike():
    """Not before one asks for codes, and not from the first of them alone."""
    z, counted = clusters(8)
    learned = []
    for parts in (1, 4):
        book = Codebook(32, 8).train()
        book(z, counted, quantise=False)
        book.learn(0)
        assert not book.started
        for part, of in zip(z.chunk(parts, 1), counted.chunk(parts, 1), strict=True):
            book(part, of)
        book.learn(1)
        assert book.started
        learned.append(book.state_dict())
    assert all(torch.equal(value, learned[1][name]) for name, value in learned[0].items())


def test_kmeans_finds_codes_nearer_than_a_sample_is():
    seen = F.normalize(torch.randn(500, 8, generator=torch.Generator().manual_seed(3)), dim=-1)
    books = Codebook(16, 8), Codebook(16, 8)
    books[0]._start(seen)
    books[1]._start(seen, rounds=0)
    far = [(1 - (seen @ book.vectors.T).amax(-1)).mean().item() for book in books]
    assert far[0] < 0.9 * far[1]


def test_codes_move_to_the_mean_of_their_vectors():
    book = Codebook(2, 8, decay=0.5).train()
    book.started.fill_(True)
    with torch.no_grad():
        book.vectors.copy_(torch.eye(8)[:2])
        book.mean_sum.copy_(torch.eye(8)[:2])
    seen = F.normalize(torch.eye(8)[[0, 0, 1, 1]] + 0.3 * torch.eye(8)[[2, 3, 4, 4]], dim=-1)
    for _ in range(40):
        book._seen = []
        book._learn_codes(seen, 0)
    means = F.normalize(seen.view(2, 2, 8).mean(1), dim=-1)
    torch.testing.assert_close(book.vectors, means, atol=1e-4, rtol=0)
    one = Codebook(2, 8, decay=0.5)
    with torch.no_grad():
        one.vectors.copy_(torch.eye(8)[:2])
        one.mean_sum.copy_(torch.eye(8)[:2])
    one._learn_codes(seen, 0)  # one step goes half of the way: (0.5 * e + 0.5 * sum) normalised
    torch.testing.assert_close(one.vectors[1], F.normalize(0.5 * torch.eye(8)[1] + 0.5 * seen[2:].sum(0), dim=-1))


def test_dead_codes_move_onto_what_is_seen():
    book = Codebook(16, 8).train()
    book.started.fill_(True)
    z, counted = clusters(8, each=20)
    book.centre.fill_(5)
    with torch.no_grad():
        book.vectors.copy_(F.normalize(torch.full((16, 8), -1.0) + 0.01 * torch.randn(16, 8), dim=-1))
        book.vectors[0] = book.direction(z)[0, 0, 0]
    before = book.vectors.clone()
    for seed in range(600):  # a count of one falls below a tenth of the fair share
        book(z, counted)
        book.learn(seed)
    assert (book.vectors[1:] - before[1:]).norm(dim=-1).min() > 0.1
    assert len(book.nearest(book.direction(z)).unique()) >= 12


def test_restarts_follow_from_the_seed_alone():
    def learn(seed):
        book = Codebook(16, 8).train()
        book.started.fill_(True)
        book.mean_count.fill_(0.01)
        book.mean_count[0] = 100.0
        z, counted = clusters(8)
        torch.rand(seed)  # other draws in between
        book(z, counted)
        book.learn(7)
        return book.vectors

    assert torch.equal(learn(1), learn(5))


def test_positions_that_do_not_count_teach_nothing():
    z, counted = clusters(8)
    counted[:, 4:] = False
    learned = []
    for value in (0.0, 100.0):
        book = Codebook(16, 8).train()
        z[:, 4:] = value
        for seed in range(5):
            book(z, counted)
            book.learn(seed)
        learned.append({k: v.clone() for k, v in book.state_dict().items()})
    assert all(torch.equal(learned[0][k], learned[1][k]) for k in learned[0])


def test_the_gradient_passes_straight_through_to_the_direction():
    """d loss / d z must be that of the unquantised direction, whatever code was chosen."""
    book = Codebook(16, 8).eval()
    z = torch.randn(1, 2, 3, 8, generator=torch.Generator().manual_seed(5)).requires_grad_()
    weight = torch.randn(8, generator=torch.Generator().manual_seed(1))
    code, index, commitment = book(z, torch.ones(1, 2, 3).bool())
    torch.testing.assert_close(code, book.vectors[index])
    (straight,) = torch.autograd.grad((code * weight).sum(), z, retain_graph=True)
    (plain,) = torch.autograd.grad((book.direction(z) * weight).sum(), z)
    torch.testing.assert_close(straight, plain)
    torch.testing.assert_close(commitment, (book.direction(z) - book.vectors[index]).square().sum(-1))
    assert torch.autograd.grad(commitment.sum(), z)[0].abs().sum() > 0


def test_evaluation_teaches_the_codebook_nothing(vqgan):
    before = {k: v.clone() for k, v in vqgan.codebook.state_dict().items()}
    vqgan.encode(spectrogram(1, 100))
    assert vqgan.codebook.learn(0) == {}
    assert all(torch.equal(v, before[k]) for k, v in vqgan.codebook.state_dict().items())


def test_the_nearest_code_is_that_of_the_largest_cosine():
    book = Codebook(50, 8)
    unit = F.normalize(torch.randn(3, 40, 8, generator=torch.Generator().manual_seed(2)), dim=-1)
    distance = (unit[:, :, None] - book.vectors).square().sum(-1)
    assert torch.equal(book.nearest(unit), distance.argmin(-1))
