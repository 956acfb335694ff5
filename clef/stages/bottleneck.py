"""The bottleneck: a small model without attention that reconstruction has to pass, or it has learned no context.

The visible tokens of a session are squeezed into `SIZE` numbers; from these, the frequency row and the stretch of
`STRETCH` columns a hidden token is predicted. All it can know is what a session's statistics give. It is trained on
the masks of the run, from a seed of its own and for a bounded time.

    mean and sd of code vectors per row -> SIZE numbers; [SIZE numbers, row, stretch] -> log-probabilities (B, R, S, K)

Shapes: B sessions · R x W tokens · S stretches · K codes.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from clef.stages.stage import Batch

log = logging.getLogger(__name__)

Draw = Callable[[Sequence[int]], Batch]
"""Sample numbers -> masked training batch."""
SIZE, WIDTH = 48, 192
STRETCH = 32
"""Columns that are predicted alike, about five minutes: a session's statistics change slowly, and logits cost."""
MOST_STRETCHES = 64
STEPS = 600
EPOCHS = 40
SESSIONS = 16
"""In a step."""
RATE = 4e-3


class Bottleneck(nn.Module):
    """Pooled visible code vectors -> `SIZE` numbers -> what hidden tokens are likely to be."""

    def __init__(self, codes: Tensor, counts: Tensor):
        """codes: (K, E) · counts: (R, K), how often each code occurs in each row: where the predictions start from."""
        super().__init__()
        rows, dimension = len(counts), codes.shape[1]
        self.register_buffer("codes", codes.float() * math.sqrt(dimension))  # unit variance per dimension
        self.squeeze = nn.Sequential(nn.Linear(2 * rows * dimension, WIDTH), nn.GELU(), nn.Linear(WIDTH, SIZE))
        self.spread = nn.Linear(SIZE, WIDTH)
        self.row, self.stretch = nn.Embedding(rows, WIDTH), nn.Embedding(MOST_STRETCHES, WIDTH)
        self.mix = nn.Sequential(nn.GELU(), nn.Linear(WIDTH, WIDTH), nn.GELU())
        self.out = nn.Linear(WIDTH, len(codes))
        self.prior = nn.Parameter(((counts + 0.5) / (counts + 0.5).sum(1, keepdim=True)).log().float())
        nn.init.normal_(self.stretch.weight, std=0.02)

    def forward(self, batch: Batch) -> Tensor:
        """Log-probabilities (B, R, S, K) of the codes, from the visible tokens of a masked batch."""
        tokens = batch["tokens"]
        seen = (batch["valid"][:, None] & ~batch["hidden"].view(tokens.shape)).float()
        vectors, share = self.codes[tokens], seen / seen.sum(2, keepdim=True).clamp_min(1)
        mean, square = (torch.einsum("brwe,brw->bre", x, share) for x in (vectors, vectors.square()))
        pooled = torch.cat([mean, (square - mean.square()).clamp_min(1e-6).sqrt()], 1).flatten(1)
        session = self.spread(self.squeeze(pooled))
        stretches = self.stretch.weight[: -(-tokens.shape[2] // STRETCH)]
        states = self.mix(session[:, None, None] + self.row.weight[:, None] + stretches)
        return (self.out(states) + self.prior[:, None]).log_softmax(-1)

    def losses(self, batch: Batch) -> Tensor:
        """Nats of each hidden token: (V,)."""
        session, row, column = batch["hidden"].view(batch["tokens"].shape).nonzero(as_tuple=True)
        code = batch["tokens"][session, row, column]
        return -self(batch)[session, row, (column // STRETCH).clamp_max(MOST_STRETCHES - 1), code]


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
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.01)
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
