"""The unit in which a recording's numbers would be scalp EEG, for the line that refuses it.

C = channels · n = samples at the recording's own rate.
"""

from math import log

import numpy as np
from numpy.typing import NDArray

from tokenizer.filters import clean
from tokenizer.recording import MICROVOLTS

USUAL_UV = 50.0
"""What an electrode spans in a second, 0.1 to 75 Hz: 26 to 129 in 156 real recordings."""
POSSIBLE = 15.0
"""How many times less or more than the usual one it may be."""


def unit_advice(numbers: NDArray[np.float32], microvolts: NDArray[np.float32], hz: float) -> str:
    """The words that name the unit to state, or say that none would do.

    `numbers` (C, n) as they stand in the file, `microvolts` the same as they were read, both at `hz` Hz.
    """
    stated, span = _span(microvolts, hz), _span(numbers, hz)
    fits = {unit: abs(log(span * factor / USUAL_UV)) for unit, factor in MICROVOLTS.items() if span > 0}
    best = min(fits, key=fits.__getitem__, default=None)
    # the unit that is stated already is no advice: then the numbers are something else
    if best is None or fits[best] > log(POSSIBLE) or abs(log(span * MICROVOLTS[best] / stated)) < log(2):
        return f"no unit= of {', '.join(MICROVOLTS)} makes it scalp EEG; look at the recording"
    return f"give unit={best}, which would fit ({span * MICROVOLTS[best]:.0f} µV in the typical second)"


def _span(samples: NDArray[np.float32], hz: float) -> float:
    """What the typical channel spans in the typical second after filtering."""
    samples = samples - np.median(samples, axis=1, keepdims=True)
    # in units of its own largest number, so that nothing is cut down to ±0.3 V whatever the unit
    largest = float(np.abs(samples).max(initial=0)) or 1.0
    filtered = clean((samples / largest).astype(np.float32), hz, 0) * largest
    whole = filtered[:, : filtered.shape[1] // 200 * 200].reshape(len(filtered), -1, 200)
    return float(np.median(np.ptp(whole, axis=2))) if whole.size else 0.0
