"""The Transformer layers of the session encoder, on packed sessions.

Pre-norm (Xiong et al. 2020, arXiv 2002.04745). Dropout leaves out whole features of a session for all of its tokens
(Gal & Ghahramani 2016, arXiv 1512.05287), drawn by hashing (sample's seed, branch, feature) instead of from a
generator: the same sample loses the same features beside any others, on any device, resumed or not.

Shapes: B sessions · T tokens of all sessions, one session after another · D width.
"""

import dataclasses
import functools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from clef.network.attention import Blocks, attend

GOLDEN = 0x9E3779B97F4A7C15 - (1 << 64)  # the increment of SplitMix64: else seed 0 would stay 0


@dataclasses.dataclass
class Pack(Blocks):
    """Sessions of a packed batch, and the seeds (B,) int64 of their dropout; None leaves nothing out."""

    seeds: Tensor | None = None

    @functools.cached_property
    def session(self) -> Tensor:
        """Which session each token belongs to: (T,) int64, on the device of the seeds."""
        lengths = torch.tensor(self.lengths, device=self.seeds.device)
        return torch.repeat_interleave(lengths, output_size=sum(self.lengths))  # known here: a GPU need not be asked


class Transformer(nn.Module):
    """Layers and a final norm: (T, D) -> (T, D)."""

    def __init__(self, width: int, heads: int, layers: int, dropout: float = 0.0, first: int = 0):
        """first: how many layers other parts of the model have, so that no two layers draw the same dropout."""
        super().__init__()
        self.layers = nn.ModuleList(Layer(width, heads, dropout, first + i) for i in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, pack: Pack, stop: int | None = None) -> Tensor:
        """States after the final norm, or as they leave layer number `stop`."""
        for layer in self.layers if stop is None else self.layers[: stop + 1]:
            x = layer(x, pack)
        return self.norm(x) if stop is None else x


class Layer(nn.Module):
    """Attention and a two-layer perceptron, each behind a norm and beside a residual."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0, number: int = 0):
        """number: of this layer among all of the model."""
        super().__init__()
        self.heads, self.dropout, self.number = heads, dropout, number
        self.norm_a, self.norm_b = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, pack: Pack) -> Tensor:
        x = x + self._thinned(self.out(self._attended(x, pack)), pack, 0)
        return x + self._thinned(self.mlp(self.norm_b(x)), pack, 1)

    def _attended(self, x: Tensor, pack: Pack) -> Tensor:
        return attend(*self.qkv(self.norm_a(x)).chunk(3, -1), self.heads, pack)

    def _thinned(self, x: Tensor, pack: Pack, branch: int) -> Tensor:
        if not (self.training and self.dropout and pack.seeds is not None):
            return x
        kept = uniform(pack.seeds, 2 * self.number + branch, x.shape[-1]) >= self.dropout  # (B, D)
        return x * (kept / (1 - self.dropout)).to(x.dtype)[pack.session]


@torch.no_grad()
def start_by_similarity(layers: Sequence[Layer]) -> None:
    """Let layers that are not trained yet attend to tokens like the one that asks, and hand on what these hold.

    Keys start as queries and each output as the transpose of its values (after Trockman & Kolter 2023, arXiv
    2305.09828, who fit such matrices to trained networks); every branch is weakened by the square root of their number
    (Radford et al. 2019). With independent matrices short trainings do not get past the statistics of a session:
    docs/encoder.md has the losses.
    """
    branches = 2 * len(layers)
    for layer in layers:
        query, key, value = layer.qkv.weight.chunk(3)
        key.copy_(query)
        layer.out.weight.copy_((2 / branches) ** 0.5 * value.T)
        layer.mlp[2].weight.div_(branches**0.5)


def uniform(seeds: Tensor, stream: int, count: int) -> Tensor:
    """Numbers in [0, 1), (B, count) float32, a pure function of seed, stream and place: seeds (B,) int64.

    A counter hashed by SplitMix64's finaliser (Steele et al. 2014, doi 10.1145/2660193.2660195), in integers that wrap
    around, so that every device gives the same bits.
    """
    place = torch.arange(count, device=seeds.device) + (stream << 32)
    x = _scramble(_scramble(seeds + GOLDEN)[:, None] + place)
    return (x & 0xFFFFFF).float() / (1 << 24)


def _scramble(x: Tensor) -> Tensor:
    for shift, factor in ((30, -0x40A7B892E31B1A47), (27, -0x6B2FB644ECCEEE15)):
        x = (x ^ ((x >> shift) & ((1 << (64 - shift)) - 1))) * factor  # a logical shift: int64 has only the other
    return x ^ ((x >> 31) & ((1 << 33) - 1))
