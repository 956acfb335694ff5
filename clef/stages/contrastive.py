"""The contrastive losses: pairs of vectors agree, all others of the global batch do not.

    a, b (n, d) of this process -> features of all (N, d) -> logits (n, N) -> loss summed over this process's pairs

van den Oord et al., "Representation learning with contrastive predictive coding" (2018), in the symmetric form of
Radford et al., "Learning transferable visual models from natural language supervision" (2021), and the sigmoid loss of
Zhai et al., "Sigmoid loss for language image pre-training" (2023, arXiv 2303.15343). Different here: a pair may be
absent, and then is neither anchor nor negative; other sessions of one subject are not each other's negatives.

Instead of a vector each side may bring a bag of them, as the parts of a session and the sentences of its report, of
which some belong together and nobody knows which. As in Miech et al., "End-to-end learning of visual representations
from uncurated instructional videos" (2020, arXiv 1912.06430), all pairs of instances of two bags count for the bags;
the mean takes the place of their sum, so that a long report is no nearer to everything:

    logit of two bags = log mean_st exp(a_s·b_t / τ)

or, as Gijsen & Ritter (2025, openreview.net/forum?id=yaI2ZYFmeD) have it, every instance is asked for those of its own
bag among all (`instance_info_nce`). EEG-CLIP (arXiv 2503.16531) compares vectors as they are, of any length
(`unit=False`).
"""

from typing import Any, NamedTuple

import torch
from torch.nn import functional as F

from tokenizer.base import ranks


class Relations(NamedTuple):
    """How the pairs of this process stand to those of all: (n, N) bool each, and the column (n,) of each pair itself.

    negative: present, of another subject and of another kind · same: present, another session of the same subject
    """

    negative: torch.Tensor
    same: torch.Tensor
    own: torch.Tensor


def symmetric_info_nce(
    a: torch.Tensor,
    b: torch.Tensor,
    present: torch.Tensor,
    subject: torch.Tensor,
    temperature: float | torch.Tensor = 0.07,
    *,
    kind: torch.Tensor | None = None,
    positives: bool = False,
    ok: tuple[torch.Tensor, torch.Tensor] | None = None,
    unit: bool = True,
) -> dict[str, torch.Tensor]:
    """Symmetric InfoNCE of the pairs (a[i], b[i]), in float32 also under autocast.

    a, b: (n, d), any length · present: (n,) bool, does the pair exist · subject: (n,) int64, who it is of
    kind: (n,) int64; pairs of one kind are not each other's negatives
    positives: other sessions of a subject are positives instead of being left out (Khosla et al. 2020, arXiv
    2004.11362, equation 2: the mean of the log shares of all positives)
    ok: for bags a (n, s, d) and b (n, t, d), (n, s) and (n, t) bool, which instances there are
    unit: vectors are brought to length one first; of bags they always are

    Returns `sum` (the loss in nats, summed over this process's present pairs, mean of both directions), `count` (those
    pairs) and `hits_ab`, `hits_ba` (pairs that are each other's nearest among themselves and their negatives), all ()
    float32. The loss is sum / count over all processes and accumulated steps; every process must bring the same n.

    loss_i = -1/2 [ log softmax_j(a_i·b_j / τ)_i + log softmax_j(b_i·a_j / τ)_i ],  j over i and the present others'
    """
    with torch.autocast(a.device.type, enabled=False):
        forward, backward = (
            _logits(a, b, present, temperature, unit) if ok is None else _bags(a, b, *ok, present, temperature)
        )
        relations = _relate(present, subject, kind)
        loss = (
            _one_way(forward, relations, present, positives) + _one_way(backward, relations, present, positives)
        ) / 2
        return {"sum": loss, **_counts(forward, backward, relations, present)}


