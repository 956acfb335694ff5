"""The contrastive loss of one pair of spaces, with what it learns itself: a temperature, a bias.

The temperature is learned as in Radford et al. (2021): the logarithm of its inverse is a parameter that starts at that
of the setting (ln(1 / 0.07)) and never exceeds ln 100, so that cosines are scaled by 100 at most. The bias of the
sigmoid loss is always learned, as in Zhai et al. (2023, arXiv 2303.15343).
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from clef.stages.contrastive import instance_info_nce, pairwise_sigmoid, symmetric_info_nce

Loss = Literal["infonce", "sigmoid", "dot", "instances"]
STEEPEST = math.log(100.0)
"""Largest logarithm of the scale, the inverse of the temperature."""


class PairLoss(nn.Module):
    """Pairs of vectors -> their loss; without anything learned it has no parameter."""

    def __init__(
        self, loss: Loss, temperature: float, learned_temperature: bool, bias: float = -10.0, positives: bool = False
    ) -> None:
        """positives: other sessions of a subject are positives instead of being left out."""
        super().__init__()
        if loss == "instances" and positives:
            raise ValueError("align.loss=instances knows no positives of other sessions; take same_subject=ignored")
        self.loss, self.fixed, self.positives = loss, temperature, positives
        self.log_scale = nn.Parameter(torch.tensor(-math.log(temperature))) if learned_temperature else None
        self.bias = nn.Parameter(torch.tensor(bias)) if loss == "sigmoid" else None

    def temperature(self) -> float | Tensor:
        """What cosines are divided by."""
        return self.fixed if self.log_scale is None else torch.exp(-self.log_scale)

    def forward(
        self,
        a: Tensor,
        b: Tensor,
        present: Tensor,
        subject: Tensor,
        kind: Tensor | None = None,
        ok: tuple[Tensor, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """What `symmetric_info_nce` takes and returns."""
        if self.loss == "instances" and ok is not None:
            return instance_info_nce(a, b, present, subject, self.temperature(), kind=kind, ok=ok)
        options = {"kind": kind, "positives": self.positives, "ok": ok}
        if self.loss == "sigmoid":
            return pairwise_sigmoid(a, b, present, subject, self.temperature(), self.bias, **options)
        return symmetric_info_nce(a, b, present, subject, self.temperature(), unit=self.loss != "dot", **options)

    @torch.no_grad()
    def after_step(self) -> dict[str, float]:
        """Bring the scale back below its limit; returns what was learned, as metrics."""
        learned = {}
        if self.log_scale is not None:
            learned["temperature"] = math.exp(-self.log_scale.clamp_(max=STEEPEST).item())
        return learned | ({} if self.bias is None else {"bias": self.bias.item()})
