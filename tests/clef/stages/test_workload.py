"""Random tokens cost what the mean session costs, and a workload says what its own steps do."""

import pytest

from clef.network import costs
from clef.network.encoder import EncoderConfig
from clef.stages.recon import ReconConfig
from clef.stages.workload import ReconWorkload, mean_need, need_of, random_batch, size_of
from tokenizer.vqgan import VQGANConfig

SMALL = costs.Size(EncoderConfig(64, 4, 3, 2), codes=300, dimensions=16, rows=16)


def test_the_size_is_that_of_the_tokenizers_grid():
    size = size_of(EncoderConfig(), VQGANConfig(codes=50, code_dimension=4, bins_per_token=16))
    assert (size.codes, size.dimensions, size.rows) == (50, 4, 8)


def test_a_batch_of_many_sessions_needs_what_the_mean_says():
    config = ReconConfig()
    mean, found = mean_need(16 * 20, config), need_of(random_batch(300, 20, SMALL, config))
    assert (mean.tokens, mean.seen) == (found.tokens, found.seen) == (320, 160)
    assert abs(mean.hidden / found.hidden - 1) < 0.03


def test_a_workload_is_that_of_its_own_steps():
    workload = ReconWorkload(SMALL, ReconConfig(columns=20))
    objective, batch, flops = workload.make(30, "sdpa")
    assert objective.training and objective.encoder.attention == "sdpa"
    assert batch["tokens"].shape == (30, 16, 20) and int(batch["tokens"].max()) < 300
    assert workload.tokens == 320 and workload.describe().startswith("a session: 320 tokens; 160 enter the encoder")
    assert workload.flops(30) == pytest.approx(flops, rel=0.05)  # masks are drawn, the mean is worked out
    assert workload.parameters == sum(p.numel() for p in objective.parameters())
    assert workload.session_bytes(True) < workload.session_bytes(False)
