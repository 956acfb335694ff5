"""Verdicts on what a reader made of a damaged recording: right, refused, or one of the ways to be wrong.

Verdicts, those that must not be in capitals:

refused           a ValueError of one line
same              signal, seconds and electrodes as before the damage, wherever it is more than 30 s away
fewer electrodes  the same, but electrodes are left out, and marked as left out
near              nothing of the recording is more than 30 s from the damage
unseen …          wrong, but as no reader could notice; only after damage to a field that says it, and only if the
                  signal is wrong in just that way:
                    calibration  electrodes are as before but for a factor: another range or unit, as plausible
                    label        electrodes are as before but under another name, which nothing else in the file has
                    clock        all electrodes are slower or faster: length of a record in a file whose records do not
                                 say when they start, or a sampling rate
other notch       mains that stand out just enough to be filtered no longer do, or now do; the same if `mains` is stated
WRONG             anything else, or numbers that are none
CRASH             another exception, or a signal
HANG              more than 5 s of processor time, or 60 s of the clock
HUNGRY            more memory than 96 MB + 8 x the files
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenizer.channels import CHANNELS
from tokenizer.filters import RATE
from tokenizer.recording import SECONDS, Session
from tools.fuzz.damage import Damage
from tools.fuzz.fuzz_child import Reader, Verdict, attempt, in_child

FAR, TOLERANCE = 30, 0.1
"""Seconds from the damage, and µV."""


@dataclass(frozen=True)
class Good:
    """What the reader made of the undamaged file."""

    signal: NDArray[np.float32]
    """(19, S) µV."""
    valid: NDArray[np.float32]
    channel_ok: NDArray[np.bool_]
    start: float | None
    """Seconds since year 1."""
    rate: float
    mains: int
    """Hz of the notch, 0 for none."""


def examine(read: Reader, path: Path, options: dict[str, Any], size: int, good: Good, damage: Damage) -> Verdict:
    """The verdict on what `read(path, **options)` makes of files of `size` bytes."""

    def judge(session: Session) -> Verdict:
        verdict = compare(good, session, damage)
        if verdict.bad and session.mains_hz != good.mains:
            stated = read(path, **options, mains=str(good.mains) if good.mains else "none")
            if not compare(good, stated, damage).bad:
                return Verdict("other notch", f"{session.mains_level:.1f} dB")
        return verdict

    return in_child(lambda: attempt(read, path, options, size, judge))


def read_good(read: Reader, path: Path, options: dict[str, Any], size: int, keep: Path) -> tuple[Good | None, Verdict]:
    """The session of an undamaged file, in `keep`; None with a verdict if it is refused or bad."""

    def save(session: Session) -> Verdict:
        start = _seconds(session)
        np.savez(keep, valid=session.valid, channel_ok=session.channel_ok, rate=session.rate, mains=session.mains_hz,
                 start=np.nan if start is None else start)  # fmt: skip
        np.save(keep.with_suffix(".npy"), session.signal)
        return Verdict("same")

    verdict = in_child(lambda: attempt(read, path, options, size, save))
    if verdict.kind != "same":
        return None, verdict
    kept = np.load(keep.with_suffix(".npz"))
    start = None if np.isnan(kept["start"]) else float(kept["start"])
    signal = np.load(keep.with_suffix(".npy"), mmap_mode="r")
    return Good(signal, kept["valid"], kept["channel_ok"], start, float(kept["rate"]), int(kept["mains"])), verdict


def compare(good: Good, session: Session, damage: Damage) -> Verdict:
    """Is what was read after the damage what it should be?"""
    if not all(np.isfinite(each).all() for each in (session.signal, session.valid)):
        return Verdict("WRONG", "numbers that are none")
    far = far_seconds(damage)
    if not (far & (good.valid > 0)).any():
        return Verdict("near")
    verdict = _difference(good, session, far)
    start = _seconds(session)
    if verdict.bad and damage.spans and None not in (start, good.start) and start != good.start:
        later = round((start - good.start) * RATE)  # the first record is elsewhere: the others keep their time
        again = _difference(_moved(good, -later), session, far)
        verdict = verdict if again.bad else again
    if verdict.bad and (kind := explain(good, session, far, damage.unseen)):
        return Verdict(f"unseen {kind}", verdict.why)
    return verdict


def far_seconds(damage: Damage) -> NDArray[np.bool_]:
    """(1280,) whether a whole second is more than 30 s from all damage."""
    seconds, far = np.arange(SECONDS), np.ones(SECONDS, bool)
    for start, stop in damage.spans:
        far &= (seconds + 1 <= start - FAR) | (seconds >= stop + FAR)
    return far


def _difference(good: Good, session: Session, far: NDArray[np.bool_]) -> Verdict:
    if (apart := np.abs(session.valid - good.valid) > 1e-3)[far].any():
        second = np.flatnonzero(apart & far)[0]
        return Verdict("WRONG", f"valid {session.valid[second]:g}, was {good.valid[second]:g}, at second {second}")
    lost = good.channel_ok & ~session.channel_ok
    for c in np.flatnonzero(~lost):  # an electrode that was flat may move where the damage is, nowhere else
        off = _apart(session.signal[c], good.signal[c], far)
        if off.max(initial=0) > TOLERANCE:
            return Verdict("WRONG", f"{CHANNELS[c]} is up to {off.max():.3g} µV off; {lost.sum()} electrodes left out")
    if session.signal[lost].any():
        return Verdict("WRONG", f"{_names(lost)} is marked as left out, but not zero")
    return Verdict("fewer electrodes", _names(lost)) if lost.any() else Verdict("same")


def explain(good: Good, session: Session, far: NDArray[np.bool_], kinds: frozenset[str]) -> str | None:
    """Which of `kinds`, an error that nobody could see, makes the difference; None if none does."""
    if "clock" in kinds and session.rate != good.rate:
        was, is_now = good.valid.sum() * good.rate, session.valid.sum() * session.rate
        if 0.9 < is_now / was < 1.1 or session.valid[-1] > 0:
            return "clock"
    samples = np.repeat(far & (good.valid == 1), RATE)
    ours, theirs = session.signal[:, samples], good.signal[:, samples]
    wrong = [c for c in range(len(CHANNELS)) if session.channel_ok[c] and not _close(ours[c], theirs[c])]
    if "calibration" in kinds and all(good.channel_ok[c] and _proportional(ours[c], theirs[c]) for c in wrong):
        return "calibration"
    if "label" in kinds and all(
        any(_close(ours[c], other) for other in theirs) or not good.channel_ok[c] for c in wrong
    ):
        return "label"
    return None


def _close(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    return bool(np.abs(a - b).max(initial=0) <= TOLERANCE)


def _proportional(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    factor = float(a.astype(float) @ b) / (float(b.astype(float) @ b) + 1e-20)
    return bool(np.abs(a - factor * b).max(initial=0) <= TOLERANCE + 1e-3 * np.abs(a).max(initial=0))


def _apart(a: NDArray[np.float32], b: NDArray[np.float32], far: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(far seconds,) largest difference in µV in each."""
    return np.abs(a.reshape(-1, RATE)[far] - b.reshape(-1, RATE)[far]).max(1)


def _moved(good: Good, samples: int) -> Good:
    """The same, that many samples later."""

    def place(x: NDArray[np.float32]) -> NDArray[np.float32]:
        moved = np.roll(x, samples, -1)
        moved[..., slice(0, samples) if samples > 0 else slice(samples, None)] = 0
        return moved

    valid = place((good.signal != 0).any(0)).reshape(-1, RATE).mean(1)
    return replace(good, signal=place(good.signal), valid=valid)


def _names(which: NDArray[np.bool_]) -> str:
    return ", ".join(CHANNELS[c] for c in np.flatnonzero(which))


def _seconds(session: Session) -> float | None:
    return None if session.start is None else (session.start - session.start.min).total_seconds()
