"""Multi-head attention within each session of a packed batch: one function, and the kernels behind it.

Valid tokens of all sessions stand one after another (T, D), session by session, and each session attends to itself
alone. So there is no padding to mask, nothing is computed for it, and every kernel runs without a mask, which is how
it is fastest. PyTorch's scaled_dot_product_attention (SDPA) is the reference: one call per run of sessions of equal
length. xformers (https://github.com/facebookresearch/xformers, CUDA only) takes all lengths in one call.

Shapes: T tokens of all sessions · D width · H heads.
"""

import dataclasses
import functools
import importlib.util
import itertools
import logging
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

log = logging.getLogger(__name__)
Kernel = Literal["auto", "sdpa", "xformers"]


@dataclasses.dataclass
class Blocks:
    """Which tokens of a packed batch attend to each other: the `lengths` of its sessions, in order."""

    lengths: list[int]
    kernel: Kernel = "auto"

    _mask: Any = dataclasses.field(default=None, init=False)

    def mask(self, device: torch.device) -> Any:
        """The lengths in the form xformers takes, made once for all layers."""
        if self._mask is None:
            from xformers.ops.fmha.attn_bias import BlockDiagonalMask

            self._mask = BlockDiagonalMask.from_seqlens([n for n in self.lengths if n], device=device)
        return self._mask


@functools.cache
def choose(kernel: Kernel, device: str) -> Literal["sdpa", "xformers"]:
    """The kernel that runs on devices of type `device` ("cpu", "cuda"); says once what auto took.

    auto: xformers on CUDA if it is installed, else SDPA. Raises ValueError if an explicit kernel cannot run there.
    """
    installed = importlib.util.find_spec("xformers") is not None
    if kernel == "xformers" and not (installed and device == "cuda"):
        missing = "is not installed (pip install 'clef-eeg[gpu]')"
        reason = f"runs on CUDA only, not on {device}" if installed else missing
        raise ValueError(f"attention=xformers: it {reason}; use attention=sdpa or auto")
    if kernel != "auto":
        return kernel
    chosen = "xformers" if installed and device == "cuda" else "sdpa"
    log.info("attention: %s on %s", chosen, device)
    return chosen


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int, blocks: Blocks) -> Tensor:
    """Attention of q over k and v, all (T, D), within each session -> (T, D).

    Raises ValueError if `blocks.kernel` cannot run on this device.
    """
    return _attend(q, k, v, heads, blocks)


def hide_from_compiler() -> None:
    """Make torch.compile leave attention as it is; to be called before it compiles a model.

    Lengths differ from batch to batch and the compiler would start anew for each. The kernels gain nothing by it.
    """
    global _attend
    _attend = torch.compiler.disable(_attend)


def _attend(q: Tensor, k: Tensor, v: Tensor, heads: int, blocks: Blocks) -> Tensor:
    if not len(q):
        return q
    q, k, v = (x.unflatten(-1, (heads, -1)) for x in (q, k, v))  # (T, H, D/H)
    attention = _xformers if choose(blocks.kernel, q.device.type) == "xformers" else _sdpa
    return attention(q, k, v, blocks).flatten(1)


def _sdpa(q: Tensor, k: Tensor, v: Tensor, blocks: Blocks) -> Tensor:
    runs = [(length, len(list(same))) for length, same in itertools.groupby(blocks.lengths) if length]
    parts = (x.split([length * count for length, count in runs]) for x in (q, k, v))
    attended = [_sdpa_of_equal(count, *part) for (_, count), *part in zip(runs, *parts, strict=True)]
    return attended[0] if len(attended) == 1 else torch.cat(attended)


def _sdpa_of_equal(count: int, *qkv: Tensor) -> Tensor:
    q, k, v = (x.unflatten(0, (count, -1)).transpose(1, 2) for x in qkv)  # (count, H, length, D/H)
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(0, 1)


def _xformers(q: Tensor, k: Tensor, v: Tensor, blocks: Blocks) -> Tensor:
    from xformers.ops import memory_efficient_attention

    return memory_efficient_attention(q[None], k[None], v[None], attn_bias=blocks.mask(q.device))[0]
