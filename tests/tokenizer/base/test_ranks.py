"""Two processes and one: sums, decisions and gathered tensors."""

import pytest
import torch

from tests.helpers import on_two
from tokenizer.base import ranks


def sums_of_two() -> None:
    assert ranks.WORLD == 2
    assert ranks.total(torch.tensor([1.0, ranks.RANK])).tolist() == [2, 1]
    assert ranks.agreed(ranks.RANK == 1) and not ranks.agreed(False)
    assert ranks.gather(torch.tensor([[ranks.RANK], [10]])).tolist() == [[0], [10], [1], [10]]
    ranks.wait_for_all()


def test_two_processes_see_the_sum_the_decision_and_the_rows_of_both():
    on_two(sums_of_two)


def test_alone_every_call_is_the_identity():
    x = torch.arange(3.0)
    assert ranks.total(x) is x and ranks.gather(x) is x
    assert ranks.agreed(True) and not ranks.agreed(False)


@pytest.mark.parametrize(("device", "reason"), [("tpu9", "there is no such device"), ("cuda:99", "device=cuda:99: ")])
def test_a_device_that_is_none_is_one_line(device, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        ranks.set_up(device)
    assert "\n" not in str(caught.value)
