"""Processes started by torchrun: their ranks, and sums and gathers over all. Alone, every call is the identity."""

import os
from typing import Any

RANK = int(os.environ.get("RANK", 0))
WORLD = int(os.environ.get("WORLD_SIZE", 1))
LOCAL_RANK = int(os.environ.get("LOCAL_RANK", 0))


def set_up(device: str) -> Any:
    """Join the process group if torchrun started us; return the torch.device of this process.

    `device` is "auto" (CUDA if there is one, else CPU), "cpu", "cuda" or "cuda:N".
    """
    import torch

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"device={device}: this machine shows no CUDA device to PyTorch; use device=cpu or auto")
    if device == "cuda":
        device = f"cuda:{LOCAL_RANK}"
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise ValueError(f"device={device}: there is no such device; use auto, cpu, cuda or cuda:N") from None
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    if WORLD > 1 and not torch.distributed.is_initialized():
        torch.distributed.init_process_group("cpu:gloo,cuda:nccl" if chosen.type == "cuda" else "gloo")
    return chosen


def leave() -> None:
    """Leave the process group, if there is one."""
    import torch

    if WORLD > 1 and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def total(tensor: Any) -> Any:
    """Sum a tensor over all processes, in place."""
    if WORLD > 1:
        import torch

        torch.distributed.all_reduce(tensor)
    return tensor


def agreed(flag: bool) -> bool:
    """Whether the flag is set on any process: clocks differ, decisions must not."""
    import torch

    return bool(total(torch.tensor(float(flag))).item())


def wait_for_all() -> None:
    """Return once every process has called this."""
    if WORLD > 1:
        import torch

        torch.distributed.barrier()


def gather(tensor: Any) -> Any:
    """Concatenate a tensor of equal shape over all processes along its first axis (no gradient)."""
    if WORLD == 1:
        return tensor
    import torch

    parts = [torch.empty_like(tensor) for _ in range(WORLD)]
    torch.distributed.all_gather(parts, tensor.contiguous())
    return torch.cat(parts)
