"""Deep4, four blocks of convolution and pooling (Schirrmeister et al. 2017, Hum. Brain Mapp., figure 2), read densely
as EEG-CLIP does (arXiv 2503.16531): features for every sample that has a whole receptive field around it.

    window (B, C, S) at 100 Hz -> (B, D, S − 681) -> mean over time (B, D)

Their library ends the network in a log-softmax over its D outputs, a class each in its first use, and EEG-CLIP kept it:
features are logarithms of shares. The published network strides by 3 before each pooling. Here it does not, and what
follows is dilated by 3 more: the same weights give the prediction that the strided network would make of every shifted
window, computed once.

Shapes: B windows · C channels · S samples · D features.
"""

import dataclasses
import itertools
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

KERNEL, POOL, LAST = 10, 3, 2
"""Samples of a convolution, of a pooling, and of the last convolution, at the rate of their layer."""
WIDTHS = (25, 50, 100, 200)
MOMENTUM = 0.1


@dataclasses.dataclass
class Deep4Config:
    """Size of the network; the defaults are EEG-CLIP's published configuration."""

    channels: int = 19
    """Of a window."""
    features: int = 1024
    """D, outputs of the last convolution."""
    dropout: float = 0.5
    """Before every block but the first, while training."""


class Deep4(nn.Module):
    """Windows -> features; EEG-CLIP's projection into the space shared with text is not part of it."""

    def __init__(self, config: Deep4Config):
        super().__init__()
        self.config, self.width = config, config.features
        self.time = nn.Conv2d(1, WIDTHS[0], (1, KERNEL))
        self.space = nn.Conv2d(WIDTHS[0], WIDTHS[0], (config.channels, 1), bias=False)
        pairs = itertools.pairwise(WIDTHS)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(before, after, KERNEL, bias=False, dilation=POOL ** (i + 1))
            for i, (before, after) in enumerate(pairs)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(width, momentum=MOMENTUM) for width in WIDTHS)
        self.last = nn.Conv1d(WIDTHS[-1], config.features, LAST, dilation=POOL ** len(WIDTHS))
        for layer in (self.time, self.space, *self.convolutions, self.last):
            nn.init.xavier_uniform_(layer.weight)
        for layer in (self.time, self.last):
            nn.init.zeros_(layer.bias)

    @property
    def least_samples(self) -> int:
        """The shortest window that the network can take: its receptive field."""
        steps = [POOL**i for i in range(len(WIDTHS) + 1)]
        return 1 + sum((KERNEL - 1) * s for s in steps[:-1]) + sum((POOL - 1) * s for s in steps[1:]) + steps[-1]

    @property
    def over_width(self) -> int:
        """Features that `over` reads: those of every block, and the last."""
        return sum(WIDTHS) + self.width

    def dense(self, windows: Tensor) -> Tensor:
        """Features (B, D, T) of windows (B, C, S), one for each of the T = S − `least_samples` + 1 places."""
        *_, last = self._levels(windows)
        return last

    def over(self, windows: Tensor, sample: int) -> Tensor:
        """Features (B, `over_width`) over one sample of windows (B, C, S): of each block before it pools, and the last.

        Each is read where its receptive field has the sample in its middle; `sample` lies half of the network's field
        from either end at least. As in `clef.network.waveform.residual`, the last features alone hardly tell
        neighbouring samples apart. They are centred: logarithms of shares of 1,024 are all near −7, which would drown
        the rest in whatever reads the column.
        """
        first, samples = sample - self.least_samples // 2, windows.shape[-1]
        if not 0 <= first <= samples - self.least_samples:
            raise ValueError(f"sample {sample} of {samples}: it has less than half a receptive field on one side")
        columns = []
        for level in self._levels(windows):
            field = samples - level.shape[-1] + 1
            columns.append(level[:, :, sample - field // 2])
        columns[-1] = columns[-1] - columns[-1].mean(1, keepdim=True)
        return torch.cat(columns, 1)

    def _levels(self, windows: Tensor) -> Iterator[Tensor]:
        """Features (B, D, T) of every block before it pools, and the last ones; a place for each whole field."""
        x = self.space(self.time(windows[:, None]))[:, :, 0]
        for i, norm in enumerate(self.norms):
            x = x if i == 0 else self.convolutions[i - 1](F.dropout(x, self.config.dropout, self.training))
            x = F.elu(norm(x))
            yield x
            x = F.max_pool1d(x, POOL, stride=1, dilation=POOL ** (i + 1))
        yield self.last(x).log_softmax(1)

    def forward(self, windows: Tensor) -> Tensor:
        """Features (B, D) of windows (B, C, S), the mean over places."""
        return self.dense(windows).mean(-1)
