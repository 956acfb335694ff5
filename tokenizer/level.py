"""The level of a session: one number in dB, how large its EEG is at all.

People, references and amplifiers differ in amplitude, two archives by as much as 9 dB, and nothing else about a
spectrogram changes with it. Taken out before the network, codes are of what is left; kept beside the tokens, it is not
lost.

It is a median of medians: of the mean dB over 1-15 Hz, over the valid seconds of each electrode, then over electrodes.
Half of the seconds or of the electrodes may be artefact. dB are logarithms: a gain g adds 20 log10 g, exactly.

Shapes: B sessions · C channels · F = 128 bins of 0.25 Hz · T frames of 1 s.
"""

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

LOW, HIGH = 4, 61
"""Bins of 1 to 15 Hz; slow drifts and sweat below, muscle and the edges of filters above.

Up to 30 Hz a low-pass at 20 Hz would move the level, and with it every token, by 3.2 dB; up to 15 Hz by 0.05 dB.
"""


def electrode_levels(spec: Tensor | NDArray, valid: Tensor | NDArray, low: int = LOW) -> Tensor:
    """Median over valid seconds of the mean over bins `low` to 15 Hz: (…, C, F, T) dB, (…, T) bool -> (…, C) dB.

    NaN where no second is valid.
    """
    spec, valid = torch.as_tensor(spec), torch.as_tensor(valid)
    per_second = spec[..., low:HIGH, :].mean(-2)  # (…, C, T)
    counted = per_second.masked_fill(~valid[..., None, :], torch.nan)
    return F.pad(counted, (0, 1), value=torch.nan).nanquantile(0.5, -1)  # padded: of no second at all it raises


def level_of(levels: Tensor | NDArray, channel_ok: Tensor | NDArray) -> Tensor:
    """Median over the electrodes there are: `electrode_levels` (…, C) dB, (…, C) bool -> (…) dB; NaN if there is none.

    What is added to an electrode throughout, in dB, is added to its level: a crop that was varied needs no second look
    at its session.
    """
    levels, ok = torch.as_tensor(levels), torch.as_tensor(channel_ok)
    return levels.masked_fill(~ok, torch.nan).nanquantile(0.5, -1)


def session_level(
    spec: Tensor | NDArray, valid: Tensor | NDArray, channel_ok: Tensor | NDArray, low: int = LOW
) -> Tensor:
    """Level of each session: (…, C, F, T) dB, valid (…, T) bool, channel_ok (…, C) bool -> (…) dB.

    NaN without a valid second or electrode. `low`: the first bin that counts.
    """
    return level_of(electrode_levels(spec, valid, low), channel_ok)
