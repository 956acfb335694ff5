"""What a table of `benchmark.topomaps` is made of: segments, every way to ask among them, and what it rests on."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.topomaps.scoring import Vectors


@dataclasses.dataclass(frozen=True)
class Study:
    """Ways to ask, from the weakest knowledge on, over n segments: site, split (n,) of str · person (n,) int64.

    title: of the page · protocol: plain values for topomaps.json · notes: lines above the tables
    differences: of NeuroNarrator's protocol from this one
    """

    title: str
    ways: list[Vectors]
    site: NDArray[np.str_]
    split: NDArray[np.str_]
    person: NDArray[np.int64]
    protocol: dict[str, Any]
    notes: list[str]
    differences: tuple[str, ...]


def seen_note(what: str, seen: int | None) -> list[str]:
    """A line in bold if a model saw people of test, or does not say; none if it saw nobody."""
    if seen == 0:
        return []
    return [f"**the {what} " + (f"saw {seen} people of test**" if seen else "does not say whom it saw**")]
