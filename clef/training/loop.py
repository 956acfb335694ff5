"""The one training loop: schedule, forward, backward, step, log, save. Every stage (`clef.stages`) runs through it."""

import contextlib
import dataclasses
import logging
import math
import time
from collections.abc import Iterable
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from clef.stages.stage import Batch, Objective, Samples
from clef.training.ema import Average
from clef.training.forecast import Forecast
from clef.training.gradients import sum_gradients
from clef.training.guards import FirstBadStep, StopSignal
from clef.training.loading import StepClock, load
from clef.training.run import Run
from tokenizer.base import ranks
from tokenizer.base.progress import track

log = logging.getLogger(__name__)


@dataclasses.dataclass
class LoopConfig:
    """The loop's own settings."""

    steps: int = 1000
    """Optimiser steps in all; 0: as many as `epochs` need."""
    epochs: float = 20.0
    """How often each training session is shown, with steps=0; as steps it is bounded by the next two."""
    fewest_steps: int = 300
    """Fewest steps that `epochs` may come to, so that a small archive is learned from at all."""
    most_steps: int = 20000
    """Most steps that `epochs` may come to, so that a large archive takes no longer than there is time."""
    batch: int = 16
    """Samples per step, over all processes."""
    accumulate: int = 1
    """Micro-batches per step on each process; more of them need less memory."""
    lr: float = 1e-3
    """Peak learning rate."""
    warmup: float = 0.05
    """Share of the steps over which the rate rises; then it falls as a cosine to zero."""
    weight_decay: float = 0.1
    """AdamW weight decay, on matrices only."""
    beta2: float = 0.95
    """AdamW second-moment decay (the first is 0.9)."""
    clip: float = 5.0
    """Largest norm of the gradient."""
    ema: float = 0.999
    """Decay of the averaged weights that are validated and saved; 0 saves the last ones."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """auto: bf16 autocast on CUDA devices that have it, fp32 elsewhere."""
    compile: bool = False
    """Compile the network with torch.compile: a slow start; numbers differ by rounding, also after resuming."""
    log_every: int = 10
    """Steps between lines in metrics.jsonl."""
    validate_every: int = 100
    """Steps between validations; the last step always validates."""
    checkpoint_minutes: float = 10.0
    """Minutes between checkpoints."""


def train(objective: Objective, samples: Samples, config: LoopConfig, run: Run, device, workers: int) -> None:
    """Train `objective` to `config.steps`, from the newest checkpoint of `run` if there is one, and save its model."""
    objective.to(device)
    optimizer = make_optimizer(objective, config)
    average = Average(objective, config.ema)
    start = restore(run, objective, optimizer, average)
    if config.compile:
        compile_forward(objective, device)
    autocast, held_out = make_autocast(config.precision, device), samples.validation()
    log.info("%s: %.2f M parameters, step %d of %d", run.folder, _millions(objective), start, config.steps)
    if start == 0 and ranks.RANK == 0 and (known := objective.before_start(samples)):
        run.log_metrics({"step": 0, **known})
    if ranks.RANK == 0:
        objective.known = run.first_metrics()
    stop, bad, clock, saved_at = StopSignal(), FirstBadStep(device), StepClock(), time.monotonic()
    forecast = Forecast(start, config.steps)
    coming = load(samples, range(start, config.steps), config.batch, config.accumulate, workers, device.type == "cuda")
    with contextlib.closing(coming):
        for step, batches in track(clock.timed(coming), "train", config.steps, start):
            seed_noise(run.config["seed"], step)
            rate = learning_rate(config, step)
            for group in optimizer.param_groups:
                group["lr"] = rate * group["scale"]
            totals = sum_counts(batches)
            metrics: dict[str, Tensor] = {}
            for batch in batches:
                with autocast:
                    out = objective(to_device(batch, device), totals, step / config.steps)
                out["loss"].backward()
                metrics = {k: metrics.get(k, 0) + v.detach() for k, v in out.items()}
            sum_gradients(objective)
            norm = torch.nn.utils.clip_grad_norm_(objective.parameters(), config.clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            average.update(step)
            extra = objective.after_step(step)
            done = step + 1
            bad.note(done, metrics["loss"], norm)
            forecast.note(done)
            leaving = stop.now() or done == config.steps
            saving = leaving or ranks.agreed(time.monotonic() - saved_at > 60 * config.checkpoint_minutes)
            logging_now = done % config.log_every == 0 or done == config.steps
            validating = done % config.validate_every == 0 or done == config.steps
            if saving or logging_now or validating:
                bad.check(done, logging_now)
            if logging_now:
                shown = sum_metrics(metrics) | extra
                run.log_metrics({"step": done, **shown, "grad_norm": norm.item(), "lr": rate, **clock.lap()})
            if validating:
                validate(objective, held_out, average, run, done, config, device)
            if saving:
                run.save_checkpoint(done, snapshot(objective, optimizer, average))
                saved_at = time.monotonic()
            if saving or validating:
                clock.restart()
            if leaving:
                stop.leave_if_asked(done)
    with average.applied():
        if ranks.RANK == 0:
            objective.save_model(run.folder / "model")


# ---- the parts of a step
def learning_rate(config: LoopConfig, step: int) -> float:
    """Linear warm-up, then a cosine to zero."""
    rise = max(1, round(config.warmup * config.steps))
    if step < rise:
        return config.lr * (step + 1) / rise
    return config.lr * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, config.steps - rise)))


def make_optimizer(objective: Objective, config: LoopConfig) -> torch.optim.Optimizer:
    """AdamW with weight decay on matrices only, and the stage's own learning-rate scales."""
    groups = []
    for group in objective.groups():
        for decay, wanted in ((config.weight_decay, True), (0.0, False)):
            params = [p for p in group["params"] if (p.ndim >= 2) == wanted]
            groups.append({"params": params, "weight_decay": decay, "scale": group.get("scale", 1.0)})
    groups = [g for g in groups if g["params"]]
    return torch.optim.AdamW(groups, lr=config.lr, betas=(0.9, config.beta2), fused=True)


