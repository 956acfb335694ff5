"""The bottleneck: a small model without attention that reconstruction has to pass, or it has learned no context.

The visible tokens of a session are squeezed into `SIZE` numbers; from these and the frequency row a hidden token is
predicted. All it can know is what a session's statistics give. It is trained on the masks of the run, from a seed of
its own and for a bounded time.

    embedded codes, mixed per row, mean over time -> SIZE numbers; [SIZE numbers, row] -> log-probabilities (B, R, K)

A prediction is a density over code vectors v, its logarithm a·v + b·v² + c·e + prior with a free vector e per code: of
a few hundred sessions one learns little about each of thousands of codes alone (4.07 nats on the demo's tokens, 4.39
with free weights for each code).

Shapes: B sessions · R x W tokens · K codes of E dimensions · D width of an embedded code.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from clef.stages.stage import Batch

log = logging.getLogger(__name__)

Draw = Callable[[Sequence[int]], Batch]
"""Sample numbers -> masked training batch."""
SIZE, WIDTH, CODE_WIDTH, ROW_WIDTH = 48, 192, 64, 32
STEPS = 500
EPOCHS = 40
SESSIONS = 16
"""In a step."""
RATE = 4e-3


class Bottleneck(nn.Module):
    """Pooled visible tokens -> `SIZE` numbers -> what hidden tokens are likely to be."""

    def __init__(self, codes: Tensor, counts: Tensor):
        """codes: (K, E) · counts: (R, K), how often each code occurs in each row: where the predictions start from."""
        super().__init__()
        rows, (number, dimension) = len(counts), codes.shape
        self.register_buffer("codes", codes.float() * math.sqrt(dimension))  # unit variance per dimension
        self.from_vector, self.free = nn.Linear(dimension, CODE_WIDTH), nn.Embedding(number, CODE_WIDTH)
        self.mix_row = nn.Parameter(torch.randn(rows, CODE_WIDTH, ROW_WIDTH) / math.sqrt(CODE_WIDTH))
        self.squeeze = nn.Sequential(nn.Linear(rows * ROW_WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, SIZE))
        self.spread, self.row = nn.Linear(SIZE, WIDTH), nn.Embedding(rows, WIDTH)
        self.mix = nn.Sequential(nn.GELU(), nn.Linear(WIDTH, WIDTH), nn.GELU())
        self.density = nn.Linear(WIDTH, 2 * dimension + CODE_WIDTH)
        self.out = nn.Embedding(number, CODE_WIDTH)
        self.prior = nn.Parameter(((counts + 0.5) / (counts + 0.5).sum(1, keepdim=True)).log().float())
        for embedding, sd in ((self.free, 0.1), (self.out, 0.05)):
            nn.init.normal_(embedding.weight, std=sd)
        nn.init.zeros_(self.density.weight)  # before the first step it predicts the prior
        nn.init.zeros_(self.density.bias)

    def forward(self, batch: Batch) -> Tensor:
        """Log-probabilities (B, R, K) of the codes, from the visible tokens of a masked batch."""
        tokens = batch["tokens"]
        seen = (batch["valid"][:, None] & ~batch["hidden"].view(tokens.shape)).float()
        share = seen / seen.sum(2, keepdim=True).clamp_min(1)
        embedded = F.embedding(tokens, self.from_vector(self.codes) + self.free.weight)  # (B, R, W, D)
        mixed = F.gelu(torch.einsum("brwd,rde->brwe", embedded, self.mix_row))
        pooled = torch.einsum("brwe,brw->bre", mixed, share).flatten(1)
        states = self.mix(self.spread(self.squeeze(pooled))[:, None] + self.row.weight)
        features = torch.cat([self.codes, self.codes.square(), self.out.weight], 1)
        return (F.linear(self.density(states), features) + self.prior).log_softmax(-1)

    def losses(self, batch: Batch) -> Tensor:
        """Nats of each hidden token: (V,)."""
        session, row, column = batch["hidden"].view(batch["tokens"].shape).nonzero(as_tuple=True)
        return -self(batch)[session, row, batch["tokens"][session, row, column]]


def steps_for(sessions: int) -> int:
    """Training steps: `STEPS`, or fewer where so few sessions would be seen more than `EPOCHS` times."""
    return min(STEPS, math.ceil(EPOCHS * sessions / SESSIONS))


def bottleneck_nats(
    codes: Tensor, counts: np.ndarray, draw: Draw, held_out: list[Batch], steps: int, seconds: float
) -> float:
    """Cross-entropy of a trained `Bottleneck` on the hidden tokens of `held_out`, in nats per token.

    codes: (K, E) · counts: (R, K) · seconds: of processor time after which training is cut short,
    on a machine too slow for all its steps; a line says so, and the number could be lower.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Bottleneck(codes.cpu(), torch.from_numpy(counts))
    _train(model, draw, steps, seconds)
    with torch.inference_mode():
        return float(torch.cat([model.losses(batch) for batch in held_out]).mean())


def _train(model: Bottleneck, draw: Draw, steps: int, seconds: float) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1, pct_start=0.1)
    start = time.process_time()
    for step in range(steps):
        if time.process_time() - start > seconds:
            log.warning("the bottleneck had %d of %d steps in %g s: it could be lower", step, steps, seconds)
            return
        optimizer.zero_grad()
        model.losses(draw(range(step * SESSIONS, (step + 1) * SESSIONS))).mean().backward()
        optimizer.step()
        schedule.step()
