"""Attention within packed sessions: every kernel against plain arithmetic, and nothing is paid for padding."""

import importlib.util
import logging

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from clef.network import attention
from clef.network.attention import Blocks, attend, choose
from clef.network.transformer import Pack, Transformer

LENGTHS = ([7], [5, 5, 5], [4, 4, 1, 9, 9], [0, 3, 0, 0, 6], [2, 0, 2])
GPU = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]
NO_XFORMERS = pytest.mark.skipif(importlib.util.find_spec("xformers") is None, reason="xformers is not installed")
KERNELS = [
    pytest.param("sdpa", "cpu"),
    pytest.param("sdpa", "cuda", marks=GPU),
    pytest.param("xformers", "cuda", marks=[*GPU, NO_XFORMERS]),
]


def plain(q, k, v, heads, lengths):
    """Softmax over the keys of the same session, head by head, token by token, in float64."""
    session = torch.tensor([i for i, n in enumerate(lengths) for _ in range(n)])
    out = []
    for h in range(heads):
        part = slice(h * q.shape[1] // heads, (h + 1) * q.shape[1] // heads)
        score = q[:, part] @ k[:, part].T / (q.shape[1] // heads) ** 0.5
        weight = score.exp() * (session[:, None] == session)
        out.append(weight / weight.sum(1, keepdim=True) @ v[:, part])
    return torch.cat(out, 1)


def inputs(lengths, width, seed=0):
    g = torch.Generator().manual_seed(seed)
    return [torch.randn(sum(lengths), width, generator=g, dtype=torch.float64) for _ in range(4)]


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize(("kernel", "device"), KERNELS)
def test_a_kernel_and_its_gradient_are_plain_attention(kernel, device, lengths):
    *qkv, towards = inputs(lengths, 64)
    exact = [x.requires_grad_() for x in qkv]
    mine = [x.detach().float().to(device).requires_grad_() for x in qkv]
    wanted, found = plain(*exact, 2, lengths), attend(*mine, 2, Blocks(lengths, kernel))
    (wanted * towards).sum().backward()
    (found * towards.float().to(device)).sum().backward()
    for a, b in [(found, wanted), *((m.grad, e.grad) for m, e in zip(mine, exact, strict=True))]:
        torch.testing.assert_close(a.cpu().double(), b, atol=2e-5, rtol=0)


@pytest.mark.parametrize("kernel", ["sdpa", pytest.param("xformers", marks=NO_XFORMERS)])
@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_kernel_in_bfloat16_on_long_sessions(kernel):
    lengths = [2048, 1000, 2048, 16]
    *qkv, _ = inputs(lengths, 128)
    found = attend(*(x.bfloat16().cuda() for x in qkv), 2, Blocks(lengths, kernel)).cpu().double()
    wanted = plain(*(x.bfloat16().double() for x in qkv), 2, lengths)
    assert (found - wanted).abs().max() < 0.02


def test_nothing_at_all_attends_to_nothing():
    empty = torch.zeros(0, 8)
    assert attend(empty, empty, empty, 2, Blocks([0, 0])).shape == (0, 8)


def test_padding_costs_nothing():
    """Operations are those of each session alone: 4·n²·D each, forward."""
    lengths, width = [40, 3, 11, 40, 0], 16
    q, k, v, _ = (x.float() for x in inputs(lengths, width))
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        attend(q, k, v, 2, Blocks(lengths, "sdpa"))
    assert counter.get_total_flops() == sum(4 * n * n * width for n in lengths)


# ---- choosing
def test_auto_is_pytorch_on_a_cpu_and_says_so_once(caplog):
    choose.cache_clear()
    with caplog.at_level(logging.INFO):
        assert [choose("auto", "cpu") for _ in range(3)] == ["sdpa"] * 3
    assert [r.getMessage() for r in caplog.records] == ["attention: sdpa on cpu"]


def test_xformers_where_it_cannot_run_is_refused_not_replaced(monkeypatch):
    x = torch.zeros(3, 8)
    with pytest.raises(ValueError, match=r"attention=xformers: it .*; use attention=sdpa or auto"):
        attend(x, x, x, 2, Blocks([3], "xformers"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    choose.cache_clear()
    with pytest.raises(ValueError, match="attention=xformers: it runs on CUDA only, not on cpu"):
        choose("xformers", "cpu")
    assert choose("auto", "cuda") == "xformers" and choose("auto", "cpu") == "sdpa" and choose("sdpa", "cuda") == "sdpa"
    monkeypatch.undo()
    choose.cache_clear()


# ---- torch.compile
@pytest.mark.slow
def test_a_compiled_transformer_is_not_compiled_again_for_every_mix_of_lengths(monkeypatch):
    from torch._dynamo.utils import counters

    monkeypatch.setattr(attention, "_attend", attention._attend)  # to be put back
    attention.hide_from_compiler()
    torch.manual_seed(0)
    model = Transformer(8, 2, 10).eval()
    compiled = torch.compile(model, backend="eager")
    graphs = []
    for lengths in ([4, 4], [5, 5], [6, 5], [7, 6, 5], [3, 9], [8, 8, 8, 8], [2, 11]):
        x = torch.randn(sum(lengths), 8)
        torch.testing.assert_close(compiled(x, Pack(lengths)), model(x, Pack(lengths)), atol=1e-6, rtol=0)
        graphs.append(counters["stats"]["unique_graphs"])
    assert graphs[3:] == graphs[-1:] * 4, graphs
