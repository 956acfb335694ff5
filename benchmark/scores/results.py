"""The results of one benchmark run, as tables, figures and the report read them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import polars as pl

from benchmark.encoders.encoder import Encoder
from benchmark.scores.identity import Identity
from benchmark.scores.scoring import Scored
from benchmark.scores.subgroups import SUBGROUPS
from clef.embeddings import Embeddings


@dataclasses.dataclass
class Results:
    """Scores, what the tasks' file says, whether the data are synthetic, and controls on the benchmark itself.

    unmatched: rows that matching takes something from, on the same cases with random controls
    permuted: all rows on the same tasks with permuted labels · controls: on tasks that an EEG should not show
    identity: does each embedding know people again · subgroups: rows of `benchmark.scores.subgroups.SUBGROUPS`
    encoders: embedding -> the encoder that made it, where it is one of `benchmark.encoders`
    stores: embedding -> its file, for how it was read and whom its model was trained on
    """

    scored: Scored
    about: dict[str, Any]
    synthetic: bool = False
    unmatched: Scored | None = None
    permuted: Scored | None = None
    controls: Scored | None = None
    identity: list[Identity] = dataclasses.field(default_factory=list)
    subgroups: pl.DataFrame = dataclasses.field(default_factory=lambda: pl.DataFrame(schema=SUBGROUPS))
    encoders: dict[str, Encoder] = dataclasses.field(default_factory=dict)
    stores: Mapping[str, Embeddings] = dataclasses.field(default_factory=dict)

    def words(self, task: str) -> str:
        """A task for people: as it is if it is in words, else its code with the cohort's description of it."""
        if "//" not in task:
            return task
        name = self.about.get("names", {}).get(task)
        code = task.split("//", 1)[-1]
        return f"{name} ({code})" if name else code

    def cases(self, task: str) -> int:
        """Scored cases of a task."""
        return int(self._cases[task])

    def __post_init__(self) -> None:
        self.about.setdefault("ceilings", {})
        self._cases = dict(self.scored.scores.select("task", "cases").unique("task").iter_rows())
