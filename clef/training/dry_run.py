"""What a run would need, said before it starts: the archive, size, memory, and time at a measured rate.

With the stage's inputs given, a few steps on its own samples are timed. Without them the rate is that of micro-steps
over random sessions (forward and backward of the stage's own workload). Both leave out the optimiser's step, which
the micro-batches of a step share. Nothing is written.

    python -m clef.pretrain stage=STAGE model=base dry_run=true
"""

import dataclasses
import logging
from collections.abc import Iterator
from operator import attrgetter

import numpy as np
import torch

from clef.network import costs
from clef.stages.inputs import Inputs, load_tokens
from clef.stages.registry import STAGES
from clef.stages.stage import Workload
from clef.training.forecast import in_words
from clef.training.length import steps_of
from clef.training.loop import LoopConfig, make_autocast
from clef.training.run import finished_model
from clef.training.settings import PretrainConfig, stage_settings
from clef.training.trial import Trial, look_at, seconds_of, step_seconds, try_steps
from tokenizer.base import ranks
from tokenizer.sessions import SPLITS, read_sessions
from tokenizer.stretches import valid_spans

log = logging.getLogger(__name__)
EPOCHS, SESSIONS = 20, 260_000  # the training of the paper (arXiv 2605.10817)


# ---- what is said
def matmul_rate(device: torch.device, half: bool) -> float:
    """Operations per second of one large square matrix product, at its best within a second: what a model can near."""
    side, dtype = 8192 if device.type == "cuda" else 2048, torch.bfloat16 if half else torch.float32
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    laps = [seconds_of(lambda: a @ b, device)]
    while sum(laps) < 1:
        laps.append(seconds_of(lambda: a @ b, device))
    return 2 * side**3 / min(laps)


def say(config: PretrainConfig, device: torch.device) -> None:
    """Log what the run would need on this device: on the archive that was given, or on random sessions."""
    stage = STAGES[config.stage]
    missing = [name for name in stage.needs if not attrgetter(name)(config)]
    if missing:
        say_sizes(config, device)
        log.info("%s: give it, and its own steps are timed", " ".join(f"{name}=" for name in missing))
    else:
        say_archive(config, device)


def say_archive(config: PretrainConfig, device: torch.device) -> None:
    """What the archive is, and what a few steps on it took."""
    stage, known = STAGES[config.stage], archive_of(config)
    settings = {name: getattr(config, name) for name in stage.settings}
    if "tokenizer_stage" in settings:  # weights of any scale cost the same: it is taken from two recordings
        settings["tokenizer_stage"] = dataclasses.replace(config.tokenizer_stage, scale_sessions=2)
    for line in archive_lines(known):
        log.info("%s", line)
    config.steps = config.steps or steps_of(config, known.train)
    init = finished_model(config.init) if config.init else None
    inputs = Inputs(config.cohort, config.tokens, init, config.seed, config.attention, str(device), writes=False)
    objective, samples = stage.build(inputs, **settings)
    micro = max(1, config.batch // max(1, config.accumulate * ranks.WORLD))
    trial = try_steps(objective, samples, micro, config.precision, device)
    for line in trial_lines(config, known, trial, objective, micro):
        log.info("%s", line)
    log.info("(%s; nothing was written)", place_name(device, is_half(config.precision, device)))


@dataclasses.dataclass
class Archive:
    """What is known of an archive: sessions per split, s of the sessions looked at, s to read one (0: in memory).

    counted: what is counted, where that is not sessions; then no length was looked at
    """

    splits: dict[str, int]
    lengths: np.ndarray
    reading: float
    counted: str = "sessions"

    @property
    def train(self) -> int:
        """Sessions to learn from."""
        return self.splits["train"]


def archive_of(config: PretrainConfig) -> Archive:
    """The archive that a stage would learn from: every session of a store, some recordings of a cohort."""
    stage = STAGES[config.stage]
    if stage.source:
        return Archive(stage.source(stage_settings(config)).splits, np.zeros(0), 0.0, stage.counted)
    if "tokens" in stage.needs:
        _, tokens = load_tokens(str(config.tokens))
        splits = {split: int((tokens.split == split).sum()) for split in SPLITS}
        return Archive(splits, 10.0 * valid_spans(tokens.valid), 0.0)
    sessions = read_sessions(str(config.cohort))
    splits = {split: int((sessions["split"] == split).sum()) for split in SPLITS}
    look = look_at(str(config.cohort), sessions, config.reading)
    return Archive(splits, look.lengths, look.reading)


def archive_lines(known: Archive) -> Iterator[str]:
    """How many sessions there are and how long they are."""
    total = sum(known.splits.values())
    shares = ", ".join(f"{count:,} {split}" for split, count in known.splits.items())
    yield f"archive: {total:,} {known.counted} ({shares})"
    if not len(known.lengths):
        return
    low, middle, high = np.quantile(known.lengths, [0, 0.5, 1]) / 60
    seen = f"{len(known.lengths):,} of them read" if len(known.lengths) < total else "all"
    yield f"length, of at most 21.3 min that are used: {low:.1f} to {high:.1f} min, median {middle:.1f} ({seen})"


def trial_lines(
    config: PretrainConfig, known: Archive, trial: Trial, objective: torch.nn.Module, micro: int
) -> Iterator[str]:
    """Steps, memory and time of the run, from what a few samples cost."""
    shown = float(f"{config.steps * config.batch / max(1, known.train):.3g}")
    yield f"parameters: {sum(p.numel() for p in objective.parameters()) / 1e6:.2f} M"
    yield f"steps: {config.steps:,} of {config.batch} samples: each of the training {known.counted} {shown:,g} times"
    yield (
        f"memory: about {scaled(trial.memory(micro))}B with {micro} samples in a micro-batch "
        f"({scaled(trial.base)}B before the first step); a larger accumulate= needs less"
    )
    step = seconds_per_step(config, known, trial)
    reading = f", reading {known.reading:.2f} s a recording" if known.reading else ""
    yield f"a step: {step:.2g} s (timed with {trial.samples} samples{reading})"
    yield f"time: about {in_words(step * config.steps)} for {config.steps:,} steps, without validation"


def seconds_per_step(config: PretrainConfig, known: Archive, trial: Trial) -> float:
    """Seconds of a step: its samples on this process's share of the work, and their reading where that is longer."""
    samples = config.batch / ranks.WORLD
    compute = samples * trial.seconds
    reading = samples / config.tokenizer_stage.crops_per_reading * known.reading if known.reading else 0.0
    return max(compute, reading / config.workers) if config.workers else compute + reading


def say_sizes(config: PretrainConfig, device: torch.device) -> None:
    """What the settings alone tell, and micro-steps on random sessions where the stage has a workload."""
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
