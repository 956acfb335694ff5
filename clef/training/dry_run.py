"""What a run would need, said before it starts: size, operations, memory, and time at a measured rate.

The rate is that of real micro-steps (forward and backward of the stage's own workload, without the optimiser's step,
which the micro-batches of a step share) of one process on this device. Nothing is written.

    python -m clef.pretrain stage=STAGE model=base dry_run=true
"""

import contextlib
import logging
import statistics
import time
from collections.abc import Callable, Iterator

import torch

from clef.network import costs
from clef.stages.registry import STAGES
from clef.stages.stage import Batch, Objective, Workload
from clef.training.loop import LoopConfig, make_autocast, to_device
from clef.training.settings import PretrainConfig, stage_settings
from tokenizer.base import ranks

log = logging.getLogger(__name__)
EPOCHS, SESSIONS = 20, 260_000  # the training of the paper (arXiv 2605.10817)
SECONDS = 20.0  # of measuring; a step that was begun is ended


# ---- the clock
def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Time of `work`, in s, until the device is done with it; on one CPU thread without what other processes take."""
    alone = device.type == "cpu" and torch.get_num_threads() == 1
    clock = time.process_time if alone else time.perf_counter
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    wait()
    began = clock()
    work()
    wait()
    return clock() - began


def matmul_rate(device: torch.device, half: bool) -> float:
    """Operations per second of one large square matrix product, at its best within a second: what a model can near."""
    side, dtype = 8192 if device.type == "cuda" else 2048, torch.bfloat16 if half else torch.float32
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    laps = [seconds_of(lambda: a @ b, device)]
    while sum(laps) < 1:
        laps.append(seconds_of(lambda: a @ b, device))
    return 2 * side**3 / min(laps)


def micro_step(objective: torch.nn.Module, batch: Batch, autocast: contextlib.AbstractContextManager) -> None:
    """Forward and backward of one micro-batch; the gradient is dropped."""
    with autocast:
        loss = objective(batch, batch["counts"], 0.0)["loss"]
    loss.backward()
    objective.zero_grad(set_to_none=True)


def step_seconds(objective: Objective, batch: Batch, precision: str, device: torch.device) -> float:
    """Median time of a micro-step, in s: of nine or as many as fit into the time there is; a GPU warms up first."""
    autocast, batch = make_autocast(precision, device), to_device(batch, device)
    step, laps, began = lambda: micro_step(objective, batch, autocast), [], time.monotonic()
    if device.type == "cuda":
        step()  # loads kernels; on a CPU there is less to warm up, and a step of model=base takes half a minute
    while not laps or (len(laps) < 9 and time.monotonic() - began + laps[-1] < SECONDS):
        laps.append(seconds_of(step, device))
    return statistics.median(laps)


# ---- what is said
def say(config: PretrainConfig, device: torch.device) -> None:
    """Log what the run would need on this device; of a stage without a workload what its settings alone tell."""
    preview = STAGES[config.stage].preview(stage_settings(config))
    for line in preview.lines:
        log.info("%s", line)
    if (workload := preview.workload) is None:
        return
    half = is_half(config.precision, device)
    for line in size_lines(workload, config, half):
        log.info("%s", line)
    rate, peak = training_rate(workload, config, device), matmul_rate(device, half)
    for line in rate_lines(workload, rate, peak, place_name(device, half)):
        log.info("%s", line)


def training_rate(workload: Workload, config: PretrainConfig, device: torch.device) -> float:
    """Operations per second of micro-steps of one session, or of 16 on a GPU."""
    objective, batch, flops = workload.make(16 if device.type == "cuda" else 1, config.attention)
    return flops / step_seconds(objective.to(device), batch, config.precision, device)


def size_lines(workload: Workload, loop: LoopConfig, half: bool) -> Iterator[str]:
    """Parameters, operations and memory, from the sizes alone."""
    micro = loop.batch // max(1, loop.accumulate * ranks.WORLD)
    each, step = workload.session_bytes(half), workload.flops(loop.batch)
    state = costs.state_bytes(workload.parameters, loop.ema > 0, half)
    yield f"parameters: {workload.parameters / 1e6:.1f} M"
    yield workload.describe()
    yield f"operations: {scaled(step / loop.batch)}FLOP per session, {scaled(step)}FLOP per step of {loop.batch}"
    yield (
        f"memory, estimated: {scaled(state)}B for weights, gradients, moments and average, {scaled(each)}B per session "
        f"in a micro-batch: {scaled(state + micro * each)}B with {micro} on a device; a larger accumulate= needs less"
    )


def rate_lines(workload: Workload, rate: float, peak: float, where: str) -> Iterator[str]:
    """The measured rate (FLOP/s) beside the device's peak, and how long the paper's training would take."""
    sessions = rate / workload.flops(1)
    hours = EPOCHS * SESSIONS / sessions / 3600
    yield f"one large matrix product: {scaled(peak)}FLOP/s ({where})"
    yield (
        f"training: {sessions:.3g} sessions/s, {sessions * workload.tokens:,.0f} tokens/s, {scaled(rate)}FLOP/s, "
        f"{100 * rate / peak:.0f} % of the matrix product's"
    )
    yield f"{EPOCHS} epochs of {SESSIONS:,} sessions: {hours:,.0f} hours ({hours / 24:,.1f} days) on one such device"


def is_half(precision: str, device: torch.device) -> bool:
    """Whether the loop computes in bfloat16 with this `precision` on this device."""
    with make_autocast(precision, device):
        return torch.is_autocast_enabled(device.type)


def place_name(device: torch.device, half: bool) -> str:
    """The GPU's name, or how many threads the CPU has for us, and what matrix products are computed in."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    return f"{name}, {'bfloat16' if half else 'float32'}"


def scaled(number: float) -> str:
    """Three digits and the prefix of a unit: 1.31e12 -> "1.31 T"."""
    for prefix, factor in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if number >= 0.9995 * factor:
            return f"{float(f'{number / factor:.3g}'):,g} {prefix}"
    return f"{number:.3g} "
