"""The models that are asked: which run is which, whom it was trained on, and which data set it may be scored on.

`name=RUN` is one run for all data sets. `lodo=FOLDER` is a folder of leave-one-data-set-out runs
(benchmark.leave_out): each data set gets the run in FOLDER/without-<data set>. What decides is each run's own record of
the people it was trained on, not the name of its folder.
"""

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.models.names import named_folders
from clef.embeddings import any_seen
from clef.model import Model, load

log = logging.getLogger(__name__)
LODO = "lodo"
TAKEN = ("bandpower", "bandpower average", "metadata", "acquisition", "cohort")
"""Names that other rows and folders have."""
STAGES = ("align", "recon")
"""What a folder of one model may hold; the last stage that is there is asked."""


@dataclasses.dataclass
class Asked:
    """A model for one data set: its name in tables, its run, and how many people of the data set it has seen."""

    name: str
    run: Path
    model: Model
    seen: int
    known: bool
    """Whether it says whom it was trained on."""


def parse_models(given: list[str]) -> dict[str, Path]:
    """Name -> path, of `name=RUN` or `RUN` each. ValueError with one line for what is none, or named twice."""
    models = named_folders(given, "models", TAKEN)
    for name, path in models.items():
        if not path.is_dir():
            raise ValueError(f"models: {name}={path}: there is no such folder")
    return models


def run_of(name: str, path: Path, dataset: str) -> Path:
    """The run that a name stands for on a data set. ValueError if a folder of models lacks it."""
    folder = path / f"without-{dataset}"
    if not (name == LODO or any(path.glob("without-*"))):
        return path
    for stage in STAGES:
        if (folder / stage / "model").is_dir():
            return folder / stage
    raise ValueError(
        f"models: {name}={path}: {folder.name} holds no finished {' or '.join(reversed(STAGES))} run; "
        f"`python -m benchmark.leave_out` trains it"
    )


def ask(name: str, path: Path, dataset: str, people: set[int], allow_overlap: bool) -> Asked:
    """Load the model for a data set and look up in its record whom of `people` it was trained or selected on.

    Raises ValueError with one line if it saw some, or does not say whom it saw, unless `allow_overlap`.
    """
    run = run_of(name, path, dataset)
    model = load(run)
    seen = people_seen(f"models: {name}={run}", model.encoder.about, dataset, people, allow_overlap)
    return Asked(name, run, model, seen or 0, seen is not None)


def people_seen(what: str, about: Mapping[str, Any], dataset: str, people: set[int], allow_overlap: bool) -> int | None:
    """How many of `people` a model was trained or selected on, by what it says `about` itself; None: it does not say.

    Raises ValueError in one line, which begins with `what`, unless that is none or `allow_overlap`.
    """
    listed = about.get("trained_on")
    seen = len(any_seen(listed, people)) if listed else None
    if seen != 0 and not allow_overlap:
        how = f"saw {seen} of the {len(people)} people" if seen else "does not say whether it saw the people"
        raise ValueError(f"{what}: {how} of {dataset}; leave it out, or show it marked with allow_overlap=true")
    return seen
