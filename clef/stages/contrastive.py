"""The contrastive loss: pairs of vectors agree, all others of the global batch do not.

    a, b (n, d) of this process -> features of all (N, d) -> logits (n, N) -> loss summed over this process's pairs

van den Oord et al., "Representation learning with contrastive predictive coding" (2018), in the symmetric form of
Radford et al., "Learning transferable visual models from natural language supervision" (2021). Different here: a pair
may be absent, and then is neither anchor nor negative; other sessions of one subject are not each other's negatives.
"""

from typing import Any

import torch
from torch.nn import functional as F

from tokenizer.base import ranks


def symmetric_info_nce(
    a: torch.Tensor,
    b: torch.Tensor,
    present: torch.Tensor,
    subject: torch.Tensor,
    temperature: float | torch.Tensor = 0.07,
) -> dict[str, torch.Tensor]:
    """Symmetric InfoNCE of the pairs (a[i], b[i]), in float32 also under autocast.

    a, b: (n, d), any length · present: (n,) bool, does the pair exist · subject: (n,) int64, who it is of

    Returns `sum` (the loss in nats, summed over this process's present pairs, mean of both directions), `count` (those
    pairs) and `hits_ab`, `hits_ba` (pairs that are each other's nearest among all candidates), all () float32. The
    loss is sum / count over all processes and accumulated steps; every process must bring the same n.

    loss_i = -1/2 [ log softmax_j(a_i·b_j / τ)_i + log softmax_j(b_i·a_j / τ)_i ],  j over i and the present others'
    """
    with torch.autocast(a.device.type, enabled=False):
        a, b = (_unit(x, present) for x in (a, b))
        everyone = gather_with_gradient(torch.cat([a, b], dim=1))  # (N, 2d): one exchange for both
        all_a, all_b = everyone.chunk(2, dim=1)
        candidates, own = _candidates(present, subject)
        forward, hits_ab = _one_way(a, all_b, candidates, own, present, temperature)
        backward, hits_ba = _one_way(b, all_a, candidates, own, present, temperature)
        count = present.sum().float()
        return {"sum": (forward + backward) / 2, "count": count, "hits_ab": hits_ab, "hits_ba": hits_ba}


def _unit(x: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    """Rows of length one in float32; absent ones are zero and pass no gradient, whatever stood in them."""
    return F.normalize(torch.where(present.unsqueeze(1), x.float(), 0.0), dim=1)


def _candidates(present: torch.Tensor, subject: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Who is compared with whom (n, N) bool, and the column (n,) of each local pair in the global batch."""
    n, first = len(subject), len(subject) * ranks.RANK
    everyone = ranks.gather(torch.stack([subject, present.long()], dim=1))  # (N, 2)
    own = torch.arange(first, first + n, device=subject.device)
    candidates = everyone[:, 1].bool() & (subject.unsqueeze(1) != everyone[:, 0])
    candidates[torch.arange(n, device=subject.device), own] = True
    return candidates, own


def _one_way(
    anchors: torch.Tensor,
    others: torch.Tensor,
    candidates: torch.Tensor,
    own: torch.Tensor,
    present: torch.Tensor,
    temperature: float | torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    logits = (anchors @ others.T / temperature).masked_fill(~candidates, -torch.inf)  # (n, N)
    losses = F.cross_entropy(logits, own, reduction="none")
    hits = (logits.argmax(1) == own) & present
    return torch.where(present, losses, 0.0).sum(), hits.sum().float()


def gather_with_gradient(x: torch.Tensor) -> torch.Tensor:
    """x (n, …) of every process, in order of rank -> (N, …); the gradient of each process's loss flows back to all.

    Alone it is the identity. Every process must bring the same shape.
    """
    return _Gather.apply(x) if ranks.WORLD > 1 else x


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.rows = len(x)
        return ranks.gather(x)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        everyone = ranks.total(gradient.clone(memory_format=torch.contiguous_format))  # what every process's loss wants
        return everyone.narrow(0, ranks.RANK * ctx.rows, ctx.rows)
