"""The contrastive losses: equal to plain loops, blind to absent pairs, the same over two processes as in one."""

import math

import pytest
import torch
from torch import nn

from clef.stages.align import AlignConfig, pair_loss
from clef.stages.contrastive import (
    gather_with_gradient,
    instance_info_nce,
    pairwise_sigmoid,
    symmetric_info_nce,
)
from clef.stages.pair_loss import PairLoss
from tests.helpers import on_two
from tokenizer.base import ranks

PRESENT = torch.tensor([True, True, False, True, True, False, True, True])
SUBJECT = torch.tensor([1, 1, 2, 3, 2, 4, 2**62 + 1, 2**62])
KIND = torch.tensor([0, 1, 2, 3, 4, 5, 3, 4])  # 3 and 6 are of one kind, and 4 and 7
OPTIONS = [{}, {"kind": KIND}, {"positives": True}, {"kind": KIND, "positives": True}]


def batch(n: int = 8, width: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, width, generator=generator), torch.randn(n, width, generator=generator)


def kinds(present: torch.Tensor, subject: torch.Tensor, kind: torch.Tensor, i: int) -> tuple[list[int], list[int]]:
    """The negatives of pair i, and the other sessions of its subject."""
    others = [j for j in range(len(present)) if j != i and present[j]]
    return (
        [j for j in others if subject[j] != subject[i] and kind[j] != kind[i]],
        [j for j in others if subject[j] == subject[i]],
    )


def plain(a, b, present, subject, temperature: float, kind=None, positives=False) -> dict:
    """The definition of InfoNCE, one pair at a time."""
    kind = torch.arange(len(a)) if kind is None else kind
    total, count, hits = 0.0, 0, [0, 0]
    for i in range(len(a)):
        if not present[i]:
            continue
        negatives, same = kinds(present, subject, kind, i)
        right = [i, *same] if positives else [i]
        for way, (x, y) in enumerate([(a, b), (b, a)]):
            scores = [float(torch.cosine_similarity(x[i], y[j], dim=0)) / temperature for j in range(len(a))]
            whole = sum(math.exp(scores[j]) for j in [*right, *negatives])
            total -= 0.5 * sum(math.log(math.exp(scores[j]) / whole) for j in right) / len(right)
            hits[way] += all(scores[j] < scores[i] for j in negatives)
        count += 1
    return {"sum": total, "count": count, "hits_ab": hits[0], "hits_ba": hits[1]}


def plain_sigmoid(a, b, present, subject, temperature: float, bias: float, kind=None, positives=False) -> float:
    """The definition of the sigmoid loss, one pair of pairs at a time."""
    kind = torch.arange(len(a)) if kind is None else kind
    probability = lambda i, j: (
        1 / (1 + math.exp(-float(torch.cosine_similarity(a[i], b[j], dim=0)) / temperature - bias))
    )
    total = 0.0
    for i in range(len(a)):
        if present[i]:
            negatives, same = kinds(present, subject, kind, i)
            right = [i, *same] if positives else [i]
            total -= sum(math.log(probability(i, j)) for j in right)
            total -= sum(math.log(1 - probability(i, j)) for j in negatives)
    return total


@pytest.mark.parametrize("options", OPTIONS)
def test_equals_the_definition(options):
    a, b = batch()
    b = b + a  # so that some are found
    for temperature in (0.07, 1.0):
        found = symmetric_info_nce(a, b, PRESENT, SUBJECT, temperature, **options)
        for name, value in plain(a.double(), b.double(), PRESENT, SUBJECT, temperature, **options).items():
            assert abs(float(found[name]) - value) < 1e-4, name


@pytest.mark.parametrize("options", OPTIONS)
def test_sigmoid_equals_the_definition(options):
    a, b = batch()
    for temperature, bias in ((0.1, -10.0), (1.0, 0.5)):
        found = pairwise_sigmoid(a, b, PRESENT, SUBJECT, temperature, bias, **options)
        expected = plain_sigmoid(a.double(), b.double(), PRESENT, SUBJECT, temperature, bias, **options)
        assert abs(float(found["sum"]) - expected) < 1e-4
        nearest = symmetric_info_nce(a, b, PRESENT, SUBJECT, temperature, **options)
        assert all(found[name] == nearest[name] for name in ("count", "hits_ab", "hits_ba"))


