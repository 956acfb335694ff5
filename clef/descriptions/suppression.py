"""Suppression and the bursts between: stretches in which the whole head is quiet against its own louder ones.

C = 19 electrodes · S samples · T seconds · Q = 4 T quarters of a second.

Below 10 µV for half a second and more is suppression, and more than half of the record of it with bursts is burst
suppression (Hirsch et al. 2021, J Clin Neurophysiol 38:1). 10 µV from peak to peak are 3.5 µV RMS of a sinusoid.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokenizer.cells import channel_indices
from tokenizer.channels import CHANNELS
from tokenizer.filters import RATE
from tokenizer.quality.raw import in_runs
from tokenizer.recording import Session

Array = NDArray[np.floating]
QUARTER = RATE // 4
SUPPRESSED_UV, OF_LOUD, LOUD = 3.5, 0.25, 0.9
"""Suppressed: below 3.5 µV RMS and below a quarter of what the session reaches in a tenth of its time. The second
keeps a recording with a wrong, small gain from being called suppressed."""
LEAST = 2
"""Quarters of a second in a row."""
LEAST_SHARE, BURST_SUPPRESSION = 0.05, 0.5
"""Share of the time from which on suppression is stated, and from which on it is called burst suppression."""
EYES = channel_indices(("Fp1", "Fp2", "F7", "F8"))
INNER = np.setdiff1d(np.arange(len(CHANNELS)), EYES)
FEWEST = 4
"""Electrodes without which nothing is said of the whole head."""


@dataclass(frozen=True)
class Envelope:
    """amplitude (Q,) µV RMS, the median over electrodes, NaN where fewer than four are usable · suppressed (Q,) bool"""

    amplitude: Array
    suppressed: NDArray[np.bool_]

    def between(self, start: int, stop: int) -> "Envelope":
        """Of some seconds alone."""
        part = slice(4 * start, 4 * stop)
        return Envelope(self.amplitude[part], self.suppressed[part])

    @property
    def share(self) -> float | None:
        """Suppressed share of the time that is measured, None without any."""
        known = np.isfinite(self.amplitude)
        return float(self.suppressed[known].mean()) if known.any() else None

    def bursts(self) -> tuple[int, float]:
        """How many stretches lie between two suppressions, and their median length in s (0 without any)."""
        edges = np.flatnonzero(np.diff(self.suppressed.astype(int)))
        ends, begins = edges[self.suppressed[edges]], edges[~self.suppressed[edges]]
        lengths = [begins[begins > end][0] - end for end in ends if (begins > end).any()]
        return len(lengths), float(np.median(lengths)) / 4 if lengths else 0.0


def envelope_of(session: Session, usable: NDArray[np.bool_]) -> Envelope:
    """The amplitude of a session over its usable seconds (C, T) bool."""
    from scipy.ndimage import uniform_filter1d

    signal = session.signal[INNER]
    fast = signal - uniform_filter1d(signal, RATE, axis=1)  # without drifts: about 1 Hz and more
    rms = np.sqrt((fast.reshape(len(INNER), -1, QUARTER) ** 2).mean(-1))
    believed = np.repeat(usable[INNER], 4, axis=1)
    enough = believed.sum(0) >= FEWEST
    amplitude = np.full(rms.shape[1], np.nan)
    amplitude[enough] = np.nanmedian(np.where(believed, rms, np.nan)[:, enough], axis=0)
    if not enough.any():
        return Envelope(amplitude, enough)
    limit = min(SUPPRESSED_UV, OF_LOUD * np.quantile(amplitude[enough], LOUD))
    return Envelope(amplitude, in_runs(enough & (np.nan_to_num(amplitude) < limit), LEAST))
