"""One session's explanations in numbers, kept in a file of its own so that a stopped run goes on.

methods: `gradients` (on the spectrogram, added up in tokens), `tokens` (gradients on tokens), `occlusion` (of blocks).
Regions are those of `clef.explanations.occlusion.regions`, lobe and side.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clef.explanations import gradients, occlusion
from clef.explanations.deletion import delete
from clef.explanations.explanation import ExplainingConfig
from clef.explanations.path import Encoded
from clef.explanations.targets import Target, value
from clef.model import Model
from tokenizer.base.files import fingerprint, write_json

METHODS = ("gradients", "tokens", "occlusion")


@dataclasses.dataclass
class Explained:
    """value and usual: the target of the session and of the usual one · areas: method -> fall of the target
    random: the same of random tokens · moved: of each method's picture elsewhere
    shares (C, R): gradients by electrode and row · regions: mirror or others -> (G,) falls, NaN where not recorded
    """

    session: str
    label: bool
    value: float
    usual: float
    areas: dict[str, float]
    random: float
    moved: dict[str, float]
    shares: list[list[float]]
    regions: dict[str, list[float]]

    @property
    def map(self) -> NDArray[np.float64]:
        """`shares` as an array (C, R)."""
        return np.array(self.shares)


def explained(
    model: Model, target: Target, one: Encoded, session: str, label: bool, config: ExplainingConfig, seed: int
) -> Explained:
    """Everything that is asked of one session."""
    cells = gradients.on_spectrogram(model, target, one, config.steps)
    grids = {
        "gradients": gradients.to_tokens(cells, one.grid),
        "tokens": gradients.on_tokens(model, target, one),
        "occlusion": occlusion.on_tokens(model, target, one, 1, config.block),
    }
    tests: dict[str, Any] = {}
    for name, grid in grids.items():
        tests[name] = delete(model, target, one, grid, config.draws, seed, next(iter(tests.values()), None))
    groups = list(occlusion.regions().values())
    regions = {
        by: occlusion.on_electrodes(model, target, one, groups, by=by)[:, 0].tolist() for by in ("others", "mirror")
    }
    shares = cells.sum(2).reshape(len(cells), one.grid[0], -1).sum(2)
    return Explained(
        *(session, label, value(model, target, one), target.at_usual()),
        {name: test.area for name, test in tests.items()},
        tests["gradients"].random_area,
        {name: test.moved_area for name, test in tests.items()},
        *(shares.tolist(), regions),
    )


class Kept:
    """The folder of what was explained; `about` says with which settings, and others are made anew."""

    def __init__(self, folder: Path, about: dict[str, Any]) -> None:
        self.folder, self.about = folder, fingerprint(json.dumps(about, sort_keys=True))

    def path(self, session: str, probe: str) -> Path:
        """The file of a session under a probe."""
        return self.folder / f"{fingerprint(session, probe, self.about)}.json"

    def read(self, session: str, probe: str) -> Explained | None:
        """What is kept of a session, None if nothing is."""
        path = self.path(session, probe)
        return Explained(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None

    def write(self, one: Explained, probe: str) -> None:
        """Keep a session."""
        write_json(self.path(one.session, probe), dataclasses.asdict(one))
