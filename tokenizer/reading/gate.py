"""The checks of every reading: can these numbers be scalp EEG in microvolts, are the electrodes more than one signal,
and are the tops of their waves cut off?

C = 19 channels; levels are read off a hundred seconds spread over the session, which is quick and enough. A table with
a row per channel takes longer and is made by `tokenizer.quality.measures`, which also says what each defect is.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tokenizer.channels import CHANNELS
from tokenizer.filters import RATE
from tokenizer.recording import Session

BETA_DB_LOWEST, BETA_DB_HIGHEST = -45.0, 14.0
"""Plausible level of scalp EEG at 15–25 Hz in dB re 1 µV²/Hz. 45 real recordings: −8 to 2; 52 that are ten times too
large: 15.7 and more; an amplifier without a head: −30. This band because slow waves and drifts vary far more."""
ALIVE = 1e-9
"""Seconds with less of a channel's greatest power are flat: an electrode that came off says nothing of the unit."""
COMMON = 0.75
"""Share of the power that is the same at all electrodes, from which on a note says so (95 of 97 real ones: up to 0.68,
but two whose reference moved: 0.82 and 0.96)."""
LEAST_LIMIT = 50.0
"""µV; an extreme value nearer to zero is taken for no limit: EEG itself would not fit between such limits."""
CUT_OFF = 0.005
"""Share of a channel's samples at its highest or lowest value from which on its waves are cut off (97 real recordings,
1,843 channels, all within the range of their amplifiers: at most 0.0009)."""


class RawRange:
    """Highest and lowest raw sample of each channel, and how many samples have exactly these values."""

    def __init__(self, channels: int) -> None:
        self.samples = np.zeros(channels, int)
        self.high, self.low = np.full(channels, -np.inf, np.float32), np.full(channels, np.inf, np.float32)
        self.at_high, self.at_low = np.zeros(channels, int), np.zeros(channels, int)

    def add(self, channels: Sequence[int], raw: NDArray[np.float32]) -> None:
        """Take in a piece of some channels: rows of `raw` (at least as many as `channels`, n) in µV."""
        # a file is too long to be held: a new extreme starts its count again, a piece that only touches it adds to it
        for c, samples in zip(channels, raw, strict=False):
            self.samples[c] += samples.size
            high, low = samples.max(), samples.min()
            if high > self.high[c]:
                self.high[c], self.at_high[c] = high, 0
            if low < self.low[c]:
                self.low[c], self.at_low[c] = low, 0
            self.at_high[c] += np.count_nonzero(samples == self.high[c]) if high == self.high[c] else 0
            self.at_low[c] += np.count_nonzero(samples == self.low[c]) if low == self.low[c] else 0

    @property
    def moving(self) -> NDArray[np.bool_]:
        """(C,) whether a channel has more than one value."""
        return self.high > self.low

    def cut_off(self) -> NDArray[np.floating]:
        """(C,) share of samples at the highest or lowest value, where that can be an amplifier's limit."""
        at_limits = self.at_high * (self.high >= LEAST_LIMIT) + self.at_low * (self.low <= -LEAST_LIMIT)
        return np.where(self.moving, at_limits / np.maximum(1, self.samples), 0)

    def remarks(self) -> list[str]:
        """A line with the channels whose waves are cut off, if there are any."""
        share = self.cut_off()
        shares = [f"{CHANNELS[c]} {share[c]:.1%}" for c in np.flatnonzero(share > CUT_OFF)]
        return [f"at their highest or lowest value, clipped or saturated: {', '.join(shares)}"] if shares else []


def refusal(session: Session, min_channels: int, check_unit: bool) -> str | None:
    """Why a session cannot be used: too few channels with a signal, or no microvolts. None if it can."""
    ok = session.channel_ok
    if ok.sum() < max(1, min_channels):
        left = f"only {ok.sum()} electrodes carry a signal" if ok.any() else "no channel carries a signal"
        return f"{left}, the others are flat; expected at least {min_channels}; export the recording again"
    level = beta_level(session)
    if check_unit and not BETA_DB_LOWEST <= level <= BETA_DB_HIGHEST:  # also if it is NaN
        return (
            f"{level:.0f} dB µV²/Hz at 15–25 Hz; expected {BETA_DB_LOWEST:g} to {BETA_DB_HIGHEST:g} of scalp EEG: "
            f"probably not in the stated unit; give unit= (uV, 0.1uV, mV or V), or check_unit=false if it is right"
        )
    return None


def remarks(session: Session) -> list[str]:
    """What a person should look at before trusting a session, one line each."""
    share = common_share(session)
    return [f"{share:.0%} of the power is common to all electrodes: check the reference"] if share > COMMON else []


def beta_level(session: Session) -> float:
    """Level at 15–25 Hz in dB re 1 µV²/Hz: the median over seconds that are not flat, then over
    channels; NaN without a real second."""
    taper = np.hanning(RATE).astype(np.float32)
    power = np.abs(np.fft.rfft(some_seconds(session) * taper)[..., 15:26]) ** 2 * (2 / RATE / (taper**2).sum())
    power = power.mean(-1)
    power = power[power.max(1, initial=0) > 0]  # a channel may be flat but for a second that is not among these
    if not power.size:
        return float("nan")
    alive = np.where(power > ALIVE * power.max(1, keepdims=True), power, np.nan)
    return float(10 * np.log10(np.median(np.nanmedian(alive, 1)) + 1e-20))


def common_share(session: Session) -> float:
    """Power of the across-channel mean over the mean power of the channels, of the signal's differences; 0 to 1."""
    steps = np.diff(some_seconds(session)[..., ::4])  # 20 ms: slow drifts count less
    return float((steps.mean(0) ** 2).mean() / ((steps**2).mean() + 1e-20)) if steps.size else 0.0


def some_seconds(session: Session) -> NDArray[np.float32]:
    """(C ok, up to 127, 200) µV: whole real seconds, evenly spread; at least 64 of them if there are so many."""
    whole = np.flatnonzero(session.valid == 1)
    chosen = whole[:: max(1, len(whole) // 64)]
    return session.signal.reshape(len(session.signal), -1, RATE)[np.ix_(session.channel_ok, chosen)]
