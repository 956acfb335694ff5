"""Gradients over processes: sums, whatever the buckets, and none where there was none."""

import pytest
import torch
from torch import nn

from clef.training import gradients
from clef.training.gradients import buckets, sum_gradients
from tests.helpers import on_two
from tokenizer.base import ranks

SIZES = [(3, 4), (5,), (), (70, 10), (2, 2), (1,)]


def test_buckets_hold_every_tensor_once_in_order_and_no_more_than_they_may():
    tensors = [torch.zeros(size) for size in SIZES]
    found = list(buckets(tensors, 100))
    assert all(a is b for a, b in zip((t for bucket in found for t in bucket), tensors, strict=True))
    assert all(sum(t.nbytes for t in bucket) <= 100 or len(bucket) == 1 for bucket in found)
    assert [len(bucket) for bucket in found] == [3, 1, 2]
    assert [len(b) for b in buckets([torch.zeros(2), torch.zeros(2).double()], 100)] == [1, 1]
    assert list(buckets([], 100)) == []


class Several(nn.Module):
    def __init__(self):
        super().__init__()
        self.each = nn.ParameterList(nn.Parameter(torch.zeros(size)) for size in SIZES)
        self.fixed = nn.Parameter(torch.zeros(2), requires_grad=False)


def gradient(number, rank):
    return torch.randn(SIZES[number], generator=torch.Generator().manual_seed(10 * number + rank))


def both_sum(most):
    """Parameter 0 has a gradient on one process only, parameter 4 on none; parameter 3 is not contiguous."""
    gradients.BUCKET = most
    module = Several()
    for number, parameter in enumerate(module.each):
        if number != 4 and not (number == 0 and ranks.RANK == 1):
            parameter.grad = gradient(number, ranks.RANK)
    module.each[3].grad = module.each[3].grad.T.contiguous().T
    sum_gradients(module)
    for number, parameter in enumerate(module.each):
        expected = gradient(number, 0) + (gradient(number, 1) if number else 0)
        assert number == 4 or torch.equal(parameter.grad, expected), number
    assert module.each[4].grad is None and module.fixed.grad is None


@pytest.mark.parametrize("most", [1, 100, 1 << 20])
def test_two_processes_hold_the_sum_of_both(most):
    on_two(both_sum, most)
