"""Two other ways to make a code of a vector: of parts, each with a codebook of its own, and of rounded numbers.

Product: the vector is cut in two halves, each with half of the bits (Jégou et al. 2011, doi 10.1109/TPAMI.2010.57). Of
8,192 codes, 64 and 128 vectors are learned instead of 8,192, each from many more examples; a code can name no
combination of its own.

Scalar: each number is rounded to one of 8 or 4 levels (Mentzer et al. 2023, arXiv 2309.15505: FSQ). Nothing is learned,
no code can be dead. We differ: numbers are whitened by running statistics and pass the distribution function of a
Gaussian, so that every level is as frequent as any other, whatever the encoder's scale.

Both have the surface of `tokenizer.codebook.Codebook`, and one number per code.

Shapes: V vectors · K codes · E code dimension.
"""

import math

import torch
from torch import Tensor, nn

from tokenizer.codebook import Codebook, everyone, usage


class ProductCodebook(nn.Module):
    """Two codebooks, of the first and of the second half of a vector; code = first · (codes of the second) + second."""

    def __init__(self, codes: int, dimension: int):
        super().__init__()
        bits = _bits(codes)
        if dimension % 2 or bits < 2:
            raise ValueError(
                f"code_dimension={dimension}, codes={codes}: a product needs an even one and 4 codes or more"
            )
        sizes = 2 ** (bits - bits // 2), 2 ** (bits // 2)
        self.books = nn.ModuleList(Codebook(size, dimension // 2) for size in sizes)
        self._codes: list[Tensor] = []

    @property
    def vectors(self) -> Tensor:
        """All combinations, unit vectors (K, E)."""
        first, second = (book.vectors for book in self.books)
        rows = first.repeat_interleave(len(second), 0), second.repeat(len(first), 1)
        return torch.cat(rows, 1) / math.sqrt(2)

    def direction(self, z: Tensor) -> Tensor:
        """Both halves of z (..., E), each a whitened unit vector, together one."""
        halves = zip(self.books, z.chunk(2, -1), strict=True)
        return torch.cat([book.direction(half) for book, half in halves], -1) / math.sqrt(2)

    def nearest(self, unit: Tensor) -> Tensor:
        """Index of the nearest code: (..., E) -> (...) int64."""
        first, second = (b.nearest(half) for b, half in zip(self.books, unit.chunk(2, -1), strict=True))
        return first * len(self.books[1].vectors) + second

    def forward(self, z: Tensor, counted: Tensor, quantise: bool = True) -> tuple[Tensor, Tensor, Tensor]:
        """As `Codebook.forward`."""
        parts = [book(half, counted, quantise) for book, half in zip(self.books, z.chunk(2, -1), strict=True)]
        (a, i, x), (b, j, y) = parts
        index = i * len(self.books[1].vectors) + j
        if self.training:
            self._codes.append(everyone(index, counted))
        return torch.cat([a, b], -1) / math.sqrt(2), index, (x + y) / 2

    def learn(self, seed: int, pace: float = 1.0) -> dict[str, float]:
        """Move the codes of both; usage and perplexity are of their combinations."""
        measured = [book.learn(2 * seed + i, pace) for i, book in enumerate(self.books)]
        codes, self._codes = self._codes, []
        return usage(torch.cat(codes), len(self.vectors)) if all(measured) else {}


class ScalarCodebook(nn.Module):
    """A fixed grid: each number of a vector is one of 8 levels, or of 4 where the bits do not suffice."""

    def __init__(self, codes: int, dimension: int, decay: float = 0.99):
        super().__init__()
        self.decay, self.levels = decay, _levels(_bits(codes))
        if dimension != len(self.levels):
            raise ValueError(f"code_dimension={dimension}: {codes} codes of rounded numbers have {len(self.levels)}")
        self.register_buffer("centre", torch.zeros(dimension))
        self.register_buffer("spread", torch.ones(dimension))
        grid = torch.cartesian_prod(*(_middles(n) for n in self.levels)).reshape(-1, dimension)
        self.register_buffer("vectors", grid * _scale(dimension), persistent=False)
        self._raw: list[Tensor] = []
        self._codes: list[Tensor] = []

    def direction(self, z: Tensor) -> Tensor:
        """Each number of z (..., E) as its share among all: evenly spread, of the size of the grid."""
        return torch.erf((z.float() - self.centre) / self.spread / math.sqrt(2)) * _scale(z.shape[-1])

    def nearest(self, unit: Tensor) -> Tensor:
        """Index of the code of each vector: (..., E) -> (...) int64."""
        counts = torch.tensor(self.levels, device=unit.device)
        steps = ((unit / _scale(unit.shape[-1]) + 1) / 2 * counts).floor().long()
        steps = torch.minimum(steps.clamp_min(0), counts - 1)
        index = torch.zeros_like(steps[..., 0])
        for i, n in enumerate(self.levels):
            index = index * n + steps[..., i]
        return index

    def forward(self, z: Tensor, counted: Tensor, quantise: bool = True) -> tuple[Tensor, Tensor, Tensor]:
        """As `Codebook.forward`; there is nothing to be pulled towards, the commitment is 0."""
        unit = self.direction(z)
        index = self.nearest(unit.detach())
        if self.training:
            self._raw.append(everyone(z.detach().float(), counted))
            self._codes.append(everyone(index, counted))
        code = unit + (self.vectors[index] - unit).detach() if quantise else unit
        return code, index, torch.zeros_like(unit[..., 0])

    def learn(self, seed: int, pace: float = 1.0) -> dict[str, float]:
        """Follow mean and sd of the vectors since the last call; returns usage and perplexity of their codes."""
        raw, codes, self._raw, self._codes = self._raw, self._codes, [], []
        if not raw:
            return {}
        seen = torch.cat(raw)
        if len(seen) > 1:
            self.centre.lerp_(seen.mean(0), pace * (1 - self.decay))
            self.spread.lerp_(seen.std(0).clamp_min(1e-3), pace * (1 - self.decay))
        return usage(torch.cat(codes), len(self.vectors)) if len(seen) else {}


def scalar_dimension(codes: int) -> int:
    """Numbers in a vector of a ScalarCodebook."""
    return len(_levels(_bits(codes)))


def _bits(codes: int) -> int:
    """log2 of the number of codes. Raises ValueError unless it is whole."""
    bits = codes.bit_length() - 1
    if codes < 2 or codes != 2**bits:
        raise ValueError(f"codes={codes}: products and rounded numbers need a power of 2, such as 8192")
    return bits


def _levels(bits: int) -> list[int]:
    """8 levels (3 bits) as often as can be, the rest 4 or 2."""
    rest = bits % 3
    if rest == 1 and bits > 1:
        return [8] * (bits // 3 - 1) + [4, 4]
    return [8] * (bits // 3) + [2**rest] * (rest > 0)


def _middles(n: int) -> Tensor:
    """Middles of n equal parts of (−1, 1)."""
    return (2 * torch.arange(n) + 1 - n) / n


def _scale(dimension: int) -> float:
    """Evenly spread over (−1, 1), a number has variance 1/3: vectors of this scale have length 1 on average."""
    return math.sqrt(3 / dimension)
