"""What a model of short windows is, for the benchmark: what it takes, and a function from windows to vectors.

    from benchmark.encoders.windows import WindowModel

    def spread(windows):                       # (n, C, S) float32 -> (n, D)
        return windows.std(axis=2)

    ENCODER = WindowModel("spread", channels=("Fp1-F7", "O1-average"), rate=100, window=4, embed=spread)

Saved as my_encoder.py, `python -m benchmark.encode encoder=my_encoder.py cohort=COHORT out=spread.parquet` runs it over
every session. A model with weights is a function `encoder(weights, device)` that returns a `WindowModel`.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from clef.waveform.preparation import Preparation

Embed = Callable[[np.ndarray], np.ndarray]
RANDOM = "random"
"""What `weights` says where nothing was trained."""


@dataclasses.dataclass(frozen=True)
class WindowModel(Preparation):
    """A frozen model of windows, beside what it takes (`clef.waveform.preparation.Preparation`).

    name: in tables · embed: (n, C, S) float32 -> (n, D), on windows without a gap
    weights: where they come from, in words; `random` is said in every table
    fingerprint: of the weights or the code · trained_on: as in `Embeddings`; empty where it is not known
    """

    name: str
    embed: Embed = dataclasses.field(kw_only=True)
    weights: str = dataclasses.field(default="none", kw_only=True)
    fingerprint: str = dataclasses.field(default="", kw_only=True)
    trained_on: dict[str, list[str]] = dataclasses.field(default_factory=dict, kw_only=True)

    def __post_init__(self) -> None:
        """ValueError in one line for what no session could be cut into."""
        if not callable(self.embed):
            raise ValueError(f"{self.name}: embed is {type(self.embed).__name__}; expected a function of windows")
        self.check(self.name)

    def protocol(self) -> dict[str, Any]:
        """What a file says of how its windows were made; all of it is plain values."""
        named = {
            f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in ("embed", "trained_on")
        }
        return named | {
            "channels": list(self.channels),
            "stride": self.stride or self.window,
            "band": self.band and [*self.band],
        }
