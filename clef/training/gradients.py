"""Gradients summed over processes in flat buckets: few large exchanges instead of one per parameter.

Li et al., "PyTorch Distributed: experiences on accelerating data parallel training" (2020, arXiv 2006.15704), section
3.2.2. We differ: the exchange starts after the backward pass, once for all micro-batches, and it sums where they
average, because every loss is a share of the global mean already.
"""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from tokenizer.base import ranks

BUCKET = 25 << 20  # bytes


def sum_gradients(module: nn.Module) -> None:
    """Add up the gradients of `module` over processes, in place.

    A parameter no process used keeps no gradient, as alone: AdamW would count a zero as a step.
    """
    if ranks.WORLD == 1:
        return
    parameters = [p for p in module.parameters() if p.requires_grad]
    used = ranks.total(torch.tensor([float(p.grad is not None) for p in parameters])).tolist()
    together = [p for p, anywhere in zip(parameters, used, strict=True) if anywhere]
    for parameter in together:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    for bucket in buckets((p.grad for p in together), BUCKET):
        flat = ranks.total(torch.cat([gradient.flatten() for gradient in bucket]))
        for gradient, part in zip(bucket, flat.split([g.numel() for g in bucket]), strict=True):
            gradient.copy_(part.view_as(gradient))


def buckets(tensors: Iterable[Tensor], most: int) -> Iterator[list[Tensor]]:
    """The tensors in order, in groups of one type and at most `most` bytes; a larger one is a group of its own."""
    group: list[Tensor] = []
    size = 0
    for tensor in tensors:
        if group and (size + tensor.nbytes > most or tensor.dtype != group[0].dtype):
            yield group
            group, size = [], 0
        group.append(tensor)
        size += tensor.nbytes
    if group:
        yield group
