"""Costs worked out from sizes alone, against real networks: their parameters, counted operations and kept memory."""

import dataclasses

import pytest
import torch
from scipy.stats import truncnorm
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from clef.network import costs
from clef.network.encoder import Encoder, EncoderConfig
from clef.stages.recon import ReconConfig
from clef.stages.workload import make_objective, need_of, random_batch
from clef.training.settings import PretrainConfig
from tokenizer.base.cli import parse

SMALL = costs.Size(EncoderConfig(64, 4, 3, 2), codes=300, dimensions=16, rows=16)
WIDE = costs.Size(EncoderConfig(128, 2, 1, 3), codes=50, dimensions=8, rows=8)


def preset(model):
    run = parse(PretrainConfig, "clef.pretrain", ["stage=recon", f"model={model}"])
    return costs.Size(run.encoder, run.vqgan.codes, run.vqgan.code_dimension)


def counted(size):
    with torch.device("meta"):
        encoder = Encoder(size.config, torch.zeros(size.codes, size.dimensions), size.rows)
    return sum(p.numel() for p in encoder.parameters())


@pytest.mark.parametrize("model", ["tiny", "small", "medium", "base"])
def test_parameters_of_every_size_are_those_of_the_network(model):
    assert costs.parameters(preset(model)) == counted(preset(model))


@pytest.mark.parametrize("size", [SMALL, WIDE, dataclasses.replace(SMALL, rows=32)], ids=str)
def test_parameters_of_other_sizes(size):
    assert costs.parameters(size) == counted(size)


@pytest.mark.parametrize(
    ("model", "wanted", "within"), [("small", 17e6, 0.05), ("medium", 60e6, 0.05), ("base", 148e6, 0.03)]
)
def test_sizes_are_those_of_the_paper(model, wanted, within):
    assert abs(costs.parameters(preset(model)) / wanted - 1) < within


# ---- operations
@pytest.mark.parametrize(("size", "sessions", "columns"), [(SMALL, 3, 16), (WIDE, 1, 40), (SMALL, 1, 64)])
def test_operations_are_those_that_pytorch_counts(size, sessions, columns):
    batch = random_batch(sessions, columns, size, ReconConfig())
    objective = make_objective(size, ReconConfig())
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        objective(batch, batch["counts"], 0.0)["loss"].backward()
    found = costs.training_flops(size, need_of(batch), sessions)
    assert abs(found / counter.get_total_flops() - 1) < 0.02


@pytest.mark.parametrize(("mean", "sd", "low"), [(0.55, 0.25, 0.5), (0.7, 0.05, 0.5), (0.2, 0.4, 0.0)])
def test_the_mean_of_a_cut_normal_is_scipys(mean, sd, low):
    wanted = truncnorm.mean((low - mean) / sd, (1 - mean) / sd, mean, sd)
    assert costs.cut_normal_mean(mean, sd, low, 1.0) == pytest.approx(wanted, abs=1e-9)


# ---- memory
def kept_bytes(objective, batch, half):
    """Bytes that autograd keeps for the backward pass of one micro-batch, each piece of memory once, weights apart."""
    weights = {p.untyped_storage().data_ptr() for p in objective.parameters()}
    kept, alive = {}, []

    def keep(x):
        alive.append(x)  # or its memory would be used again and be counted once for two
        kept[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
        return x

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x), torch.autocast("cpu", torch.bfloat16, half):
        alive.append(objective(batch, batch["counts"], 0.0)["loss"])
    return sum(size for pointer, size in kept.items() if pointer not in weights)


@pytest.mark.parametrize("half", [False, True])
def test_memory_is_what_autograd_keeps(half):
    size = costs.Size(EncoderConfig(128, 4, 3, 2), codes=256)
    sizes = []
    for sessions in (1, 5):  # the difference leaves out what a micro-batch has but once
        batch = random_batch(sessions, 64, size, ReconConfig())
        objective = make_objective(size, ReconConfig())
        need = need_of(batch)
        sizes.append((kept_bytes(objective, batch, half), sessions * costs.session_bytes(size, need, half)))
    (one, said_one), (five, said_five) = sizes
    assert abs((said_five - said_one) / (five - one) - 1) < 0.05


def test_the_state_of_training_is_that_of_adamw():
    layer = torch.nn.Linear(7, 5)
    optimizer = torch.optim.AdamW(layer.parameters())
    layer(torch.zeros(1, 7)).sum().backward()
    optimizer.step()
    moments = sum(v.nbytes for s in optimizer.state.values() for k, v in s.items() if k != "step")
    real = sum(p.nbytes + p.grad.nbytes for p in layer.parameters()) + moments
    assert costs.state_bytes(40, averaged=False) == real
    assert costs.state_bytes(40) == real + 4 * 40 and costs.state_bytes(40, half=True) == real + 6 * 40
