"""Other people's encoders in the same table: models of short windows, slid over the same recordings.

`elm=CHECKPOINT` is an encoder of the benchmark's table with its weights (a run of stage=windows, what its authors
publish, or `random` for fresh ones), `mine=FILE.py` one of a person's own. A run says whom it was trained on, and who
saw the people is refused; a checkpoint or a file does not say it, and is marked.
"""

import dataclasses
from pathlib import Path

from benchmark.encoders.encoder import Encoder, Inputs
from benchmark.encoders.registry import ENCODERS
from benchmark.encoders.windows.foreign import encoder_in, is_file
from benchmark.encoders.windows.pretrained.loading import is_hub_name
from benchmark.encoders.windows.window_model import RANDOM
from benchmark.open.models import TAKEN
from clef.embeddings import Embeddings, seen_subjects
from clef.training.run import finished_model
from tokenizer.base.cli import ConfigError
from tokenizer.base.hub import CONFIG, read_config

WEIGHTS = "weights"


@dataclasses.dataclass(frozen=True)
class Other:
    """An encoder beside the models: its name in the table, and what it is run with."""

    name: str
    encoder: Encoder
    weights: str | None

    def seen(self, people: set[int], dataset: str, allow_overlap: bool) -> int | None:
        """How many of `people` it saw: none with fresh weights; None where it does not say.

        Raises ValueError in one line for a run that saw some, unless `allow_overlap`.
        """
        if self.weights == RANDOM:
            return 0
        if self.weights is None or not Path(self.weights).is_dir() or (Path(self.weights) / CONFIG).is_file():
            return None  # a file, or a model as people publish it
        config = read_config(str(finished_model(self.weights) / "waveform"))
        seen = set().union(*seen_subjects(config["about"]["trained_on"], people).values())
        if seen and not allow_overlap:
            raise ValueError(
                f"encoders: {self.name}={self.weights}: saw {len(seen)} of the {len(people)} people of {dataset}; "
                f"leave it out, or show it marked with allow_overlap=true"
            )
        return len(seen)

    def rows(self, inputs: Inputs) -> Embeddings:
        """Vectors of the sessions; what was measured of their windows is kept in `inputs.keep`."""
        return self.encoder.embed(dataclasses.replace(inputs, weights=self.weights))


def parse_others(given: list[str], models: list[str]) -> dict[str, Other]:
    """Name -> encoder, of `name=WEIGHTS` or `name=FILE.py` each. ConfigError for what is none, or named twice."""
    others: dict[str, Other] = {}
    known = [name for name, encoder in ENCODERS.items() if WEIGHTS in encoder.needs]
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not value or (name not in known and not is_file(value)):
            raise ConfigError(
                f"encoders: {text!r} is no NAME=WEIGHTS of {', '.join(known)}, and no NAME=FILE.py of your own"
            )
        if name in others or name in models or name in TAKEN:
            raise ConfigError(f"encoders: {name!r} is the name of another row; give it one of its own")
        own = is_file(value)
        others[name] = Other(name, encoder_in(value), None) if own else Other(name, ENCODERS[name], value)
        fetched = not own and ENCODERS[name].hub and is_hub_name(value)
        if not own and value != RANDOM and not Path(value).exists() and not fetched:
            raise ConfigError(f"encoders: {name}={value}: there is no such file or run")
    return others
