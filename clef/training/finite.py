"""A loss that is no number: found at the step it happens, without asking the device at every step."""

import torch
from torch import Tensor

from tokenizer.base import ranks

NEVER = 1 << 62


class FirstBadStep:
    """Remembers, on the device, the first step whose loss or gradient was not finite."""

    def __init__(self, device: torch.device):
        self.first = torch.tensor(NEVER, device=device)
        self.logged = 0

    def watch(self, done: int, loss: Tensor, norm: Tensor) -> None:
        """Look at the loss and the gradient's norm, () each, of the step that makes `done` steps; asks no device."""
        fine = torch.isfinite(loss) & torch.isfinite(norm)
        self.first = torch.where(fine, self.first, self.first.clamp(max=done))

    def check(self, done: int, logging: bool) -> None:
        """Raise ValueError if there was such a step on any process: nothing after it would mean anything."""
        first = int(ranks.gather(self.first[None]).min())
        if first < NEVER:
            before = f"the last finite line of metrics.jsonl is of step {self.logged}; " if self.logged else ""
            raise ValueError(
                f"loss or gradient is not a number since step {first}; {before}checkpoints are from before it: "
                f"start anew in another out= with a lower lr= or clip="
            )
        if logging:
            self.logged = done
