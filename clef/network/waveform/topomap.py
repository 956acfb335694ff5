"""Two towers in which ten seconds of EEG and the map of the voltage at their middle sample meet.

    features over the middle sample (B, X) of a waveform network ─▶ perceptron ─▶ (B, V)
                                                    map (B, 19) ─▶ perceptron ─▶ (B, V)

The task is NeuroNarrator's, whose maps are pictures read by a frozen CLIP; here a map is its 19 numbers.
"""

import dataclasses
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from tokenizer.base.hub import ModelPart, build, check_entry, check_network, load_folder, save_folder
from tokenizer.base.limits import is_whole
from tokenizer.channels import CHANNELS

FORMAT = 1
KIND = "clef-topomap"


@dataclasses.dataclass
class TopomapConfig:
    """Size of the towers."""

    width: int = 128
    """V, of the space in which EEG and maps meet."""
    hidden: int = 256
    """Hidden units of each tower."""


LIMITS = {"width": (1, 65536), "hidden": (1, 65536)}


class TopomapTowers(nn.Module, ModelPart, library_name="clef-eeg", tags=["eeg", "clef"], license="apache-2.0"):
    """The towers on top of a waveform network."""

    def __init__(self, features: int, config: TopomapConfig) -> None:
        """features: X, what the network's `over` gives."""
        super().__init__()
        self.features, self.config = features, config
        self.about: dict[str, Any] = {}  # the learned scale and bias of the loss; travels in config.json
        self.eeg, self.map = (_perceptron(inputs, config) for inputs in (features, len(CHANNELS)))

    def forward(self, features: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (B, V), of any length, of features (B, X) and of maps (B, 19)."""
        return self.eeg(features), self.map(maps)

    def describe(self) -> dict[str, Any]:
        """The configuration as plain values, as stored beside the weights."""
        sizes = dataclasses.asdict(self.config)
        return {"format": FORMAT, "kind": KIND, "features": self.features, **sizes, "about": self.about}

    def _save_pretrained(self, save_directory: Path) -> None:
        save_folder(save_directory, self.describe(), self.state_dict())

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> "TopomapTowers":
        config, tensors = load_folder(model_id, KIND, options)
        name, features = Path(model_id).name, config.get("features")
        check_network(config, TopomapConfig, LIMITS, FORMAT, name, ("features",))
        check_entry(is_whole(features, 1, 1 << 20), name, "features", features, "a whole number from 1 to 1048576")
        sizes = TopomapConfig(**{field.name: config[field.name] for field in dataclasses.fields(TopomapConfig)})
        towers = build(lambda: cls(features, sizes), tensors, features * sizes.hidden, "topomap towers")
        towers.about = config.get("about", {})
        return towers


def _perceptron(inputs: int, config: TopomapConfig) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, config.hidden), nn.GELU(), nn.Linear(config.hidden, config.width))