def bags(n: int = 8, width: int = 6) -> tuple[torch.Tensor, ...]:
    """Three instances against five, of which some are not there; one bag has one instance on either side."""
    generator = torch.Generator().manual_seed(1)
    a, b = torch.randn(n, 3, width, generator=generator), torch.randn(n, 5, width, generator=generator)
    a_ok, b_ok = torch.rand(n, 3, generator=generator) > 0.4, torch.rand(n, 5, generator=generator) > 0.4
    a_ok[:, 0] = b_ok[:, 1] = True
    a_ok[0, 1:] = False
    b_ok[0] = torch.arange(5) == 1
    return a, b, a_ok, b_ok


def plain_bags(a, b, a_ok, b_ok, temperature: float) -> float:
    """The definition of the multiple-instance loss, one pair of instances at a time; hits are not counted."""
    n, total = len(a), 0.0
    logit = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(n):
            cosine = lambda s, t, i=i, j=j: float(torch.cosine_similarity(a[i, s], b[j, t], dim=0))
            pairs = [(s, t) for s in range(a.shape[1]) for t in range(b.shape[1]) if a_ok[i, s] and b_ok[j, t]]
            logit[i][j] = math.log(sum(math.exp(cosine(s, t) / temperature) for s, t in pairs) / len(pairs))
    for i in range(n):
        if PRESENT[i]:
            negatives, _ = kinds(PRESENT, SUBJECT, torch.arange(n), i)
            total -= 0.5 * math.log(math.exp(logit[i][i]) / sum(math.exp(logit[i][j]) for j in [i, *negatives]))
            total -= 0.5 * math.log(math.exp(logit[i][i]) / sum(math.exp(logit[j][i]) for j in [i, *negatives]))
    return total


@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_multiple_instance_equals_the_definition(temperature):
    a, b, a_ok, b_ok = bags()
    found = symmetric_info_nce(a, b, PRESENT, SUBJECT, temperature, ok=(a_ok, b_ok))
    assert abs(float(found["sum"]) - plain_bags(a.double(), b.double(), a_ok, b_ok, temperature)) < 1e-4
    one = torch.ones(8, 1, dtype=torch.bool)
    for loss in (symmetric_info_nce, pairwise_sigmoid):  # a bag of one is a vector
        alone = loss(a[:, :1], b[:, :1], PRESENT, SUBJECT, temperature, ok=(one, one))
        vectors = loss(a[:, 0], b[:, 0], PRESENT, SUBJECT, temperature)
        assert all(torch.allclose(alone[name], vectors[name], atol=1e-4) for name in vectors)


def plain_instances(a, b, a_ok, b_ok, temperature: float) -> float:
    """The definition of the loss of instances, one of them at a time, in both directions."""
    total = 0.0
    for x, x_ok, y, y_ok in ((a, a_ok, b, b_ok), (b, b_ok, a, a_ok)):
        for i in range(len(x)):
            if not PRESENT[i]:
                continue
            negatives, _ = kinds(PRESENT, SUBJECT, torch.arange(len(x)), i)
            of_bag = []
            for s in range(x.shape[1]):
                if x_ok[i, s]:
                    score = {
                        (j, t): math.exp(float(torch.cosine_similarity(x[i, s], y[j, t], dim=0)) / temperature)
                        for j in [i, *negatives]
                        for t in range(y.shape[1])
                        if y_ok[j, t]
                    }
                    right = [math.log(value / sum(score.values())) for (j, _), value in score.items() if j == i]
                    of_bag.append(-sum(right) / len(right))
            total += sum(of_bag) / len(of_bag) / 2
    return total


