"""The codebook: nearest code by cosine distance, learned by exponential moving average.

van den Oord et al. 2017 (arXiv 1711.00937, appendix A.1: EMA codebook); Yu et al. 2021 (arXiv 2110.04627:
L2-normalised codes); dead codes are restarted from the batch (Dhariwal et al. 2020, arXiv 2005.00341).
We differ in two points. Vectors are whitened per dimension by running statistics before they are normalised: without
it they all point the same way and 2 % of the codes are used. And statistics are gathered over all micro-batches and
processes and applied once per step.

Shapes: V vectors · K codes · E code dimension.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tokenizer.base import ranks


class Codebook(nn.Module):
    """K unit vectors of E dimensions, with the running statistics that move them."""

    def __init__(self, codes: int, dimension: int, decay: float = 0.99, restart_below: float = 0.1):
        super().__init__()
        self.decay, self.restart_below = decay, restart_below
        start = F.normalize(torch.randn(codes, dimension, generator=torch.Generator().manual_seed(0)), dim=-1)
        self.register_buffer("vectors", start)  # (K, E)
        self.register_buffer("mean_count", torch.ones(codes))  # (K,)
        self.register_buffer("mean_sum", start.clone())  # (K, E)
        self.register_buffer("started", torch.tensor(False))
        self.register_buffer("centre", torch.zeros(dimension))  # running mean and sd of the vectors
        self.register_buffer("spread", torch.ones(dimension))
        self._seen: list[Tensor] = []
        self._wanted = False

    def direction(self, z: Tensor) -> Tensor:
        """Whitened unit vectors of z (..., E)."""
        return F.normalize((z.float() - self.centre) / self.spread, dim=-1)

    def nearest(self, unit: Tensor) -> Tensor:
        """Index of the nearest code of each unit vector: (..., E) -> (...) int64."""
        flat = unit.reshape(-1, unit.shape[-1])
        size = 16384 if flat.is_cuda else 256  # of a part, whose distances then stay in the cache
        # of unit vectors the nearest has the largest dot product: |a − b|² = 2 − 2 a·b
        return torch.cat([(part @ self.vectors.T).argmax(-1) for part in flat.split(size)]).reshape(unit.shape[:-1])

    def forward(self, z: Tensor, counted: Tensor, quantise: bool = True) -> tuple[Tensor, Tensor, Tensor]:
        """Quantise with a straight-through gradient.

        z (B, H, W, E) any length; counted (B, H, W) bool: the positions that teach the codebook.
        Returns the codes' vectors (B, H, W, E), indices (B, H, W) and the squared distance (B, H, W) that
        pulls z towards its code (the commitment term). With `quantise` false the directions pass unchanged: a
        short start without codes spreads them out, and k-means then finds codes that are all of use: from all vectors
        of the first training step that asks for codes, which are used from the next step on.
        """
        if self.training:
            self._seen.append(everyone(z.detach().float(), counted))
            self._wanted |= quantise
            quantise = quantise and bool(self.started)
        unit = self.direction(z)
        if not quantise:
            return unit, torch.zeros_like(unit[..., 0], dtype=torch.int64), torch.zeros_like(unit[..., 0])
        index = self.nearest(unit.detach())
        code = self.vectors[index]
        commitment = (unit - code).square().sum(-1)
        # straight-through (Bengio et al. 2013): forward the code, backward as if it were `unit`; argmax has no gradient
        return unit + (code - unit).detach(), index, commitment

    def learn(self, seed: int, pace: float = 1.0) -> dict[str, float]:
        """Move the codes by the vectors since the last call; returns usage and perplexity of those vectors.

        pace: how far, as a share of 1 − decay. The vectors of a step come from few recordings: codes that keep their
        pace while the network comes to rest drift with whichever recordings came last.
        """
        step = pace * (1 - self.decay)
        raw = torch.cat(self._seen) if self._seen else self.vectors[:0]  # (V, E)
        wanted, self._seen, self._wanted = self._wanted, [], False
        if not len(raw):
            return {}
        if wanted and not self.started:
            self._start(self.direction(raw))
        measured = self._learn_codes(self.direction(raw), seed, step) if self.started else {}
        # last, so that the codes above learned the directions that `forward` used in this step
        self.centre.lerp_(raw.mean(0), step)
        self.spread.lerp_(raw.std(0).clamp_min(1e-3), step)
        return measured

    def _learn_codes(self, seen: Tensor, seed: int, step: float) -> dict[str, float]:
        """One step of the moving averages (van den Oord et al. 2017, A.1) on the directions `seen` (V, E)."""
        index = self.nearest(seen)
        count = torch.bincount(index, minlength=len(self.vectors)).float()
        self.mean_count.lerp_(count, step)
        self.mean_sum.lerp_(torch.zeros_like(self.mean_sum).index_add_(0, index, seen), step)
        # on the sphere only the direction of the sum counts: it need not be divided by the counts
        self.vectors.copy_(F.normalize(self.mean_sum, dim=-1))
        self._restart_dead(seen, seed)
        return usage(index, len(self.vectors))

    def _restart_dead(self, seen: Tensor, seed: int) -> None:
        """Codes that get less than `restart_below` of a fair share move onto vectors of this step."""
        fair = self.mean_count.sum() / len(self.mean_count)
        dead = (self.mean_count < self.restart_below * fair).nonzero().squeeze(-1)
        chosen = _sample(len(seen), min(len(dead), len(seen)), seed)
        dead = dead[: len(chosen)]
        self.vectors[dead] = seen[chosen.to(seen.device)]
        # as if it had always had its share: with its old count it would be dead again at the next step
        self.mean_count[dead] = fair
        self.mean_sum[dead] = seen[chosen.to(seen.device)] * fair

    def _start(self, seen: Tensor, rounds: int = 10) -> None:
        """Spherical k-means on the vectors of one step."""
        chosen = _sample(len(seen), len(self.vectors), 0).to(seen.device)
        # 1e-3: where there are fewer vectors than codes, some are chosen twice and must come apart
        self.vectors.copy_(F.normalize(seen[chosen] + 1e-3 * self.vectors, dim=-1))
        for _ in range(rounds):
            index = self.nearest(seen)
            sums = torch.zeros_like(self.vectors).index_add_(0, index, seen)
            # an empty cluster keeps its code: the sum of nothing has no direction
            filled = torch.bincount(index, minlength=len(sums)) > 0
            self.vectors[filled] = F.normalize(sums[filled], dim=-1)
        count = torch.bincount(self.nearest(seen), minlength=len(self.vectors)).float()
        self.mean_count.copy_(count.clamp_min(0.1))
        self.mean_sum.copy_(self.vectors * self.mean_count[:, None])
        self.started.fill_(True)


def usage(index: Tensor, codes: int) -> dict[str, float]:
    """Share of the codes that occur in `index` (V,), and their perplexity."""
    count = torch.bincount(index, minlength=codes).float()
    share = count / count.sum()
    entropy = -(share * share.clamp_min(1e-12).log()).sum()
    return {"codes_used": (count > 0).float().mean().item(), "perplexity": entropy.exp().item()}


def _sample(n: int, k: int, seed: int) -> Tensor:
    """k of n positions, without repeats where k <= n, by `seed` alone."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return order.repeat(-(-k // n))[:k] if k else order[:0]


def everyone(z: Tensor, counted: Tensor) -> Tensor:
    """The counted vectors of all processes, in process order: (V, E)."""
    return ranks.gather(z)[ranks.gather(counted)]
