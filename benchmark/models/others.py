"""Other people's encoders in the same table: models of short windows, slid over the same recordings.

`elm=CHECKPOINT` is an encoder of the benchmark's table with its weights (what its authors publish, or `random` for
fresh ones), `any-name=RUN` a run of stage=windows, `mine=FILE.py` one of a person's own. A run says whom it was trained
on, and who saw the people is refused; a checkpoint or a file does not say it, and is marked.
"""

import dataclasses
import re
from pathlib import Path

import numpy as np

from benchmark.encoders.encoder import Encoder, Inputs
from benchmark.encoders.registry import ENCODERS
from benchmark.encoders.windows.foreign import encoder_in, is_file
from benchmark.encoders.windows.pretrained.loading import is_hub_name
from benchmark.encoders.windows.window_model import RANDOM
from benchmark.models.asked import TAKEN, people_seen
from clef.embeddings import Embeddings
from clef.training.run import finished_model
from tokenizer.base.cli import ConfigError
from tokenizer.base.hub import CONFIG, read_config

WEIGHTS = "weights"
PART = "waveform"
"""The folder of a run's model that stage=windows trains."""


@dataclasses.dataclass(frozen=True)
class Other:
    """An encoder beside the models: its name in the table, and what it is run with."""

    name: str
    encoder: Encoder
    weights: str | None

    def seen(self, people: set[int], dataset: str, allow_overlap: bool) -> int | None:
        """How many of `people` it saw: none with fresh weights; None where it does not say.

        Raises ValueError in one line for a run that saw some or does not say it, unless `allow_overlap`.
        """
        if self.weights == RANDOM:
            return 0
        if self.weights is None or not Path(self.weights).is_dir() or (Path(self.weights) / CONFIG).is_file():
            return None  # a file, or a model as people publish it
        about = read_config(str(finished_model(self.weights) / PART)).get("about", {})
        return people_seen(f"encoders: {self.name}={self.weights}", about, dataset, people, allow_overlap)

    def rows(self, inputs: Inputs) -> Embeddings:
        """Vectors of the sessions; what was measured of their windows is kept in `inputs.keep`."""
        return self.encoder.embed(self._inputs(inputs))

    def both(self, inputs: Inputs, most: int) -> tuple[Embeddings, dict[str, np.ndarray]]:
        """The same, and by session the vectors (k, D) of up to `most` single windows; none for 0."""
        if most and self.encoder.both:
            return self.encoder.both(self._inputs(inputs), most)
        return self.rows(inputs), {}

    def _inputs(self, inputs: Inputs) -> Inputs:
        return dataclasses.replace(inputs, weights=self.weights, keep=inputs.keep / self.name)


def parse_others(given: list[str], models: list[str]) -> dict[str, Other]:
    """Name -> encoder, of `NAME=WEIGHTS`, `NAME=RUN` of stage=windows, or `NAME=FILE.py` each.

    Raises ConfigError for what is none, or named twice.
    """
    others: dict[str, Other] = {}
    for text in given:
        name, _, value = text.partition("=")
        if name in others or name in models or name in TAKEN:
            raise ConfigError(f"encoders: {name!r} is the name of another row; give it one of its own")
        others[name] = _other(text, name, value)
    return others


def _other(text: str, name: str, value: str) -> Other:
    known = [name for name, encoder in ENCODERS.items() if WEIGHTS in encoder.needs]
    network = _network_of(value) if re.fullmatch(r"[\w.-]+", name) else None
    if not value or (name not in known and not network and not is_file(value)):
        raise ConfigError(
            f"encoders: {text!r} is no NAME=WEIGHTS of {', '.join(known)}, no NAME=RUN of stage=windows, and no "
            f"NAME=FILE.py of your own"
        )
    if is_file(value):
        return Other(name, encoder_in(value), None)
    if network and name in ENCODERS and name != network:
        raise ConfigError(f"encoders: {text}: the network of this run is {network}; give the row another name")
    encoder = ENCODERS[network or name]
    if value != RANDOM and not Path(value).exists() and not (encoder.hub and is_hub_name(value)):
        raise ConfigError(f"encoders: {name}={value}: there is no such file or run")
    return Other(name, encoder, value)


def _network_of(value: str) -> str | None:
    """The network of a run of stage=windows; None for anything else."""
    folder = Path(value) / "model" / PART
    return read_config(str(folder)).get("network") if value and folder.is_dir() else None
