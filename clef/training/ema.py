"""Averaged weights: an exponential moving average over training steps (Polyak & Juditsky 1992)."""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class Average:
    """The running average of a module's trainable parameters. With decay 0 it is the parameters themselves."""

    def __init__(self, module: nn.Module, decay: float):
        self.decay = decay
        self.parameters = {n: p for n, p in module.named_parameters() if p.requires_grad} if decay else {}
        self.mean = {n: p.detach().clone() for n, p in self.parameters.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the average after `step`; early on it forgets faster, so that a short run is not its start."""
        decay = min(self.decay, (1 + step) / (10 + step))
        if self.parameters:
            get_ema_multi_avg_fn(decay)(list(self.mean.values()), list(self.parameters.values()), step)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Inside the block the module has the averaged weights."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, parameter in self.parameters.items():
            trained = parameter.detach().clone()
            parameter.copy_(self.mean[name])
            self.mean[name].copy_(trained)

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take back the averages of a checkpoint."""
        for name, value in state.items():
            self.mean[name].copy_(value)
