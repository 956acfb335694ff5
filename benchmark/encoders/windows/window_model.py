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

from benchmark.encoders.windows.montage import Derivations
from tokenizer.filters import RATE

Embed = Callable[[np.ndarray], np.ndarray]
RANDOM = "random"
"""What `weights` says where nothing was trained."""


@dataclasses.dataclass(frozen=True)
class WindowModel:
    """A frozen model of windows of C channels and S = window · rate samples.

    name: in tables · channels: what each channel is: an electrode (`Cz`), a pair (`Fp1-F7`) or an electrode against the
    mean of all that were recorded (`Cz-average`) · rate: Hz · window, stride: s; without a stride windows touch
    microvolts: µV of one unit the model takes (1e6 for volts) · limit: samples are clipped to ± so many units
    band: Hz, what is left of the session's 0.1 to 75 Hz; None for all that the rate can hold
    standard: `cohort` divides by the standard deviation of the cohort's training sessions after taking their mean out,
    `session` by the session's own, `none` leaves units alone
    embed: (n, C, S) float32 -> (n, D), on windows without a gap
    weights: where they come from, in words; `random` is said in every table
    fingerprint: of the weights or the code · trained_on: as in `Embeddings`; empty where it is not known
    """

    name: str
    channels: tuple[str, ...]
    rate: float
    window: float
    embed: Embed
    stride: float | None = None
    microvolts: float = 1.0
    limit: float | None = None
    band: tuple[float, float] | None = None
    standard: str = "none"
    weights: str = "none"
    fingerprint: str = ""
    trained_on: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """ValueError in one line for what no session could be cut into."""
        Derivations.of(self.channels)
        if not callable(self.embed):
            raise ValueError(f"{self.name}: embed is {type(self.embed).__name__}; expected a function of windows")
        for field in ("rate", "window", "microvolts", "limit", "stride"):
            value = getattr(self, field)
            if value is not None and not (isinstance(value, (int, float)) and 0 < value < float("inf")):
                raise ValueError(f"{self.name}: {field}={value!r}; expected a number above 0")
        if not 8 <= self.rate <= 2000 or abs(self.rate * 16 - round(self.rate * 16)) > 1e-9:
            raise ValueError(f"{self.name}: rate={self.rate:g} Hz; expected 8 to 2000, in steps of 1/16")
        if self.window < 1 / self.rate or abs(self.samples - self.window * self.rate) > 1e-6:
            raise ValueError(f"{self.name}: window={self.window:g} s is no whole number of samples at {self.rate:g} Hz")
        if self.standard not in ("none", "session", "cohort"):
            raise ValueError(f"{self.name}: standard {self.standard!r}; expected none, session or cohort")
        if self.band and not 0 <= self.band[0] < self.band[1] <= min(self.rate, RATE) / 2:
            low, high = self.band
            raise ValueError(
                f"{self.name}: a band of {low:g} to {high:g} Hz; expected 0 to {min(self.rate, RATE) / 2:g} Hz"
            )

    @property
    def samples(self) -> int:
        """S, of a window."""
        return round(self.window * self.rate)

    @property
    def step(self) -> int:
        """Samples from the start of a window to that of the next."""
        return max(1, round((self.stride or self.window) * self.rate))

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
