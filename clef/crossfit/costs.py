"""What cross-fitting an archive costs, foretold from a few steps on it: s for each kind of job of one fold."""

import dataclasses

import numpy as np
import torch

from clef.stages.inputs import Inputs
from clef.stages.registry import STAGES
from clef.stages.workload import ReconWorkload, size_of
from clef.training.dry_run import Archive, archive_of, seconds_per_step
from clef.training.length import steps_of
from clef.training.settings import PretrainConfig
from clef.training.trial import step_seconds, try_steps

FORWARD = 1 / 3  # of a training step's time: a pass forward, without gradients
START = 3.0  # s until a program has been loaded and has read its inputs


def foretell(
    configs: dict[str, PretrainConfig], share: float, device: torch.device
) -> tuple[Archive, dict[str, float]]:
    """The archive, and s for each job of one fold by its name, with `share` of all sessions to learn from.

    configs: the settings of each stage. The tokenizer's steps are timed on the archive itself, those of the stages that
    read tokens on random sessions as long as the archive's median.
    """
    first = configs["tokenizer"]
    archive = archive_of(first)
    sessions = sum(archive.splits.values())
    learned = max(1, round(share * sessions))
    crop = _seconds_per_crop(first, device)
    recon = _seconds_per_session(configs["recon"], archive, device)
    step = seconds_per_step(first, archive, crop)
    encode = FORWARD * crop.seconds * float(np.mean(archive.lengths)) / first.tokenizer_stage.crop_frames
    scale = min(learned, first.tokenizer_stage.scale_sessions) * archive.reading
    seconds = {"tokenizer": START + scale + step * _steps(first, learned)}
    seconds |= {"encode": START + sessions * (archive.reading + encode)}
    for stage, config in configs.items():
        if stage != "tokenizer":
            seconds[stage] = START + recon * config.batch * _steps(config, learned)
    embed = START + FORWARD * recon * sessions
    return archive, seconds | {"embed clef": embed, "embed untrained": embed, "embed codes": START}


def _steps(config: PretrainConfig, sessions: int) -> int:
    return config.steps or steps_of(config, sessions)


def _seconds_per_crop(config: PretrainConfig, device: torch.device):
    """A trial of the tokenizer's steps; its scale comes from two recordings here, which changes no cost."""
    few = dataclasses.replace(config.tokenizer_stage, scale_sessions=2)
    inputs = Inputs(config.cohort, seed=config.seed)
    objective, samples = STAGES["tokenizer"].build(inputs, config.reading, config.vqgan, few)
    return try_steps(objective, samples, config.batch, config.precision, device)


def _seconds_per_session(config: PretrainConfig, archive: Archive, device: torch.device) -> float:
    """s of a training step for each of its sessions, over random tokens."""
    columns = int(np.clip(np.ceil(np.median(archive.lengths) / 10), 1, config.recon.columns))
    workload = ReconWorkload(size_of(config.encoder, config.vqgan), dataclasses.replace(config.recon, columns=columns))
    count = min(config.batch, 16 if device.type == "cuda" else 2)
    objective, batch, _ = workload.make(count, config.attention)
    return step_seconds(objective.to(device), batch, config.precision, device) / count