def pairwise_sigmoid(
    a: torch.Tensor,
    b: torch.Tensor,
    present: torch.Tensor,
    subject: torch.Tensor,
    temperature: float | torch.Tensor = 0.07,
    bias: float | torch.Tensor = -10.0,
    *,
    kind: torch.Tensor | None = None,
    positives: bool = False,
    ok: tuple[torch.Tensor, torch.Tensor] | None = None,
    unit: bool = True,
) -> dict[str, torch.Tensor]:
    """The sigmoid loss of the pairs (a[i], b[i]): every pair of the batch is a question of its own, own or not.

    Takes and returns what `symmetric_info_nce` does; `bias` starts low because nearly all pairs are negatives.

    loss_i = - log σ(a_i·b_i / τ + bias) - Σ_j log σ(-a_i·b_j / τ - bias),  j over the present others'
    """
    with torch.autocast(a.device.type, enabled=False):
        forward, backward = (
            _logits(a, b, present, temperature, unit) if ok is None else _bags(a, b, *ok, present, temperature)
        )
        relations = _relate(present, subject, kind)
        positive = relations.same.clone() if positives else torch.zeros_like(relations.same)
        positive[torch.arange(len(a), device=a.device), relations.own] = True
        logits = forward + bias
        losses = torch.where(positive, F.softplus(-logits), 0.0) + torch.where(
            relations.negative, F.softplus(logits), 0.0
        )
        loss = torch.where(present, losses.sum(1), 0.0).sum()
        return {"sum": loss, **_counts(forward, backward, relations, present)}


def instance_info_nce(
    a: torch.Tensor,
    b: torch.Tensor,
    present: torch.Tensor,
    subject: torch.Tensor,
    temperature: float | torch.Tensor = 0.07,
    *,
    kind: torch.Tensor | None = None,
    ok: tuple[torch.Tensor, torch.Tensor],
) -> dict[str, torch.Tensor]:
    """InfoNCE of bags a (n, s, d) and b (n, t, d), instance by instance; takes and returns what the others do.

    loss_is = - mean over the t of bag i of log softmax_jt(a_is·b_jt / τ)_it,  j over i and the present others',
    the mean over the instances of a bag, and of both directions. Bags of different size weigh the same here; the
    published loss takes the mean over all instances of a batch, which is the same where they have one size.
    """
    with torch.autocast(a.device.type, enabled=False):
        sides = _sides(a, b, *ok, present)
        everyone = _everyone(sides)
        relations = _relate(present, subject, kind)
        pairs = ((sides[0], everyone[1]), (sides[1], everyone[0]))
        losses = [_instances_one_way(*mine, *others, relations, present, temperature) for mine, others in pairs]
        forward, backward = (_bag_logits(*mine, *others, temperature) for mine, others in pairs)
        return {"sum": sum(losses) / 2, **_counts(forward, backward, relations, present)}


def _instances_one_way(
    a: torch.Tensor,
    a_ok: torch.Tensor,
    b: torch.Tensor,
    b_ok: torch.Tensor,
    relations: Relations,
    present: torch.Tensor,
    temperature: float | torch.Tensor,
) -> torch.Tensor:
    """The loss of this process's instances (n, s, d) among everyone's (N, t, d), summed over its present bags."""
    logits = torch.einsum("isd,jtd->isjt", a, b) / temperature
    candidates = (_candidates(relations)[:, :, None] & b_ok)[:, None]  # (n, 1, N, t)
    shares = logits.masked_fill(~candidates, -torch.inf).flatten(2).log_softmax(2).view_as(logits)
    own = shares[torch.arange(len(a), device=a.device), :, relations.own]  # (n, s, t)
    own_ok = b_ok[relations.own][:, None]
    of_instance = -torch.where(own_ok, own, 0.0).sum(2) / own_ok.sum(2)
    of_bag = torch.where(a_ok, of_instance, 0.0).sum(1) / a_ok.sum(1)
    return torch.where(present, of_bag, 0.0).sum()


