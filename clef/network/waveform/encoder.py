"""A network of short windows with a head towards words: other people's architectures, trained by our loop.

    windows (n, C, S) -> features (n, D) of the network -> hidden layers of the head -> (n, H)

The last layer of the head, into the space shared with reports or records, is `clef.network.alignment.Alignment`'s.
ELM's head has one hidden layer of 512 with batch norm and ELU, EEG-CLIP's two of 64 with batch norm, ReLU and dropout.
What is embedded for probes are the features, as both papers do it.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from clef.network.waveform.deep import Deep4, Deep4Config
from clef.network.waveform.residual import ResidualCNN, ResidualCNNConfig, pools_for
from clef.waveform.preparation import PUBLISHED, Preparation
from tokenizer.base.hub import ModelPart, build, check_entry, check_network, load_folder, save_folder
from tokenizer.base.limits import check_settings

FORMAT = 1
KIND = "clef-waveform"
DROPOUT = 0.1
"""Of EEG-CLIP's head, while training."""
NETWORKS: dict[str, Callable[[int, float], nn.Module]] = {
    "elm": lambda channels, seconds: ResidualCNN(ResidualCNNConfig(channels, pools=pools_for(seconds), projection=[])),
    "eegclip": lambda channels, seconds: Deep4(Deep4Config(channels)),
}
"""From the channels and the length of windows."""
LAYERS: dict[str, Callable[[int, int], list[nn.Module]]] = {
    "elm": lambda before, after: [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ELU()],
    "eegclip": lambda before, after: [
        *(nn.Linear(before, after), nn.BatchNorm1d(after)),
        *(nn.ReLU(), nn.Dropout(DROPOUT)),
    ],
}
"""A hidden layer of the head: widths before and after it -> its parts."""


@dataclasses.dataclass
class WaveformConfig:
    """Which network, and its head."""

    network: Literal["elm", "eegclip"] = "elm"
    """elm: a residual CNN on 20 pairs at 100 Hz. eegclip: Deep4 on 19 electrodes against their average at 100 Hz."""
    seconds: float = 60.0
    """Length of a window."""
    hidden: int = 512
    """Width of the hidden layers of the head towards reports and records."""
    layers: int = 1
    """How many of them there are."""


LIMITS = {"seconds": (0.1, 1280.0), "hidden": (1, 65536), "layers": (0, 16)}


class WaveformEncoder(nn.Module, ModelPart, library_name="clef-eeg", tags=["eeg", "clef"], license="apache-2.0"):
    """Windows -> features -> what meets reports and records; with the units it was trained in."""

    def __init__(self, config: WaveformConfig, shift: float = 0.0, scale: float = 1.0):
        """shift, scale: taken out of, and divided out of, windows that are prepared as `PUBLISHED` says."""
        super().__init__()
        check_settings(config, LIMITS, "windows")
        self.config, self.shift, self.scale = config, shift, scale
        self.about: dict[str, Any] = {}  # what it was trained on; travels in config.json
        self.network = NETWORKS[config.network](len(PUBLISHED[config.network].channels), config.seconds)
        if self.preparation.samples < self.network.least_samples:
            least = self.network.least_samples / self.preparation.rate
            raise ValueError(f"windows.seconds={config.seconds:g}: {config.network} takes {least:g} s at least")
        widths = [self.network.width, *[config.hidden] * config.layers]
        self.head = nn.Sequential(
            *[part for pair in itertools.pairwise(widths) for part in LAYERS[config.network](*pair)]
        )
        self.output = widths[-1]

    @property
    def preparation(self) -> Preparation:
        """How a session becomes its windows."""
        made = dataclasses.replace(PUBLISHED[self.config.network], window=self.config.seconds)
        if made.standard != "cohort":
            return made
        return dataclasses.replace(made, standard="fixed", shift=self.shift, scale=self.scale)

    def forward(self, windows: Tensor) -> Tensor:
        """What meets reports and records (n, H), of windows (n, C, S)."""
        return self.head(self.network(windows))

    def embedding_parameters(self) -> Iterator[nn.Parameter]:
        """All of them: it has no part that alignment does not train."""
        return self.parameters()

    def describe(self) -> dict[str, Any]:
        """The configuration as plain values, as stored beside the weights."""
        units = {"shift": self.shift, "scale": self.scale}
        return {"format": FORMAT, "kind": KIND, **dataclasses.asdict(self.config), **units, "about": self.about}

    def _save_pretrained(self, save_directory: Path) -> None:
        save_folder(save_directory, self.describe(), self.state_dict())

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> "WaveformEncoder":
        config, tensors = load_folder(model_id, KIND, options)
        name = Path(model_id).name
        check_network(config, WaveformConfig, LIMITS, FORMAT, name, ("shift", "scale"))
        shift, scale = config.get("shift"), config.get("scale")
        fits = all(type(value) is float and abs(value) < 1e9 for value in (shift, scale)) and scale > 0
        check_entry(fits, name, "shift and scale", (shift, scale), "two numbers, the second above 0")
        sizes = WaveformConfig(**{f.name: config[f.name] for f in dataclasses.fields(WaveformConfig)})
        model = build(lambda: cls(sizes, shift, scale), tensors, sizes.hidden * sizes.layers, "waveform")
        model.about = config.get("about", {})
        return model
