"""The residual CNN of the EEG-language models (Gijsen & Ritter 2025, ICML, openreview.net/forum?id=yaI2ZYFmeD).

    window (B, 20, S) of a bipolar montage at 100 Hz -> (B, 96) -> projection (B, 256)

Every convolution is three side by side, of short, middle and long kernels, whose 32 channels each are joined. Blocks
add a 1x1 convolution of their input to two convolutions, and pool time: by 4 each in the network of 60 s, by 3, 2, 2
and 2 in that of 5 s. Reflection keeps the length.

Shapes: B windows · C channels · S samples · D features.
"""

import dataclasses
import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclasses.dataclass
class ResidualCNNConfig:
    """Size of the network; the defaults are the published ones."""

    channels: int = 20
    """Of a window."""
    kernels: list[int] = dataclasses.field(default_factory=lambda: [4, 8, 16])
    """Samples that the convolutions side by side cover."""
    width: int = 32
    """Features of each of them."""
    pools: list[int] = dataclasses.field(default_factory=lambda: [4, 4, 4, 4])
    """Samples that become one after each block."""
    projection: list[int] = dataclasses.field(default_factory=lambda: [512, 256])
    """Widths of the projection into the space shared with text; empty for none."""


def pools_for(seconds: float) -> list[int]:
    """The published poolings for windows of 60 s or 5 s; other lengths take those of the nearer one, by the ratio."""
    return [4, 4, 4, 4] if seconds >= (60 * 5) ** 0.5 else [3, 2, 2, 2]


class SideBySide(nn.Module):
    """Convolutions of several kernels over one input, joined: (B, C, S) -> (B, kernels · width, S)."""

    def __init__(self, inputs: int, width: int, kernels: Sequence[int]):
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv1d(inputs, width, kernel) for kernel in kernels)

    def forward(self, x: Tensor) -> Tensor:
        """An even kernel sees one sample more of the past than of the future."""
        padded = ((F.pad(x, (k // 2, (k - 1) // 2), "reflect") if k > 1 else x) for k in self.kernels)
        return torch.cat([c(part) for c, part in zip(self.convolutions, padded, strict=True)], dim=1)

    @property
    def kernels(self) -> list[int]:
        return [convolution.kernel_size[0] for convolution in self.convolutions]


class Block(nn.Module):
    """Two convolutions beside a 1x1 one, added, and the largest of every `pool` samples."""

    def __init__(self, config: ResidualCNNConfig, pool: int):
        super().__init__()
        kernels, width = config.kernels, config.width
        features = width * len(kernels)
        self.first, self.first_norm = SideBySide(features, width, kernels), nn.BatchNorm1d(features)
        self.second, self.second_norm = SideBySide(features, width, kernels), nn.BatchNorm1d(features)
        self.skip, self.skip_norm = SideBySide(features, width, [1] * len(kernels)), nn.BatchNorm1d(features)
        self.pool = nn.MaxPool1d(pool)

    def before_pool(self, x: Tensor) -> Tensor:
        """(B, D, S) -> (B, D, S): features of every sample."""
        inner = F.elu(self.first_norm(self.first(x)))
        return self.second_norm(self.second(inner)) + self.skip_norm(self.skip(x))

    def forward(self, x: Tensor) -> Tensor:
        """(B, D, S) -> (B, D, S / pool)."""
        return self.pool(self.before_pool(x))


class ResidualCNN(nn.Module):
    """Windows -> features, and features -> the space shared with text."""

    def __init__(self, config: ResidualCNNConfig):
        super().__init__()
        self.config = config
        self.width = config.width * len(config.kernels)
        self.first = SideBySide(config.channels, config.width, config.kernels)
        self.first_norm = nn.BatchNorm1d(self.width)
        self.blocks = nn.Sequential(*[Block(config, pool) for pool in config.pools])
        self.projection = _projection([self.width, *config.projection]) if config.projection else None

    @property
    def least_samples(self) -> int:
        """The shortest window that the network can take: its last block reflects half a kernel."""
        pools = self.config.pools
        return max(math.prod(pools), math.prod(pools[:-1]) * (max(self.config.kernels) // 2 + 1))

    @property
    def over_width(self) -> int:
        """Features that `over` reads: those of every block."""
        return self.width * len(self.blocks)

    def dense(self, windows: Tensor) -> Tensor:
        """Features (B, D, T) of the last block, one for every place that the poolings leave of S samples."""
        return self.blocks(self._start(windows))

    def over(self, windows: Tensor, sample: int) -> Tensor:
        """Features (B, blocks · D) over one sample of windows (B, C, S): of each block, before it pools time away.

        A column through the network (Hariharan et al. 2015, CVPR, arXiv 1411.5752). The last block alone hardly
        tells neighbouring samples apart: each of its values is the largest over all that were pooled into it.
        """
        x, columns = self._start(windows), []
        for block in self.blocks:
            x = block.before_pool(x)
            columns.append(x[:, :, sample])
            x, sample = block.pool(x), sample // block.pool.kernel_size
            sample = min(sample, x.shape[-1] - 1)  # samples behind the last whole pool are dropped
        return torch.cat(columns, 1)

    def forward(self, windows: Tensor) -> Tensor:
        """Features (B, D) of windows (B, C, S): the mean over time of the last block."""
        return self.dense(windows).mean(-1)

    def _start(self, windows: Tensor) -> Tensor:
        return F.elu(self.first_norm(self.first(windows)))


def _projection(widths: list[int]) -> nn.Sequential:
    """Linear layers of these widths with batch norm and ELU between; the last has no bias."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths[:-1]):
        layers += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ELU()]
    return nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1], bias=False))
