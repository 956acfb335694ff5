"""What a training stage brings to the loop: samples, and an objective that turns them into a loss.

`Samples` turns global sample numbers into batches, as a pure function of (seed, number): that is what makes a resumed
run equal to an undisturbed one and n processes equal to one. `Objective` turns a batch into its share of the loss: sums
over what is counted, divided by the totals over all micro-batches and processes.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from torch import Tensor, nn

Batch = dict[str, Any]


class Samples(Protocol):
    """What a stage trains on."""

    def batch(self, numbers: Sequence[int]) -> Batch:
        """Global sample numbers -> tensors, with `counts`: what the losses are divided by, as floats."""

    def validation(self) -> list[Batch]:
        """Fixed held-out batches, the same at every call."""


def session_order(seed: int, number: int, sessions: int) -> int:
    """Which of `sessions` sample `number` shows: each once per epoch, in an order drawn anew."""
    epoch, place = divmod(number, sessions)
    return int(_epoch_order(seed, epoch, sessions)[place])


@lru_cache(maxsize=4)
def _epoch_order(seed: int, epoch: int, sessions: int) -> np.ndarray:
    return np.random.default_rng((seed, 0, epoch)).permutation(sessions)


class Objective(nn.Module):
    """A stage: owns its parameter groups and turns a batch into its share of the loss."""

    def groups(self) -> list[dict[str, Any]]:
        """Parameter groups for AdamW, each with `params` and optionally `scale` of the learning rate."""
        return [{"params": [p for p in self.parameters() if p.requires_grad]}]

    def forward(self, batch: Batch, totals: dict[str, float], progress: float) -> dict[str, Tensor]:
        """`loss` and metrics, each a share that sums to the global mean; progress is the share of steps done."""
        raise NotImplementedError  # abstract

    def before_start(self, samples: Samples) -> dict[str, float]:
        """What is worth knowing of the samples before the first step; returns metrics of step 0."""
        return {}

    def watch(self) -> dict[str, float]:
        """What is worth knowing of the averaged weights beside the loss, at each validation; returns metrics."""
        return {}

    def after_step(self, step: int) -> dict[str, float]:
        """What has to happen once per step beside the gradient; returns metrics."""
        return {}

    def save_model(self, folder: Path) -> None:
        """Write the model parts into `folder`."""
        raise NotImplementedError  # abstract
