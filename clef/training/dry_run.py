"""What a run would need, said before it starts: size, operations, memory, and time at a measured rate.

The rate is that of real micro-steps (forward and backward of masked reconstruction over random tokens, masks as in
training, without the optimiser's step, which the micro-batches of a step share) of one process on this device. Nothing
is written.

    python -m clef.pretrain stage=recon model=base dry_run=true
"""

import contextlib
import logging
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from clef.network.encoder import Encoder
from clef.stages.recon import MaskedSessions, ReconConfig, ReconObjective
from clef.stages.stage import Batch
from clef.training import costs
from clef.training.loop import LoopConfig, make_autocast, to_device
from clef.training.settings import PretrainConfig
from tokenizer.base import ranks
from tokenizer.store import Tokens
from tokenizer.vqgan import BINS, VQGAN

log = logging.getLogger(__name__)
EPOCHS, SESSIONS = 20, 260_000  # the training of the paper (arXiv 2605.10817)
SECONDS = 20.0  # of measuring; a step that was begun is ended


# ---- a model and sessions of the right size
def size_of(config: PretrainConfig) -> costs.Size:
    """The encoder's size over the tokens that the settings of the tokenizer would give."""
    vqgan = config.vqgan
    return costs.Size(config.encoder, vqgan.codes, vqgan.code_dimension, BINS // vqgan.bins_per_token)


def make_objective(size: costs.Size, recon: ReconConfig) -> ReconObjective:
    """stage=recon over a fresh encoder with random code vectors."""
    codes = torch.nn.functional.normalize(torch.randn(size.codes, size.dimensions), dim=-1)
    return ReconObjective(Encoder(size.config, codes, size.rows), recon).train()


def random_batch(sessions: int, columns: int, size: costs.Size, recon: ReconConfig, seed: int = 0) -> Batch:
    """A micro-batch of stage=recon over whole sessions of random tokens: they cost what real ones cost."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, size.codes, (sessions, size.rows, columns)).astype(np.uint16)
    names = np.array([f"random-{i}" for i in range(sessions)])
    valid, split = np.ones((sessions, columns), bool), np.array(["train"] * sessions)
    source = Tokens(tokens, valid, names, np.arange(sessions), split)
    return MaskedSessions(source, recon, seed).batch(range(sessions))


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


def step_seconds(objective: ReconObjective, batch: Batch, precision: str, device: torch.device) -> float:
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
    """Log what the run would need on this device; of stage=recon all, of the others what the settings alone tell."""
    if config.stage == "tokenizer":
        count = sum(p.numel() for p in VQGAN(config.vqgan).parameters())
        log.info("parameters: %.1f M in the tokenizer; dry_run measures stage=recon only", count / 1e6)
        return
    if config.stage == "align":
        log.info("stage=align: its heads depend on the cohort; this is stage=recon of the same encoder")
    size, half = size_of(config), is_half(config.precision, device)
    need = mean_need(size.rows * config.recon.columns, config.recon)
    for line in size_lines(size, need, config, half):
        log.info("%s", line)
    rate, peak = training_rate(size, config, device), matmul_rate(device, half)
    for line in rate_lines(size, need, rate, peak, place_name(device, half)):
        log.info("%s", line)


def training_rate(size: costs.Size, config: PretrainConfig, device: torch.device) -> float:
    """Operations per second of micro-steps of one session, or of 16 on a GPU."""
    sessions = 16 if device.type == "cuda" else 1
    batch = random_batch(sessions, config.recon.columns, size, config.recon)
    objective = make_objective(size, config.recon).to(device)
    objective.encoder.attention = config.attention
    seconds = step_seconds(objective, batch, config.precision, device)
    return costs.training_flops(size, need_of(batch), sessions) / seconds


def size_lines(size: costs.Size, need: costs.Need, loop: LoopConfig, half: bool) -> Iterator[str]:
    """Parameters, operations and memory, from the sizes alone."""
    count, micro = costs.parameters(size), loop.batch // max(1, loop.accumulate * ranks.WORLD)
    each = costs.session_bytes(size, need, half) + costs.passing_bytes(size, need, half)
    state, step = costs.state_bytes(count, loop.ema > 0, half), costs.training_flops(size, need, loop.batch)
    yield f"parameters: {count / 1e6:.1f} M"
    yield (
        f"a session: {need.tokens:,} tokens; {need.seen:,} enter the encoder, {need.hidden:,.0f} are predicted (mean)"
    )
    yield f"operations: {scaled(step / loop.batch)}FLOP per session, {scaled(step)}FLOP per step of {loop.batch}"
    yield (
        f"memory, estimated: {scaled(state)}B for weights, gradients, moments and average, {scaled(each)}B per session "
        f"in a micro-batch: {scaled(state + micro * each)}B with {micro} on a device; a larger accumulate= needs less"
    )


def rate_lines(size: costs.Size, need: costs.Need, rate: float, peak: float, where: str) -> Iterator[str]:
    """The measured rate (FLOP/s) beside the device's peak, and how long the paper's training would take."""
    sessions = rate / costs.training_flops(size, need, 1)
    hours = EPOCHS * SESSIONS / sessions / 3600
    yield f"one large matrix product: {scaled(peak)}FLOP/s ({where})"
    yield (
        f"training: {sessions:.3g} sessions/s, {sessions * need.tokens:,.0f} tokens/s, {scaled(rate)}FLOP/s, "
        f"{100 * rate / peak:.0f} % of the matrix product's"
    )
    yield f"{EPOCHS} epochs of {SESSIONS:,} sessions: {hours:,.0f} hours ({hours / 24:,.1f} days) on one such device"


def mean_need(tokens: int, recon: ReconConfig) -> costs.Need:
    """The work that a session of `tokens` valid tokens makes on average, masked as `recon` says."""
    return costs.Need.of(tokens, recon.mask_mean, recon.mask_sd, recon.mask_least)


def need_of(batch: Batch) -> costs.Need:
    """The work in a batch of sessions of equal length, per session."""
    sessions = len(batch["tokens"])
    seen, hidden = (batch[k].sum().item() / sessions for k in ("kept_ok", "hidden"))
    return costs.Need(batch["tokens"][0].numel(), int(seen), hidden)


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
