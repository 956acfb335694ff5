"""A session cut into the windows that a model takes: its montage, rate, band and units.

session (19, 256000) µV at 200 Hz -> gap-free stretches -> montage -> band, rate -> units -> windows (n, C, S)
"""

import dataclasses
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from clef.waveform.montage import Derivations
from clef.waveform.preparation import Preparation
from tokenizer.filters import RATE
from tokenizer.recording import Raw, RecordingError, Session

ORDER = 4


@dataclasses.dataclass(frozen=True)
class Cutting:
    """How sessions are cut for one network; travels to the processes that read, which never see the network itself."""

    derivations: Derivations
    rate: float
    samples: int
    step: int
    band: tuple[float, float] | None
    microvolts: float
    limit: float | None
    upsample: bool = False

    @classmethod
    def of(cls, made: Preparation, upsample: bool = False) -> "Cutting":
        """How sessions are cut as a network has them prepared."""
        derived = Derivations.of(made.channels)
        return cls(derived, made.rate, made.samples, made.step, made.band, made.microvolts, made.limit, upsample)

    def __call__(self, session: Session, raw: Raw | None = None) -> np.ndarray:
        """Windows (n, C, S) float32 of all gap-free stretches; `raw`, which `read_many` hands over, is not needed.

        Raises RecordingError if the montage cannot be made, the recording was slower than the model's rate (unless
        `upsample`), or no gap-free stretch is as long as a window.
        """
        ok = np.asarray(session.channel_ok, bool)
        if missing := self.derivations.missing(ok):
            shown = ", ".join(missing[:4]) + (" …" if len(missing) > 4 else "")
            raise RecordingError("session", f"its montage lacks {len(missing)} channels of the model ({shown})")
        if session.rate < self.rate and not self.upsample:
            raise RecordingError(
                "session",
                f"recorded at {session.rate:g} Hz, the model takes {self.rate:g} Hz, of which the highest are missing; "
                f"upsample=true goes on without them",
            )
        windows = [w for start, stop in stretches(session.valid) for w in self._windows(session, ok, start, stop)]
        if not windows:
            seconds = self.samples / self.rate
            raise RecordingError("session", f"no {seconds:g} s without a gap, which is a window of the model")
        return np.stack(windows)

    def _windows(self, session: Session, ok: np.ndarray, start: int, stop: int) -> Iterator[np.ndarray]:
        """Windows (C, S) of the seconds from `start` to `stop`."""
        from scipy.signal import resample_poly, sosfiltfilt  # it takes a second to import, and few commands cut

        signal = self.derivations.derive(session.signal[:, start * RATE : stop * RATE], ok)
        if self.band and signal.shape[1] > 3 * (2 * ORDER + 1):
            signal = sosfiltfilt(band_pass(*self.band), signal).astype(np.float32)
        ratio = Fraction(self.rate).limit_denominator(16) / RATE
        signal = resample_poly(signal, ratio.numerator, ratio.denominator, axis=1, padtype="line").astype(np.float32)
        signal /= self.microvolts
        if self.limit is not None:
            np.clip(signal, -self.limit, self.limit, out=signal)
        for at in range(0, signal.shape[1] - self.samples + 1, self.step):
            yield signal[:, at : at + self.samples]


def stretches(valid: np.ndarray) -> list[tuple[int, int]]:
    """(first, last + 1) of each run of whole real seconds, of the share of real samples per second (T,)."""
    edges = np.flatnonzero(np.diff(np.r_[False, valid >= 1, False].astype(int)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def band_pass(low: float, high: float) -> np.ndarray:
    """Butterworth sections for what a session, at 0.1 to 75 Hz already, still has to lose."""
    from scipy.signal import butter

    if low <= 0.1 and high < RATE / 2:
        return butter(ORDER, high, "lowpass", fs=RATE, output="sos")
    if high >= RATE / 2:
        return butter(ORDER, max(low, 0.1), "highpass", fs=RATE, output="sos")
    return butter(ORDER, (low, high), "bandpass", fs=RATE, output="sos")
