"""The settings that name the models of a table, common to the programs that ask them of a data set."""

import dataclasses


@dataclasses.dataclass
class ModelsConfig:
    """Which models stand side by side, and how recordings reach them."""

    models: list[str] = dataclasses.field(default_factory=list)
    """Runs to ask, [name=RUN,…]."""
    encoders: list[str] = dataclasses.field(default_factory=list)
    """Other people's models of short windows, [elm=CHECKPOINT,mine=FILE.py] (docs/compare.md)."""
    upsample: bool = False
    """Give those encoders recordings that are slower than their rate, too."""
    allow_overlap: bool = False
    """Show, marked, models that saw held-out people or do not say whom they saw, instead of refusing."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    workers: int = 1
    """Processes that read recordings beside this one."""