def compile_forward(objective: Objective, device: torch.device) -> None:
    """Compile the forward pass in place: names of parameters stay. Raises ValueError where nothing can be compiled."""
    try:
        torch.compile(lambda x: x.sin() + 1)(torch.zeros(8, device=device))
    except Exception as error:  # of many kinds: no compiler, no Triton, an old GPU, a folder that cannot be written
        reason = str(error).splitlines()[0]
        raise ValueError(f"compile=true: cannot compile for {device} here ({reason}); use compile=false") from None
    objective.compile()


def seed_noise(seed: int, step: int) -> None:
    """Random numbers drawn while a step is computed (dropout) follow from seed, step and process alone."""
    torch.manual_seed(int(np.random.SeedSequence((seed, 4, step, ranks.RANK)).generate_state(1, np.uint64)[0]))


def make_autocast(precision: str, device: torch.device) -> contextlib.AbstractContextManager:
    """The autocast context for `precision` on `device`; an explicit bf16 that cannot be had is an error."""
    capable = device.type == "cuda" and torch.cuda.is_bf16_supported()
    if precision == "bf16" and device.type == "cuda" and not capable:
        raise ValueError("precision=bf16: this GPU has no bfloat16; use precision=fp32 or auto")
    on = precision == "bf16" or (precision == "auto" and capable)
    return torch.autocast(device.type, torch.bfloat16, enabled=on)


def to_device(batch: Batch, device: torch.device) -> Batch:
    """Tensors to `device`; everything else as it is."""
    return {k: v.to(device, non_blocking=True) if isinstance(v, Tensor) else v for k, v in batch.items()}


def sum_counts(batches: Iterable[Batch]) -> dict[str, float]:
    """`counts` summed over micro-batches and processes, at least 1 so that an empty step divides by something."""
    counts = [batch["counts"] for batch in batches]
    names = sorted(counts[0])
    summed = ranks.total(torch.tensor([[c[n] for n in names] for c in counts], dtype=torch.float64).sum(0))
    return {n: max(1.0, v) for n, v in zip(names, summed.tolist(), strict=True)}


def sum_metrics(metrics: dict[str, Tensor]) -> dict[str, float]:
    """Shares of the metrics, () each, summed over processes: one exchange and one look at the device."""
    values = ranks.total(torch.stack([v.double() for v in metrics.values()])).tolist()
    return dict(zip(metrics, values, strict=True))


@torch.no_grad()
def validate(
    objective, batches: list[Batch], average: Average, run: Run, done: int, config: LoopConfig, device
) -> None:
    """Log the losses on the held-out batches, with the averaged weights."""
    if not batches:
        return
    objective.eval()
    shown: dict[str, float] = {}
    totals = {n: max(1.0, sum(b["counts"][n] for b in batches)) for n in batches[0]["counts"]}
    with average.applied(), make_autocast(config.precision, device):
        for batch in batches:
            out = objective.forward(to_device(batch, device), totals, done / config.steps)  # never compiled: too rare
            shown = {k: shown.get(k, 0.0) + v.item() for k, v in out.items()}
        shown = {f"val_{k}": v for k, v in shown.items()} | objective.monitor()
    objective.train()
    run.log_metrics({"step": done, **shown})
    log.info("step %d: %s", done, "  ".join(f"{k} {v:.4f}" for k, v in shown.items()))
    if remark := objective.remark(shown):
        log.info("step %d: %s", done, remark)


# ---- checkpoints
def snapshot(objective, optimizer, average: Average) -> dict[str, dict[str, Tensor]]:
    """Everything the next step depends on beside its number."""
    moments = {f"{i}.{k}": v for i, entry in optimizer.state_dict()["state"].items() for k, v in entry.items()}
    return {"objective": objective.state_dict(), "optimizer": moments, "ema": average.mean}


def restore(run: Run, objective: Objective, optimizer: torch.optim.Optimizer, average: Average) -> int:
    """Put the newest checkpoint back; returns the number of steps done."""
    checkpoint = run.load_checkpoint()
    if checkpoint is None:
        return 0
    step, tensors = checkpoint
    objective.load_state_dict(tensors["objective"], strict=True)
    state = optimizer.state_dict()
    for key, value in tensors["optimizer"].items():
        index, name = key.split(".")
        state["state"].setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(state)
    average.restore(tensors["ema"])
    return step


def _millions(module: nn.Module) -> float:
    return sum(p.numel() for p in module.parameters()) / 1e6