@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_the_loss_of_instances_equals_its_definition(temperature):
    a, b, a_ok, b_ok = bags()
    out = instance_info_nce(a, b, PRESENT, SUBJECT, temperature, ok=(a_ok, b_ok))
    assert abs(float(out["sum"]) - plain_instances(a.double(), b.double(), a_ok, b_ok, temperature)) < 1e-4
    bag = symmetric_info_nce(a, b, PRESENT, SUBJECT, temperature, ok=(a_ok, b_ok))
    assert all(out[name] == bag[name] for name in ("count", "hits_ab", "hits_ba"))
    one = torch.ones(8, 1, dtype=torch.bool)
    alone = instance_info_nce(a[:, :1], b[:, :1], PRESENT, SUBJECT, temperature, ok=(one, one))
    vectors = symmetric_info_nce(a[:, 0], b[:, 0], PRESENT, SUBJECT, temperature)
    assert all(torch.allclose(alone[name], vectors[name], atol=1e-4) for name in vectors)


def test_dot_products_of_vectors_of_any_length():
    """With everybody present and different it is the cross-entropy of the scaled products with the diagonal."""
    a, b = batch()
    logits = a @ b.T / 0.376
    expected = sum(nn.functional.cross_entropy(way, torch.arange(8), reduction="sum") for way in (logits, logits.T)) / 2
    out = PairLoss("dot", 0.376, False)(a, b, torch.ones(8, dtype=torch.bool), torch.arange(8))
    torch.testing.assert_close(out["sum"], expected)
    assert not torch.allclose(PairLoss("dot", 0.376, False)(2 * a, b, PRESENT, SUBJECT)["sum"], out["sum"])


def test_losses_that_do_not_go_together_are_refused():
    with pytest.raises(ValueError, match=r"align\.loss=instances knows no positives"):
        PairLoss("instances", 0.07, False, positives=True)
    with pytest.raises(ValueError, match=r"align\.loss=dot compares whole sessions"):
        pair_loss(AlignConfig(loss="dot", multiple_instance=True))


@pytest.mark.parametrize("loss", [symmetric_info_nce, instance_info_nce])
def test_absent_bags_and_instances_pass_no_gradient(loss):
    a, b, a_ok, b_ok = bags()
    b_ok[2] = False  # of an absent pair
    a, b = (torch.where(ok[..., None], x, math.nan).requires_grad_() for x, ok in ((a, a_ok), (b, b_ok)))
    loss(a, b, PRESENT, SUBJECT, ok=(a_ok, b_ok))["sum"].backward()
    for x, ok in ((a, a_ok & PRESENT[:, None]), (b, b_ok & PRESENT[:, None])):
        assert (x.grad[~ok] == 0).all() and x.grad.isfinite().all() and (x.grad[ok] != 0).any()


def test_a_learned_temperature_starts_where_it_is_set_and_follows_its_gradient():
    """The gradient by the logarithm of the scale is that of the plain definition, by differences."""
    a, b = batch()
    loss = PairLoss("infonce", 0.07, learned_temperature=True)
    assert math.isclose(loss.log_scale.item(), math.log(1 / 0.07), rel_tol=1e-6)
    out = loss(a, b, PRESENT, SUBJECT)
    torch.testing.assert_close(out["sum"], symmetric_info_nce(a, b, PRESENT, SUBJECT, 0.07)["sum"])
    out["sum"].backward()
    at = lambda step: plain(a.double(), b.double(), PRESENT, SUBJECT, 0.07 * math.exp(-step))["sum"]
    assert math.isclose(loss.log_scale.grad.item(), (at(1e-5) - at(-1e-5)) / 2e-5, rel_tol=1e-4)
    loss.log_scale.data.fill_(9.0)
    assert loss.after_step() == {"temperature": pytest.approx(0.01)} and loss.log_scale <= math.log(100) + 1e-6


