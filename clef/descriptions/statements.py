"""A statement on a stretch of a recording: what was seen or not, where, and the numbers that it rests on."""

from dataclasses import dataclass, field
from typing import Literal

Scope = Literal["segment", "minute", "session"]
SCOPES: tuple[Scope, ...] = ("segment", "minute", "session")
KINDS = (
    *("recording", "region", "power", "dominant band", "posterior rhythm", "anterior rhythm", "reactivity"),
    *("alpha asymmetry", "voltage asymmetry", "generalised slowing", "focal slowing", "fast activity"),
    *("suppression", "bursts", "energy", "artefact"),
)
Number = tuple[str, float, str]


@dataclass(frozen=True)
class Statement:
    """Of `present` None means that nothing can be said, for the reason `forbidden`."""

    scope: Scope
    start: float
    stop: float
    kind: str
    present: bool | None
    lobe: str | None = None
    side: str | None = None
    band: str | None = None
    numbers: tuple[Number, ...] = field(default=())
    """Name, value, unit."""
    forbidden: str | None = None

    def number(self, name: str) -> float | None:
        """One of its numbers by name, None if it has no such number."""
        return next((value for label, value, _ in self.numbers if label == name), None)
