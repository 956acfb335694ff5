"""What a network of short windows takes: montage, rate, window, band and units; and what the published ones take."""

import dataclasses

from clef.waveform.montage import LONGITUDINAL, Derivations
from tokenizer.channels import CHANNELS
from tokenizer.filters import RATE

STANDARDS = ("none", "session", "cohort", "fixed")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preparation:
    """How a session becomes windows of C channels and S = window · rate samples.

    channels: what each channel is: an electrode (`Cz`), a pair (`Fp1-F7`) or an electrode against the mean of all that
    were recorded (`Cz-average`) · rate: Hz · window, stride: s; without a stride windows touch
    microvolts: µV of one unit the network takes (1e6 for volts) · limit: samples are clipped to ± so many units
    band: Hz, what is left of the session's 0.1 to 75 Hz; None for all that the rate can hold
    standard: `cohort` divides by the standard deviation of the cohort's training sessions after taking their mean out,
    `session` by the session's own, `fixed` by `scale` after taking `shift` out, `none` leaves units alone
    """

    channels: tuple[str, ...]
    rate: float
    window: float
    stride: float | None = None
    microvolts: float = 1.0
    limit: float | None = None
    band: tuple[float, float] | None = None
    standard: str = "none"
    shift: float = 0.0
    scale: float = 1.0

    def check(self, name: str) -> None:
        """ValueError in one line, of the network called `name`, for what no session could be cut into."""
        Derivations.of(self.channels)
        for field in ("rate", "window", "microvolts", "limit", "stride", "scale"):
            value = getattr(self, field)
            if value is not None and not (isinstance(value, (int, float)) and 0 < value < float("inf")):
                raise ValueError(f"{name}: {field}={value!r}; expected a number above 0")
        if not 8 <= self.rate <= 2000 or abs(self.rate * 16 - round(self.rate * 16)) > 1e-9:
            raise ValueError(f"{name}: rate={self.rate:g} Hz; expected 8 to 2000, in steps of 1/16")
        if self.window < 1 / self.rate or abs(self.samples - self.window * self.rate) > 1e-6:
            raise ValueError(f"{name}: window={self.window:g} s is no whole number of samples at {self.rate:g} Hz")
        if self.standard not in STANDARDS:
            raise ValueError(f"{name}: standard {self.standard!r}; expected {', '.join(STANDARDS)}")
        if self.band and not 0 <= self.band[0] < self.band[1] <= min(self.rate, RATE) / 2:
            low, high = self.band
            raise ValueError(f"{name}: a band of {low:g} to {high:g} Hz; expected 0 to {min(self.rate, RATE) / 2:g} Hz")

    @property
    def samples(self) -> int:
        """S, of a window."""
        return round(self.window * self.rate)

    @property
    def step(self) -> int:
        """Samples from the start of a window to that of the next."""
        return max(1, round((self.stride or self.window) * self.rate))


PUBLISHED = {
    "elm": Preparation(
        channels=LONGITUDINAL, rate=100.0, window=60.0, band=(0.1, 49.0), microvolts=10.0, limit=80.0, standard="cohort"
    ),
    "eegclip": Preparation(
        channels=tuple(f"{electrode}-average" for electrode in CHANNELS),
        **{"rate": 100.0, "window": 12.0, "band": (0.1, 50.0), "microvolts": 30.0, "limit": 800 / 30},
    ),
}
"""By network. ELM: volts times 1e5 clipped to ±80, then the data set's mean and spread. EEG-CLIP: ±800 µV in units of
30; its 21 channels have the ears A1 and A2 as well, sessions here have the 19 electrodes of the scalp."""
