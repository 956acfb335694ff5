"""The codebook: which code is nearest, how codes learn, where gradients go."""

import pytest
import torch
from torch.nn import functional as F

from tokenizer.codebook import Codebook


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
        usage = book.learn(seed)
    assert usage["codes_used"] > 0.8 > untrained and usage["perplexity"] > 20


def test_usage_and_perplexity_are_those_of_the_counts():
    book = Codebook(4, 8).train()
    book.started.fill_(True)
    with torch.no_grad():
        book.vectors.copy_(torch.eye(8)[:4])
    z = torch.eye(8)[[0, 0, 0, 1]][None, None]
    book(z, torch.ones(1, 1, 4, dtype=torch.bool))
    usage = book.learn(0)
    share = torch.tensor([0.75, 0.25])
    assert usage["codes_used"] == 0.5
    assert usage["perplexity"] == pytest.approx((-(share * share.log()).sum()).exp().item(), rel=1e-5)


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
        book._learn_codes(seen, 0, 0.5)
    means = F.normalize(seen.view(2, 2, 8).mean(1), dim=-1)
    torch.testing.assert_close(book.vectors, means, atol=1e-4, rtol=0)
    one = Codebook(2, 8, decay=0.5)
    with torch.no_grad():
        one.vectors.copy_(torch.eye(8)[:2])
        one.mean_sum.copy_(torch.eye(8)[:2])
    one._learn_codes(seen, 0, 0.5)  # one step goes half of the way: (0.5 * e + 0.5 * sum) normalised
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


def test_the_nearest_code_is_that_of_the_largest_cosine():
    book = Codebook(50, 8)
    unit = F.normalize(torch.randn(3, 40, 8, generator=torch.Generator().manual_seed(2)), dim=-1)
    distance = (unit[:, :, None] - book.vectors).square().sum(-1)
    assert torch.equal(book.nearest(unit), distance.argmin(-1))


def test_at_a_slow_pace_codes_and_scale_stay_where_many_steps_put_them():
    """What came last is one recording: at the usual pace it moves everything, at a twentieth of it hardly."""
    rng = torch.Generator().manual_seed(0)

    def moved(pace):
        book = Codebook(8, 4).train()
        for seed in range(60):
            book(torch.randn(1, 4, 50, 4, generator=rng), torch.ones(1, 4, 50, dtype=torch.bool))
            book.learn(seed)
        before = book.centre.clone(), book.vectors.clone()
        for seed in range(60, 100):
            book(3 + torch.randn(1, 4, 50, 4, generator=rng), torch.ones(1, 4, 50, dtype=torch.bool))
            book.learn(seed, pace)
        return (book.centre - before[0]).norm(), (book.vectors - before[1]).norm()

    usual, slow = moved(1.0), moved(0.05)
    assert slow[0] < usual[0] / 10 and slow[1] < usual[1]
    assert moved(0.0)[0] == 0
