"""The checks of every reading: can these numbers be scalp EEG in microvolts, are the electrodes more than one signal,
do they stay within what an electrode can have, and are the tops of their waves cut off?

C = 19 channels; levels are read off a hundred seconds spread over the session, which is quick and enough. A table with
a row per channel takes longer and is made by `tokenizer.quality.measures`, which also says what each defect is.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tokenizer.channels import CHANNELS
from tokenizer.filters import CLIP_UV, RATE
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
MOST_CLIPPED = 0.01
"""Share of a channel's samples further than 0.3 V from its median from which on it is no recording of an electrode."""
STILL_UV, STILL_SHARE = 0.5, 1e-3
"""A channel is flat after filtering if it spans less than 0.5 µV, below the noise of any amplifier with a head on it,
and a thousandth of what it spanned before: a drift was all it had. (The second, for volts that are called µV.)"""
LARGEST_UV = 1e4
"""What the typical channel spans in the typical second, from which on its unit is wrong. 156 real recordings: 26 to
129; pops, movement, a shock or a few loose electrodes are neither in most channels nor in most seconds."""


class ChannelRanges:
    """The range of each channel: highest and lowest raw sample and how many samples have exactly these values, how many
    were cut down to ±0.3 V, and what the channel spans after filtering (at least)."""

    def __init__(self, channels: int) -> None:
        self.samples, self.clipped = np.zeros(channels, int), np.zeros(channels, int)
        self.span = np.zeros(channels, np.float32)
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

    def add_filtered(self, signal: NDArray[np.float32]) -> None:
        """Take in the filtered session: (C, S) µV."""
        self.span = np.ptp(signal[:, ::97], axis=1)
        # a few samples show that a channel is not flat; only of one that seems so all are looked at
        still = np.flatnonzero(self.span < STILL_UV)
        self.span[still] = np.ptp(signal[still], axis=1)

    @property
    def moving(self) -> NDArray[np.bool_]:
        """(C,) whether a channel has more than one value."""
        return self.high > self.low

    @property
    def flat(self) -> NDArray[np.bool_]:
        """(C,) whether a channel has one value, or moves too slowly to be left by the filters."""
        raw = np.where(self.moving, self.high - self.low, 0)
        return ~self.moving | (self.span < np.minimum(STILL_UV, STILL_SHARE * raw))

    @property
    def clipped_share(self) -> NDArray[np.floating]:
        """(C,) share of samples that were cut down to ±0.3 V."""
        return self.clipped / np.maximum(1, self.samples)

    @property
    def ok(self) -> NDArray[np.bool_]:
        """(C,) whether a channel can be used."""
        return ~self.flat & (self.clipped_share <= MOST_CLIPPED)

    def cut_off(self) -> NDArray[np.floating]:
        """(C,) share of samples at the highest or lowest value, where that can be an amplifier's limit."""
        at_limits = self.at_high * (self.high >= LEAST_LIMIT) + self.at_low * (self.low <= -LEAST_LIMIT)
        return np.where(self.moving, at_limits / np.maximum(1, self.samples), 0)

    def remarks(self) -> list[str]:
        """Lines with the channels that go too far and those whose waves are cut off, if there are any."""
        far, cut = self.clipped_share, self.cut_off()
        volts = f"±{CLIP_UV / 1e6:g} V around their median"
        lines = {
            f"more than {MOST_CLIPPED:.0%} of samples beyond {volts}, left out": far * (far > MOST_CLIPPED),
            f"cut down to {volts}": far * (far <= MOST_CLIPPED),
            "at their highest or lowest value, clipped or saturated": cut * (cut > CUT_OFF),
        }
        return [f"{line}: {', '.join(shares)}" for line, share in lines.items() if (shares := _shares(share))]


def _shares(share: NDArray[np.floating]) -> list[str]:
    percent = {c: f"{share[c]:.1%}" if share[c] >= 1e-3 else "<0.1%" for c in np.flatnonzero(share)}
    return [f"{CHANNELS[c]} {text}" for c, text in percent.items()]


def refusal(
    session: Session,
    min_channels: int,
    check_unit: bool,
    amplitude: float = 0.0,
    advice: Callable[[], str] = lambda: "give unit= (uV, 0.1uV, mV or V)",
) -> str | None:
    """Why a session cannot be used: no microvolts, or too few channels with a signal. None if it can.

    `amplitude` is `typical_span` in µV before channels were left out; `advice` says which unit to state.
    """
    # first, since numbers a million times too large leave no channel within ±0.3 V
    if check_unit and amplitude > LARGEST_UV:
        what = f"{amplitude:,.0f} µV in the typical second; expected at most {LARGEST_UV:,.0f} of scalp EEG"
        return _wrong_unit(what, advice())
    ok = session.channel_ok
    if ok.sum() < max(1, min_channels):
        left = f"only {ok.sum()} electrodes carry a signal" if ok.any() else "no channel carries a signal"
        expected = f"the others are flat or left out; expected at least {min_channels}"
        return f"{left}, {expected}; export the recording again"
    level = beta_level(session)
    if check_unit and not BETA_DB_LOWEST <= level <= BETA_DB_HIGHEST:  # also if it is NaN
        expected = f"expected {BETA_DB_LOWEST:g} to {BETA_DB_HIGHEST:g} of scalp EEG"
        return _wrong_unit(f"{level:.0f} dB µV²/Hz at 15–25 Hz; {expected}", advice())
    return None


def _wrong_unit(what: str, advice: str) -> str:
    return f"{what}: probably not in the stated unit; {advice}, or check_unit=false if it is right"


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


def typical_span(signal: NDArray[np.float32], valid: NDArray[np.float32], channels: NDArray[np.bool_]) -> float:
    """What the typical one of some channels spans in the typical second in µV: the median over seconds, then over them.

    `signal` and `valid` as in a session; 0 without a channel or a whole second.
    """
    spans = np.ptp(_seconds(signal, valid, channels), axis=2)
    return float(np.median(np.median(spans, 1))) if spans.size else 0.0


def some_seconds(session: Session) -> NDArray[np.float32]:
    """(C ok, up to 127, 200) µV: whole real seconds, evenly spread; at least 64 of them if there are so many."""
    return _seconds(session.signal, session.valid, session.channel_ok)


def _seconds(
    signal: NDArray[np.float32], valid: NDArray[np.float32], channels: NDArray[np.bool_]
) -> NDArray[np.float32]:
    whole = np.flatnonzero(valid == 1)
    chosen = whole[:: max(1, len(whole) // 64)]
    return signal.reshape(len(signal), -1, RATE)[np.ix_(channels, chosen)]
