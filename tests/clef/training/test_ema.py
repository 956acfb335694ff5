"""Averaged weights: the stated recursion, swapped in and out, also when something fails in between."""

import pytest
import torch

from clef.training.ema import Average
from tests.clef.training.test_loop import Toy


def test_the_average_is_the_stated_recursion_and_comes_and_goes():
    toy = Toy()
    average, plain = Average(toy, 0.9), toy.layer.weight.detach().clone()
    for step in range(200):
        with torch.no_grad():
            toy.layer.weight.add_(0.1)
        decay = min(0.9, (1 + step) / (10 + step))
        plain = decay * plain + (1 - decay) * toy.layer.weight.detach()
        average.update(step)
    last = toy.layer.weight.detach().clone()
    with average.applied():
        torch.testing.assert_close(toy.layer.weight.detach(), plain)
    assert torch.equal(toy.layer.weight, last)
    with pytest.raises(RuntimeError), average.applied():
        raise RuntimeError
    assert torch.equal(toy.layer.weight, last)


def test_decay_zero_saves_the_last_weights():
    toy = Toy()
    average = Average(toy, 0)
    with torch.no_grad():
        toy.layer.weight.add_(1)
    average.update(0)
    before = toy.layer.weight.detach().clone()
    with average.applied():
        assert torch.equal(toy.layer.weight, before)
