"""Settings of `benchmark.topomaps`, and which of them belong together."""

import dataclasses
from pathlib import Path

from benchmark.topomaps.towers import TowersConfig
from tokenizer.base.cli import ConfigError
from tokenizer.base.values import MISSING
from tokenizer.reading.read import ReadingConfig


@dataclasses.dataclass
class TopomapsConfig:
    """Settings of `python -m benchmark.topomaps`."""

    cohort: str = MISSING
    """Cohort folder whose sessions are of split train, val and test."""
    out: Path = MISSING
    """Folder for the tables and the segments; the same folder goes on."""
    tokenizer: str = ""
    """A run folder of stage=tokenizer, or a model folder, for maps of power; its grid must have columns of 10 s."""
    encoder: str = ""
    """A finished run of stage=topomaps, for maps of the voltage."""
    head: bool = True
    """Train the two towers of maps of power; without them everything is in closed form."""
    towers: TowersConfig = dataclasses.field(default_factory=TowersConfig)
    """The head's size and training, for maps of power."""
    most: int = 1500
    """Segments of a pool at most; a site of a published table has the pool that was published, if it has as many."""
    allow_overlap: bool = False
    """Show, marked, a tokenizer or encoder that saw people of test or does not say whom it saw, instead of refusing."""
    reading: ReadingConfig = dataclasses.field(default_factory=ReadingConfig)
    """How recordings become spectrograms, for maps of power."""
    workers: int = 1
    """Processes that read recordings beside this one."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N, for networks."""
    seed: int = 0
    """Draws pools, batches, the untrained network and the bootstrap."""


def check(config: TopomapsConfig) -> None:
    """ConfigError in one line for settings that do not go together."""
    if config.most < 2 or config.towers.steps < 0 or config.towers.width < 1:
        raise ConfigError("most must be 2 or more, towers.steps 0 or more, towers.width 1 or more")
    if bool(config.tokenizer) == bool(config.encoder):
        given = "both" if config.encoder else "neither"
        raise ConfigError(
            f"give tokenizer=RUN for maps of power or encoder=RUN for maps of the voltage, one of them; got {given}"
        )
