"""Trials of any number of electrodes -> one vector each.

    trial (C, S) ─▶ scaled ─▶ the same convolutions over each electrode ─▶ means over stretches of time ─▶ a token each
      + what is learned of the electrode ─▶ Transformer (clef.network.transformer) ─▶ mean over electrodes (D)

Each electrode of each trial is measured in its own units: its median is taken out and the distance between its
quartiles divided out, both of the trial itself. Statistics of training sessions would not hold on another day, when
impedances, caps and gains are others; those of the trial always do, a gain changes nothing, and quartiles do not follow
one artefact. What is lost is how large an electrode is beside its neighbours and beside other trials.

Shapes: B trials · C electrodes · S samples · F filters · W stretches · D width.
"""

import dataclasses

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from clef.network.attention import Kernel
from clef.network.transformer import Pack, Transformer

LARGEST = 10.0
"""Where scaled samples are cut: 10 quartile distances from the median."""
STRIDE = 2
"""Of both convolutions: samples that become one."""


@dataclasses.dataclass
class TrialConfig:
    """Size of the network that reads trials."""

    width: int = 128
    """Width of the tokens and of the Transformer."""
    filters: int = 32
    """Filters of the first convolution over an electrode's samples."""
    kernel: int = 25
    """Samples that it covers; the second one covers half of them, at half the rate."""
    stretches: int = 10
    """Parts of the trial over which features are averaged, so that it matters when something happens."""
    layers: int = 4
    """Transformer layers over the electrodes."""
    heads: int = 4
    """Attention heads per layer; divides the width."""
    dropout: float = 0.2
    """Dropout in the Transformer layers."""


LIMITS = {
    **{"width": (1, 4096), "filters": (1, 4096), "kernel": (2, 4096), "stretches": (1, 1024), "layers": (1, 64)},
    **{"heads": (1, 256), "dropout": (0, 0.99)},
}


def scaled(trials: Tensor) -> Tensor:
    """Each electrode of each trial less its median, in distances of its quartiles (B, C, S); a flat one is zero."""
    ordered, last = trials.sort(dim=-1).values, trials.shape[-1] - 1
    low, middle, high = (ordered[..., round(share * last)][..., None] for share in (0.25, 0.5, 0.75))
    spread = high - low
    return torch.where(spread > 0, (trials - middle) / spread, 0.0).clamp(-LARGEST, LARGEST)


class TrialEncoder(nn.Module):
    """Trials -> vectors (B, D)."""

    def __init__(self, config: TrialConfig, channels: int, samples: int, kernel: Kernel = "auto"):
        """channels, samples: C and S of the trials · kernel: of the attention."""
        super().__init__()
        if config.width % config.heads:
            raise ValueError(f"trials.heads={config.heads}: does not divide trials.width={config.width}; change one")
        if samples < 2 * config.kernel + 4 * config.stretches:
            raise ValueError(
                f"trials.kernel={config.kernel} and trials.stretches={config.stretches}: trials of {samples} samples "
                f"are too short for them; lower one"
            )
        self.config, self.kernel = config, kernel
        self.first = nn.Conv1d(1, config.filters, config.kernel, STRIDE)
        self.second = nn.Conv1d(config.filters, config.width, config.kernel // 2, STRIDE)
        self.norm = nn.LayerNorm(config.stretches * config.width)  # without it pictures of a category stay alike
        self.token = nn.Linear(config.stretches * config.width, config.width)
        self.electrodes = nn.Parameter(torch.empty(channels, config.width))
        nn.init.normal_(self.electrodes, std=0.5)
        self.transformer = Transformer(config.width, config.heads, config.layers, config.dropout)

    def forward(self, trials: Tensor, seeds: Tensor | None = None) -> Tensor:
        """Trials (B, C, S) in any unit -> (B, D). seeds: (B,) int64 of the dropout while training."""
        batch, channels, _ = trials.shape
        x = scaled(trials).flatten(0, 1)[:, None]  # (B·C, 1, S): every electrode on its own
        x = F.gelu(self.second(F.gelu(self.first(x))))  # (B·C, D, S / 4)
        x = F.adaptive_avg_pool1d(x, self.config.stretches).flatten(1)  # (B·C, D·W)
        tokens = self.token(self.norm(x)) + self.electrodes.repeat(batch, 1)  # (B·C, D)
        states = self.transformer(tokens, Pack([channels] * batch, self.kernel, seeds))
        return states.unflatten(0, (batch, channels)).mean(1)
