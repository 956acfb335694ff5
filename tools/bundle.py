"""Put clef-open together: the weights of finished runs, their training record and the model card, ready to ship.

    python -m tools.bundle runs=[TOKENIZER,RECON,ALIGN] cohorts=[COHORT] tokens=[STORE] facts=FACTS.yaml

The last run gives the model; all of them say what training cost. The cohorts and token stores are those they were
trained on: people and hours are counted in them. facts= says what cannot be counted (`tools.bundling.facts`): licences,
hardware, scores. Score the bundle, add the numbers to the facts, start the command again. It takes seconds. Nothing but
weights, settings and hashes of people is taken from the runs. Exit code 1: it was written, and lacks what it needs to
ship.
"""

import dataclasses
import logging
from pathlib import Path
from typing import Any, Literal

import torch

from clef.bundle import FOLDER
from clef.model import load
from clef.training.run import finished_model
from tokenizer.base.cli import ConfigError, program
from tokenizer.base.files import write_aside, write_json, write_text
from tokenizer.base.hub import WEIGHTS, save_folder
from tools.bundling.card import model_card
from tools.bundling.check import CARD, RECORD, check_bundle
from tools.bundling.facts import read_facts
from tools.bundling.record import make_record, parts_of

log = logging.getLogger(__name__)
Precision = Literal["float32", "float16"]


@dataclasses.dataclass
class BundleConfig:
    """Settings of `python -m tools.bundle`."""

    runs: list[str] = dataclasses.field(default_factory=list)
    """Finished runs in the order of their training; the last one is the model."""
    cohorts: list[str] = dataclasses.field(default_factory=list)
    """All cohorts that any of the runs was trained on."""
    tokens: list[str] = dataclasses.field(default_factory=list)
    """Token stores of those cohorts: hours are counted in them."""
    facts: str | None = None
    """YAML or JSON file: data sets with licences, hardware, command, scores."""
    out: str = str(FOLDER)
    """The folder of the bundle; one that is there is replaced."""
    precision: Precision = "float32"
    """float16 halves the weights (matrices alone; they are read as float32): another fingerprint, other vectors."""


def main(config: BundleConfig) -> int:
    """Load, count, write aside, put in place; 1 if the bundle may not ship yet."""
    if not config.runs or not config.cohorts:
        raise ConfigError("give runs=[…], the last of which is the model, and cohorts=[…] they were trained on")
    facts = read_facts(config.facts)
    with write_aside(Path(config.out)) as folder:
        folder.mkdir()
        for name, part in parts_of(load(finished_model(config.runs[-1]))).items():
            save_part(folder / name, part, config.precision)
        model = load(folder)  # as everybody will: strictly, with its counts said
        record = make_record(model, config.runs, config.cohorts, config.tokens, facts, config.precision)
        write_json(folder / RECORD, record)
        write_text(folder / CARD, model_card(record, sum(file.stat().st_size for file in folder.rglob(WEIGHTS))))
        for file in (path for path in folder.rglob("*") if path.is_file()):
            file.chmod(0o644)  # a wheel keeps modes, and who installs it is seldom who uses it
    log.info("wrote %s: model %s", config.out, record["model"])
    try:
        check_bundle(Path(config.out))
    except ValueError as error:
        log.warning("it may not ship yet: %s", error)
        return 1
    log.info("next: look at %s, then commit the folder", Path(config.out) / CARD)
    return 0


def save_part(folder: Path, part: Any, precision: Precision) -> None:
    """Write one network; in half precision its matrices, never its codes, scales and biases."""
    folder.mkdir()
    tensors = part.state_dict()
    if precision == "float16":
        matrices = {name for name, tensor in part.named_parameters() if tensor.ndim > 1}
        tensors = {k: v.to(torch.float16) if k in matrices else v for k, v in tensors.items()}
    save_folder(folder, part.describe(), tensors)


if __name__ == "__main__":
    program(BundleConfig, main, "tools.bundle")