def test_absent_pairs_are_neither_anchors_nor_negatives():
    for loss in (symmetric_info_nce, pairwise_sigmoid):
        a, b = (x.requires_grad_() for x in batch())
        out = loss(a, b, PRESENT, SUBJECT)
        out["sum"].backward()
        for x in (a, b):
            assert (x.grad[~PRESENT] == 0).all() and (x.grad[PRESENT] != 0).any(1).all()
        wild = torch.where(PRESENT.unsqueeze(1), b, torch.full_like(b, math.nan)).detach().requires_grad_()
        again = loss(a, wild, PRESENT, SUBJECT)
        again["sum"].backward()
        assert again["sum"] == out["sum"] and (wild.grad[~PRESENT] == 0).all() and wild.grad.isfinite().all()


def test_sessions_of_one_subject_are_not_negatives():
    a, b = batch(3)
    same = symmetric_info_nce(a, b, torch.ones(3, dtype=torch.bool), torch.zeros(3, dtype=torch.int64))
    assert same["sum"] == 0 and same["hits_ab"] == same["count"] == 3


@pytest.mark.parametrize("loss", [symmetric_info_nce, pairwise_sigmoid])
def test_nobody_present_gives_zero_and_a_gradient_of_zero(loss):
    a, b = (x.requires_grad_() for x in batch())
    out = loss(a, b, torch.zeros(8, dtype=torch.bool), SUBJECT, positives=True)
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


def every_loss() -> dict[str, tuple[PairLoss, dict]]:
    """A loss for each setting, and what it is called with beside the pairs."""
    return {
        "fixed": (PairLoss("infonce", 0.07, False), {}),
        "learned": (PairLoss("infonce", 0.07, True), {"kind": KIND}),
        "positives": (PairLoss("infonce", 0.07, True, positives=True), {}),
        "sigmoid": (PairLoss("sigmoid", 0.07, True, positives=True), {"kind": KIND}),
    }


def sums_and_gradients(mine: slice) -> dict[str, torch.Tensor]:
    """What a process with these pairs of the batch computes, by loss and name."""
    found = {}
    for name, (loss, options) in every_loss().items():
        torch.manual_seed(0)
        a_net, b_net = nn.Linear(6, 4), nn.Linear(6, 4)
        a, b = batch()
        options = {key: value[mine] for key, value in options.items()}
        out = loss(a_net(a[mine]), b_net(b[mine]), PRESENT[mine], SUBJECT[mine], **options)
        out["sum"].backward()
        out |= {"a": a_net.weight.grad, "b": b_net.weight.grad} | {k: p.grad for k, p in loss.named_parameters()}
        found |= {f"{name}.{key}": value.detach() for key, value in out.items()}
    for name in ("infonce", "instances"):
        a, b, a_ok, b_ok = (x[mine] for x in bags())
        a.requires_grad_()
        loss = PairLoss(name, 0.07, True)
        out = loss(a, b, PRESENT[mine], SUBJECT[mine], ok=(a_ok, b_ok))
        out["sum"].backward()
        whole = torch.zeros(len(PRESENT), *a.shape[1:])
        whole[mine] = a.grad
        out |= {"a": whole, "log_scale": loss.log_scale.grad}
        found |= {f"bags.{name}.{key}": value.detach() for key, value in out.items()}
    return found


def share(folder: str) -> None:
    """One process's half of the batch; writes its sums and the gradient of its half."""
    half = len(PRESENT) // 2
    torch.save(sums_and_gradients(slice(ranks.RANK * half, (ranks.RANK + 1) * half)), f"{folder}/{ranks.RANK}.pt")


def test_two_processes_equal_one(tmp_path):
    on_two(share, str(tmp_path))
    parts = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    expected = sums_and_gradients(slice(None))
    assert (
        {"learned.log_scale", "sigmoid.bias", "bags.infonce.log_scale", "bags.instances.log_scale"}
        <= expected.keys()
        == parts[0].keys()
    )
    for name, value in expected.items():
        assert torch.allclose(parts[0][name] + parts[1][name], value, atol=1e-5), name
    assert parts[0]["fixed.count"] == 3 and parts[1]["fixed.count"] == 3


def test_alone_gathering_is_the_identity():
    a, _ = batch()
    assert gather_with_gradient(a) is a
