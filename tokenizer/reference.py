"""What the electrodes of a session are measured against: as the recording has it, or the average of the electrodes.

Archives are recorded against ears, mastoids, Cz or an average, and an active reference adds its own signal to every
channel: with ears for a reference, band power told Alzheimer's disease from health at an AUROC of 0.71, against the
average of the same electrodes at 0.88 (docs/open.md). The average takes out whatever is equal in all channels, so it
also makes one archive's channels another's.
"""

import dataclasses
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tokenizer.filters import RATE
from tokenizer.recording import Session

Reference = Literal["recorded", "average"]
LOUD = 4.0
"""An electrode of so many times the median electrode's amplitude has no part in the average: all would have it."""


def referenced(session: Session, reference: Reference) -> Session:
    """The session against `reference`; the very same one for `recorded`.

    Electrodes that were not recorded stay zero. Missing and loud electrodes have no part in the average, but a loud one
    is measured against it like all others.
    """
    if reference == "recorded" or not session.channel_ok.any():
        return session
    signal = session.signal - session.signal[averaged(session)].mean(0)
    signal[~session.channel_ok] = 0
    signal[:, np.repeat(session.valid <= 0, RATE)] = 0
    return dataclasses.replace(session, signal=signal)


def averaged(session: Session) -> NDArray[np.bool_]:
    """Electrodes (19,) that the average is taken over."""
    ok = np.asarray(session.channel_ok, bool)
    seconds = session.signal.reshape(len(ok), -1, RATE)[:, session.valid >= 1 - 1e-6]
    if not seconds.shape[1]:
        return ok
    amplitude = np.median(seconds.std(2), axis=1)  # of a typical second: artefacts come and go
    return ok & (amplitude <= LOUD * np.median(amplitude[ok]))
