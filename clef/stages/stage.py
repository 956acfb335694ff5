"""A training stage: its row in the table, and what it brings to the loop, samples and an objective.

`Samples` turns global sample numbers into batches, as a pure function of (seed, number): that is what makes a resumed
run equal to an undisturbed one and n processes equal to one. `Objective` turns a batch into its share of the loss: sums
over what is counted, divided by the totals over all micro-batches and processes.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from torch import Tensor, nn

from clef.network.attention import Kernel

Batch = dict[str, Any]


class Samples(Protocol):
    """What a stage trains on."""

    def batch(self, numbers: Sequence[int]) -> Batch:
        """Global sample numbers -> tensors, with `counts`: what the losses are divided by, as floats."""

    def validation(self) -> list[Batch]:
        """Fixed held-out batches, the same at every call."""


class Objective(nn.Module):
    """A stage: owns its parameter groups and turns a batch into its share of the loss.

    known: what `before_start` returned, also where a run goes on
    """

    known: Mapping[str, float] = MappingProxyType({})

    def groups(self) -> list[dict[str, Any]]:
        """Parameter groups for AdamW, each with `params` and optionally `scale` of the learning rate."""
        return [{"params": [p for p in self.parameters() if p.requires_grad]}]

    def forward(self, batch: Batch, totals: dict[str, float], progress: float) -> dict[str, Tensor]:
        """`loss` and metrics, each a share that sums to the global mean; progress is the share of steps done."""
        raise NotImplementedError  # abstract

    def before_start(self, samples: Samples) -> dict[str, float]:
        """What is worth knowing of the samples before the first step; returns metrics of step 0."""
        return {}

    def monitor(self) -> dict[str, float]:
        """What is worth knowing of the averaged weights beside the loss, at each validation; returns metrics."""
        return {}

    def remark(self, shown: dict[str, float]) -> str:
        """A line for the log on the metrics of a validation; empty for none."""
        return ""

    def after_step(self, step: int) -> dict[str, float]:
        """What has to happen once per step beside the gradient; returns metrics."""
        return {}

    def save_model(self, folder: Path) -> None:
        """Write the model parts into `folder`."""
        raise NotImplementedError  # abstract


# ---- a row of the table
class Source(Protocol):
    """What a stage learns from, where that is neither a cohort nor a token store."""

    @property
    def splits(self) -> dict[str, int]:
        """How many of it each split has."""

    @property
    def fingerprint(self) -> str:
        """A name for all of it: a run cannot go on with another."""


class Workload(Protocol):
    """What training costs by the sizes alone, and micro-batches whose time can be taken."""

    parameters: int
    """Trained numbers."""
    tokens: int
    """Tokens of a session."""

    def describe(self) -> str:
        """A line on the session that costs are worked out for."""

    def flops(self, sessions: int) -> float:
        """Operations of the forward and backward pass of a micro-batch of `sessions` mean sessions."""

    def session_bytes(self, half: bool) -> float:
        """Memory that one session of a micro-batch takes; `half`: under bfloat16 autocast."""

    def make(self, sessions: int, attention: Kernel) -> tuple[Objective, Batch, float]:
        """An objective, a micro-batch of it, and the operations of its forward and backward pass."""


@dataclasses.dataclass
class Preview:
    """What a dry run says of a stage: lines of its own, and a workload to measure if it has one."""

    lines: list[str]
    workload: Workload | None = None


class Settings(NamedTuple):
    """A group of settings that a stage brings: its dataclass, and a line on it for --help."""

    schema: type
    doc: str


@dataclasses.dataclass(frozen=True)
class Stage:
    """A row of the table of stages (`clef.stages.registry`)."""

    needs: tuple[str, ...]
    """Which of cohort, tokens and init must be given, or which settings of its own groups, as GROUP.NAME."""
    settings: dict[str, Settings]
    """Its groups of settings by the name they have in the config; `build` takes each under that name."""
    build: Callable[..., tuple[Objective, Samples]]
    """(clef.stages.inputs.Inputs, **settings) -> what is trained, and on what. Raises ValueError for unfit inputs."""
    next: str
    """The command that follows; names of settings in braces are filled in."""
    preview: Callable[[dict[str, Any]], Preview]
    """What a dry run says, from the settings of all stages by name; nothing is read."""
    reads_recordings: bool = False
    """Whether its samples are read from files: then processes that read ahead are worth their memory."""
    source: Callable[[dict[str, Any]], Source] | None = None
    """Opens what it learns from where that is neither a cohort nor a token store, from its settings by name."""
    counted: str = "sessions"
    """What it learns from, in words."""
    texts: str = ""
    """Which of its settings may name a table of texts, as GROUP.NAME: a run cannot go on with other texts."""
    whole_batch: str = ""
    """Why its loss needs the whole batch at once, if it does: then accumulate must be 1."""
