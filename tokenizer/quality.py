"""Can these numbers be scalp EEG in microvolts, and are the electrodes more than one signal?

C = 19 channels; levels are read off 64 seconds spread over the session, which is quick and enough.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tokenizer.filters import RATE

if TYPE_CHECKING:
    from tokenizer.recordings import Session

QUIET, LOUD = -45.0, 14.0
"""Plausible level of scalp EEG at 15–25 Hz in dB re 1 µV²/Hz. 45 real recordings: −8 to 2; 52 that are ten times too
large: 15.7 and more; an amplifier without a head: −30. This band because slow waves and drifts vary far more."""
COMMON = 0.75
"""Share of the power that is the same at all electrodes, from which on a note says so (44 of 45 real ones: below 0.66,
but two recordings of pure common mode: 0.82 and 0.92)."""


def refusal(session: "Session", min_channels: int, check_unit: bool) -> str | None:
    """Why a session cannot be used: too few channels with a signal, or no microvolts. None if it can."""
    ok = session.channel_ok
    if ok.sum() < max(1, min_channels):
        came = f"only {ok.sum()} electrodes carry a signal" if ok.any() else "no channel carries a signal"
        return f"{came}, the others are flat; expected at least {min_channels}; export the recording again"
    level = beta_level(session)
    if check_unit and not QUIET <= level <= LOUD:
        return (
            f"{level:.0f} dB µV²/Hz at 15–25 Hz; expected {QUIET:g} to {LOUD:g} of scalp EEG: probably not in the "
            f"stated unit; give unit= (uV, 0.1uV, mV or V), or check_unit=false if it is right"
        )
    return None


def remarks(session: "Session") -> list[str]:
    """What a person should look at before trusting a session, one line each."""
    share = common_share(session)
    return [f"{share:.0%} of the power is common to all electrodes: check the reference"] if share > COMMON else []


def beta_level(session: "Session") -> float:
    """Level at 15–25 Hz in dB re 1 µV²/Hz: the median over seconds, then over channels; NaN without a real second."""
    taper = np.hanning(RATE).astype(np.float32)
    power = np.abs(np.fft.rfft(_seconds(session) * taper)[..., 15:26]) ** 2 * (2 / RATE / (taper**2).sum())
    if not power.size:
        return float("nan")
    return float(10 * np.log10(np.median(np.median(power.mean(-1), 1)) + 1e-20))


def common_share(session: "Session") -> float:
    """Power of the across-channel mean over the mean power of the channels, of the signal's differences; 0 to 1."""
    steps = np.diff(_seconds(session)[..., ::4])  # 20 ms: slow drifts count less
    return float((steps.mean(0) ** 2).mean() / ((steps**2).mean() + 1e-20)) if steps.size else 0.0


def _seconds(session: "Session") -> NDArray[np.float32]:
    """(C ok, up to 64, 200) µV: whole real seconds, evenly spread."""
    whole = np.flatnonzero(session.valid == 1)
    chosen = whole[:: max(1, len(whole) // 64)]
    return session.signal.reshape(len(session.signal), -1, RATE)[np.ix_(session.channel_ok, chosen)]
