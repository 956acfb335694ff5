"""The length of a training: its steps, given or worked out from how many sessions there are to learn from."""

import math

import numpy as np

from clef.stages.inputs import load_tokens
from clef.stages.registry import STAGES
from clef.training.settings import PretrainConfig, stage_settings
from tokenizer.base.cli import ConfigError
from tokenizer.sessions import read_sessions


def settle_steps(config: PretrainConfig) -> None:
    """Put the number of steps into `config` where steps=0 leaves it to the archive. ConfigError for impossible ones."""
    if config.steps < 0:
        raise ConfigError(f"steps={config.steps}: must be 1 or more, or 0 for as many as epochs= need")
    if config.steps == 0:
        config.steps = steps_of(config, training_sessions(config))


def steps_of(config: PretrainConfig, sessions: int) -> int:
    """Steps that show each of `sessions` training sessions `epochs` times, within the bounds that were set."""
    if config.epochs <= 0 or not 1 <= config.fewest_steps <= config.most_steps:
        raise ConfigError(
            f"epochs={config.epochs:g} fewest_steps={config.fewest_steps} most_steps={config.most_steps}: epochs must "
            f"be above 0, and fewest_steps from 1 to most_steps"
        )
    needed = math.ceil(config.epochs * sessions / max(1, config.batch))
    return min(max(needed, config.fewest_steps), config.most_steps)


def training_sessions(config: PretrainConfig) -> int:
    """How many sessions of split train the stage would learn from; of a store, those that were encoded."""
    stage = STAGES[config.stage]
    if stage.source:
        return stage.source(stage_settings(config)).splits["train"]
    if "tokens" in stage.needs:
        return int(np.sum(load_tokens(str(config.tokens))[1].split == "train"))
    return int((read_sessions(str(config.cohort))["split"] == "train").sum())
