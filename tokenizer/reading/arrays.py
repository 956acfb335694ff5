"""Recordings that are numbers in memory, each as a `Source`: arrays, and the epochs of MNE, one recording each.

MNE itself is not needed here: whoever has an `Epochs` object has imported it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tokenizer.channels import match
from tokenizer.recording import MICROVOLTS, RecordingError, Segment, Source

if TYPE_CHECKING:
    import mne


def array_source(
    samples: NDArray[Any], rate: float, channels: Sequence[str], unit: str | None = None, name: str = "recording"
) -> Source:
    """Samples (channels, n) at `rate` Hz as a recording; µV unless `unit` says otherwise, and nothing is copied.

    Raises RecordingError if the numbers cannot be that, ValueError for a rate or unit that is none.
    """
    if unit is not None and unit not in MICROVOLTS:
        raise ValueError(f"unit={unit}: expected one of {', '.join(MICROVOLTS)}")
    if isinstance(rate, bool) or not isinstance(rate, int | float | np.number) or not 0 < rate < np.inf:
        raise ValueError(f"rate={rate!r}: expected a sampling rate in Hz, above 0")
    _check_shape(samples, channels, name)
    factor, names, hz = MICROVOLTS[unit or "uV"], list(channels), float(rate)

    def load(channel: int, first: int, n: int) -> NDArray[np.float32]:
        microvolts = (samples[channel, first : first + n] * factor).astype(np.float32)
        if not np.isfinite(microvolts).all():
            reason = f"channel {names[channel]} holds samples that are not numbers (NaN or infinite); cut them out"
            raise RecordingError(name, reason)
        return microvolts

    whole = [Segment(0, samples.shape[1], 0.0)]
    return Source(name, names, [hz] * len(names), load, lambda _: whole)


def epoch_sources(epochs: "mne.BaseEpochs", unit: str | None = None) -> list[Source]:
    """Each epoch that MNE has not dropped as a recording of its own; V, as MNE has it, unless `unit` says otherwise."""
    wanted = [epochs.ch_names[channel] for channel in match(epochs.ch_names).picks.values()]
    data = epochs.get_data(wanted or None, verbose="error")  # (n, C, samples)
    names, rate = wanted or epochs.ch_names, float(epochs.info["sfreq"])
    return [array_source(one, rate, names, unit or "V", f"epoch {i}") for i, one in enumerate(data, 1)]


def _check_shape(samples: NDArray[Any], channels: Sequence[str], name: str) -> None:
    if isinstance(channels, str) or not all(isinstance(channel, str) for channel in channels):
        raise RecordingError(name, f"channels={channels!r}; expected a list of channel names, as ['Fp1', 'Fp2', …]")
    if samples.dtype.kind not in "fiu":
        raise RecordingError(name, f"an array of {samples.dtype}; expected real numbers")
    if samples.ndim == 2 and len(samples) == len(channels):
        return
    turned = samples.ndim == 2 and samples.shape[1] == len(channels)
    remedy = "turn it (array.T)" if turned else "name every row in channels="
    raise RecordingError(
        name, f"an array {samples.shape} for {len(channels)} channel names; expected (channels, samples); {remedy}"
    )