def _logits(
    a: torch.Tensor, b: torch.Tensor, present: torch.Tensor, temperature: float | torch.Tensor, unit: bool = True
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines over the temperature, this process's a with everyone's b and the other way round: (n, N) each."""
    a, b = (_unit(x, present) if unit else _present(x, present) for x in (a, b))
    everyone = gather_with_gradient(torch.cat([a, b], dim=1))  # (N, 2d): one exchange for both
    all_a, all_b = everyone.chunk(2, dim=1)
    return a @ all_b.T / temperature, b @ all_a.T / temperature


def _bags(
    a: torch.Tensor,
    b: torch.Tensor,
    a_ok: torch.Tensor,
    b_ok: torch.Tensor,
    present: torch.Tensor,
    temperature: float | torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The same of bags a (n, s, d) and b (n, t, d)."""
    sides = _sides(a, b, a_ok, b_ok, present)
    everyone = _everyone(sides)
    return _bag_logits(*sides[0], *everyone[1], temperature), _bag_logits(*sides[1], *everyone[0], temperature)


def _sides(
    a: torch.Tensor, b: torch.Tensor, a_ok: torch.Tensor, b_ok: torch.Tensor, present: torch.Tensor
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Both bags with vectors of length one, and which of their instances count."""
    usable = ((a, a_ok & present[:, None]), (b, b_ok & present[:, None]))
    return [(_unit(x, ok), _never_empty(ok)) for x, ok in usable]


def _everyone(sides: list[tuple[torch.Tensor, torch.Tensor]]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The bags of all processes."""
    return [(gather_with_gradient(x), ranks.gather(usable.long()).bool()) for x, usable in sides]


def _bag_logits(
    a: torch.Tensor, a_ok: torch.Tensor, b: torch.Tensor, b_ok: torch.Tensor, temperature: float | torch.Tensor
) -> torch.Tensor:
    """Bags (n, s, d) with bags (N, t, d) -> log of the mean of exp(cosine / temperature): (n, N)."""
    cosines = torch.einsum("isd,jtd->ijst", a, b).flatten(2)
    both = (a_ok[:, None, :, None] & b_ok[None, :, None, :]).flatten(2)
    return (cosines / temperature).masked_fill(~both, -torch.inf).logsumexp(2) - both.sum(2).log()


def _never_empty(ok: torch.Tensor) -> torch.Tensor:
    """An absent bag (n, s) keeps its first instance, which is zero: the mean of nothing would be no number."""
    first = torch.arange(ok.shape[1], device=ok.device) == 0
    return ok | (first & ~ok.any(1, keepdim=True))


def _unit(x: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    """Vectors of length one in float32; absent ones are zero and pass no gradient, whatever stood in them."""
    return F.normalize(_present(x, present), dim=-1)


def _present(x: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    """Vectors in float32; absent ones are zero and pass no gradient, whatever stood in them."""
    return torch.where(present.unsqueeze(-1), x.float(), 0.0)


def _relate(present: torch.Tensor, subject: torch.Tensor, kind: torch.Tensor | None) -> Relations:
    n, first = len(subject), len(subject) * ranks.RANK
    columns = [subject, present.long()] + ([] if kind is None else [kind])
    everyone = ranks.gather(torch.stack(columns, dim=1))  # (N, 2 or 3)
    own = torch.arange(first, first + n, device=subject.device)
    at_hand, same = everyone[:, 1].bool(), subject.unsqueeze(1) == everyone[:, 0]
    negative = at_hand & ~same
    if kind is not None:
        negative &= kind.unsqueeze(1) != everyone[:, 2]
    same = at_hand & same
    same[torch.arange(n, device=subject.device), own] = False
    return Relations(negative, same, own)


def _candidates(relations: Relations) -> torch.Tensor:
    """Each pair itself and its negatives (n, N) bool."""
    candidates = relations.negative.clone()
    candidates[torch.arange(len(candidates), device=candidates.device), relations.own] = True
    return candidates


def _one_way(logits: torch.Tensor, relations: Relations, present: torch.Tensor, positives: bool) -> torch.Tensor:
    candidates = _candidates(relations)
    if not positives:
        losses = F.cross_entropy(logits.masked_fill(~candidates, -torch.inf), relations.own, reduction="none")
        return torch.where(present, losses, 0.0).sum()
    positive = relations.same | (candidates & ~relations.negative)
    shares = logits.masked_fill(~(candidates | positive), -torch.inf).log_softmax(1)
    losses = -torch.where(positive, shares, 0.0).sum(1) / positive.sum(1)
    return torch.where(present, losses, 0.0).sum()


def _counts(
    forward: torch.Tensor, backward: torch.Tensor, relations: Relations, present: torch.Tensor
) -> dict[str, torch.Tensor]:
    """How many pairs there are, and of how many the two are nearest, either way."""
    others = ~_candidates(relations)
    nearest = [logits.masked_fill(others, -torch.inf).argmax(1) == relations.own for logits in (forward, backward)]
    hits_ab, hits_ba = ((near & present).sum().float() for near in nearest)
    return {"count": present.sum().float(), "hits_ab": hits_ab, "hits_ba": hits_ba}


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
