"""A recording through the codes and back, for every grid."""

import pytest
import torch

from benchmark.fidelity.passes import reconstruct
from tests.benchmark.fidelity.helpers import noisy
from tokenizer.readings import Reading
from tokenizer.vqgan import VQGAN, VQGANConfig


@pytest.mark.parametrize(("bins", "frames", "counted"), [(8, 10, 7), (16, 5, 15), (4, 20, 4)])
def test_every_grid_gives_back_as_many_frames_and_counts_what_is_half_valid(bins, frames, counted):
    torch.manual_seed(0)
    vqgan = VQGAN(VQGANConfig(width=8, codes=32, bins_per_token=bins, frames_per_token=frames)).eval()
    valid = torch.arange(90) < 73
    coded = reconstruct(vqgan, Reading(torch.from_numpy(noisy(0, 90)), valid, torch.ones(19).bool()))
    assert coded.rebuilt.shape == (19, 128, 90) and coded.tokens.shape == (128 // bins, -(-90 // frames))
    assert coded.counted.sum() == counted
