"""Every setting of `clef.pretrain`: the loop's own, those that all stages share, and the groups that stages bring.

The groups come from the table of stages, so that a new stage's settings appear on the command line, in --help and in
config.yaml without a line here.
"""

import dataclasses
from typing import Any, Literal

from clef.network.attention import Kernel
from clef.stages.registry import STAGES
from clef.training.loop import LoopConfig


def documented(default: Any, doc: str) -> Any:
    """A field whose line in --help is not written under it."""
    return dataclasses.field(default=default, metadata={"doc": doc})


def needed_by(name: str) -> str:
    """Which stages need an input, in words: "stage=recon and stage=align"."""
    return " and ".join(f"stage={stage}" for stage, row in STAGES.items() if name in row.needs)


NEEDS = ", ".join(f"{name} (needs {'=, '.join(row.needs)}=)" for name, row in STAGES.items())


@dataclasses.dataclass
class CommonConfig(LoopConfig):
    """Settings of the loop, and those that every stage has."""

    stage: str = documented("???", f"What to train; sets the loop's defaults for it: {NEEDS}.")
    machine: str | None = None
    """Sizes, steps and batches for what there is: laptop (CPU) or gpu (one); without it, those for a large archive."""
    model: str = "small"
    """Size of every network."""
    text: str = "scratch"
    """How reports are read in stage=align."""
    out: str | None = None
    """Run folder, required but for dry_run; the same folder with the same settings resumes."""
    dry_run: bool = False
    """Say what the run would need (archive, size, memory, time on this device) and end; nothing is written."""
    cohort: str | None = documented(None, f"Cohort folder ({needed_by('cohort')}).")
    tokens: str | None = documented(None, f"Token store ({needed_by('tokens')}).")
    init: str | None = documented(None, f"Finished run whose encoder is trained further ({needed_by('init')}).")
    seed: int = 0
    """Everything random follows from it."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    workers: int = 0
    """Processes that read recordings beside this one (stage=tokenizer); tokens are in memory: a thread is enough."""
    threads: int = 0
    """CPU threads of this process; 0 leaves the choice to PyTorch."""
    attention: Kernel = "auto"
    """Attention kernel of the session Transformer; auto: xformers on CUDA if it is installed, else PyTorch's own."""
    wandb: Literal["disabled", "offline", "online"] = "disabled"
    """Mirror the metrics to Weights & Biases; metrics.jsonl stays the record."""


GROUPS = {name: group for stage in STAGES.values() for name, group in stage.settings.items()}
"""The groups of settings of all stages, in the order of the table."""

PretrainConfig = dataclasses.make_dataclass(
    "PretrainConfig",
    [(k, g.schema, dataclasses.field(default_factory=g.schema, metadata={"doc": g.doc})) for k, g in GROUPS.items()],
    bases=(CommonConfig,),
    namespace={"__doc__": "Settings of clef.pretrain.", "__module__": __name__},
)


def stage_settings(config: PretrainConfig) -> dict[str, Any]:
    """All stages' groups of settings by name, as `config` has them."""
    return {name: getattr(config, name) for name in GROUPS}
