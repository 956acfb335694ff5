"""InfoNCE: equal to a plain loop, blind to absent pairs, the same over two processes as in one."""

import math

import torch
from torch import nn

from clef.stages.contrastive import gather_with_gradient, symmetric_info_nce
from tests.helpers import on_two
from tokenizer.base import ranks

PRESENT = torch.tensor([True, True, False, True, True, False, True, True])
SUBJECT = torch.tensor([1, 1, 2, 3, 2, 4, 2**62 + 1, 2**62])


def batch(n: int = 8, width: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, width, generator=generator), torch.randn(n, width, generator=generator)


def plain(a: torch.Tensor, b: torch.Tensor, present: torch.Tensor, subject: torch.Tensor, temperature: float) -> dict:
    """The definition, one pair at a time."""
    total, count, hits = 0.0, 0, [0, 0]
    for i in range(len(a)):
        if not present[i]:
            continue
        rivals = [j for j in range(len(a)) if j == i or (present[j] and subject[j] != subject[i])]
        for way, (x, y) in enumerate([(a, b), (b, a)]):
            scores = {j: float(torch.cosine_similarity(x[i], y[j], dim=0)) / temperature for j in rivals}
            total -= 0.5 * (scores[i] - math.log(sum(math.exp(s) for s in scores.values())))
            hits[way] += max(scores, key=scores.get) == i
        count += 1
    return {"sum": total, "count": count, "hits_ab": hits[0], "hits_ba": hits[1]}


def test_equals_the_definition():
    a, b = batch()
    b = b + a  # so that some are found
    for temperature in (0.07, 1.0):
        found = symmetric_info_nce(a, b, PRESENT, SUBJECT, temperature)
        for name, value in plain(a.double(), b.double(), PRESENT, SUBJECT, temperature).items():
            assert abs(float(found[name]) - value) < 1e-4, name


def test_absent_pairs_are_neither_anchors_nor_negatives():
    a, b = (x.requires_grad_() for x in batch())
    out = symmetric_info_nce(a, b, PRESENT, SUBJECT)
    out["sum"].backward()
    for x in (a, b):
        assert (x.grad[~PRESENT] == 0).all() and (x.grad[PRESENT] != 0).any(1).all()
    wild = torch.where(PRESENT.unsqueeze(1), b, torch.full_like(b, math.nan)).detach().requires_grad_()
    again = symmetric_info_nce(a, wild, PRESENT, SUBJECT)
    again["sum"].backward()
    assert again["sum"] == out["sum"] and (wild.grad[~PRESENT] == 0).all() and wild.grad.isfinite().all()


def test_sessions_of_one_subject_are_not_negatives():
    a, b = batch(3)
    same = symmetric_info_nce(a, b, torch.ones(3, dtype=torch.bool), torch.zeros(3, dtype=torch.int64))
    assert same["sum"] == 0 and same["hits_ab"] == same["count"] == 3


def test_nobody_present_gives_zero_and_a_gradient_of_zero():
    a, b = (x.requires_grad_() for x in batch())
    out = symmetric_info_nce(a, b, torch.zeros(8, dtype=torch.bool), SUBJECT)
    out["sum"].backward()
    assert out["sum"] == out["count"] == 0 and (a.grad == 0).all() and (b.grad == 0).all()


def test_float32_under_autocast_and_a_learned_temperature():
    a, b = batch()
    scale = torch.tensor(0.5, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        out = symmetric_info_nce(a, b, PRESENT, SUBJECT, scale)
    assert out["sum"].dtype == torch.float32 and torch.equal(
        out["sum"], symmetric_info_nce(a, b, PRESENT, SUBJECT, 0.5)["sum"]
    )
    out["sum"].backward()
    assert scale.grad != 0


def share(folder: str) -> None:
    """One process's half of the batch; writes its sums and the gradient of its half."""
    rank = ranks.RANK
    torch.manual_seed(0)
    a_net, b_net = nn.Linear(6, 4), nn.Linear(6, 4)
    a, b = batch()
    mine = slice(rank * len(a) // 2, (rank + 1) * len(a) // 2)
    out = symmetric_info_nce(a_net(a[mine]), b_net(b[mine]), PRESENT[mine], SUBJECT[mine])
    out["sum"].backward()
    values = {k: v.detach() for k, v in out.items()} | {"a": a_net.weight.grad, "b": b_net.weight.grad}
    torch.save(values, f"{folder}/{rank}.pt")


def test_two_processes_equal_one(tmp_path):
    on_two(share, str(tmp_path))
    parts = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    torch.manual_seed(0)
    a_net, b_net = nn.Linear(6, 4), nn.Linear(6, 4)
    a, b = batch()
    whole = symmetric_info_nce(a_net(a), b_net(b), PRESENT, SUBJECT)
    whole["sum"].backward()
    expected = dict(whole) | {"a": a_net.weight.grad, "b": b_net.weight.grad}
    for name, value in expected.items():
        assert torch.allclose(parts[0][name] + parts[1][name], value, atol=1e-5), name
    assert parts[0]["count"] == 3 and parts[1]["count"] == 3


def test_alone_gathering_is_the_identity():
    a, _ = batch()
    assert gather_with_gradient(a) is a
