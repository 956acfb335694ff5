"""Products and rounded numbers: every code is its own nearest, gradients pass, and the bits are spent."""

import pytest
import torch

from tokenizer.quantisers import ProductCodebook, ScalarCodebook, scalar_dimension

SIZES = [8, 16, 512, 1024, 2048, 8192]


def books(codes):
    return ProductCodebook(codes, 8), ScalarCodebook(codes, scalar_dimension(codes))


@pytest.mark.parametrize("codes", SIZES)
def test_every_code_is_its_own_nearest(codes):
    for book in books(codes):
        assert book.vectors.shape[0] == codes
        assert torch.equal(book.nearest(book.vectors), torch.arange(codes)), type(book).__name__


def test_vectors_of_a_gaussian_have_the_length_that_the_decoder_expects():
    for book in books(1024):
        z = torch.randn(4000, book.vectors.shape[1])
        assert book.direction(z).square().sum(-1).mean() == pytest.approx(1, abs=0.05)
        assert book.vectors.square().sum(-1).mean() == pytest.approx(1, abs=0.05)


def test_the_nearest_of_a_product_is_the_nearest_of_all_combinations():
    torch.manual_seed(0)
    book = ProductCodebook(512, 8)
    unit = book.direction(torch.randn(300, 8))
    assert torch.equal(book.nearest(unit), (unit @ book.vectors.T).argmax(-1))


def test_codes_are_used_evenly_once_the_scale_is_known():
    torch.manual_seed(0)
    for book in (b.train() for b in books(64)):
        for seed in range(300):
            z = torch.tensor([5.0, -3.0]).repeat(4)[: book.vectors.shape[1]] + 2 * torch.randn(
                1, 16, 64, book.vectors.shape[1]
            )
            code, index, commitment = book(z, torch.ones(1, 16, 64).bool(), quantise=seed > 200)
            vectors, measured = book.vectors.clone(), book.learn(seed)
        assert measured["codes_used"] > 0.95 and measured["perplexity"] > 45, type(book).__name__
        torch.testing.assert_close(code, vectors[index])
        assert commitment.shape == index.shape
        assert book.learn(0) == {}  # nothing since


def test_gradients_pass_straight_through():
    for book in books(64):
        z = torch.randn(1, 2, 5, book.vectors.shape[1], requires_grad=True)
        code, _, _ = book.eval()(z, torch.ones(1, 2, 5).bool())
        (code * torch.arange(code.shape[-1])).sum().backward()
        assert z.grad.abs().sum() > 0


def test_before_codes_are_asked_for_vectors_pass_unchanged():
    for book in (b.train() for b in books(64)):
        z = torch.randn(1, 2, 5, book.vectors.shape[1])
        code, _, commitment = book(z, torch.ones(1, 2, 5).bool(), quantise=False)
        assert torch.equal(code, book.direction(z)) and not commitment.any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ProductCodebook(1000, 8), "codes=1000"),
        (lambda: ProductCodebook(1024, 7), "code_dimension=7"),
        (lambda: ScalarCodebook(1024, 5), "code_dimension=5"),
    ],
)
def test_sizes_that_do_not_fit_are_a_line(make, message):
    with pytest.raises(ValueError, match=message):
        make()
