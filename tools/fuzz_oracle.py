"""What a reader made of a damaged recording: right, refused, or one of the ways to be wrong.

The reader runs in a child process of its own, so that a crash, a loop or a huge array is observed and not suffered.

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
WRONG             anything else, or numbers that are none
CRASH             another exception, or a signal
HANG              more than 5 s of processor time, or 60 s of the clock
HUNGRY            more memory than 64 MB + 8 x the files
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenizer.channels import CHANNELS
from tokenizer.filters import RATE
from tokenizer.recordings import SECONDS, RecordingError, Session
from tools.damage import Damage

BAD = ("WRONG", "CRASH", "HANG", "HUNGRY")
FAR, TOLERANCE = 30, 0.1
"""Seconds from the damage, and µV."""
LIMIT_SECONDS, LIMIT_CLOCK = 5.0, 60.0
MEMORY, PER_BYTE = 64 * 2**20, 8
Reader = Callable[..., Session]


@dataclass(frozen=True)
class Verdict:
    kind: str
    """A word of this module's docstring."""
    why: str = ""
    memory: int = 0
    """Bytes by which the process grew."""
    seconds: float = 0.0
    """Of processor time."""

    @property
    def bad(self) -> bool:
        return self.kind in BAD


@dataclass(frozen=True)
class Good:
    """What the reader made of the undamaged file."""

    signal: NDArray[np.float32]
    """(19, S) µV."""
    valid: NDArray[np.float32]
    channel_ok: NDArray[np.bool_]
    start: float | None
    """POSIX seconds."""
    rate: float


def examine(read: Reader, path: Path, options: dict[str, Any], size: int, good: Good, damage: Damage) -> Verdict:
    """The verdict on what `read(path, **options)` makes of files of `size` bytes."""
    return _in_child(lambda: _try(read, path, options, size, lambda session: compare(good, session, damage)))


def read_good(read: Reader, path: Path, options: dict[str, Any], size: int, keep: Path) -> tuple[Good | None, Verdict]:
    """The session of an undamaged file, in `keep`; None with a verdict if it is refused or bad."""

    def save(session: Session) -> Verdict:
        start = _seconds(session)
        np.savez(keep, valid=session.valid, channel_ok=session.channel_ok, rate=session.rate,
                 start=np.nan if start is None else start)  # fmt: skip
        np.save(keep.with_suffix(".npy"), session.signal)
        return Verdict("same")

    verdict = _in_child(lambda: _try(read, path, options, size, save))
    if verdict.kind != "same":
        return None, verdict
    kept = np.load(keep.with_suffix(".npz"))
    start = None if np.isnan(kept["start"]) else float(kept["start"])
    signal = np.load(keep.with_suffix(".npy"), mmap_mode="r")
    return Good(signal, kept["valid"], kept["channel_ok"], start, float(kept["rate"])), verdict


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
    return Good(place(good.signal), valid, good.channel_ok, good.start, good.rate)


def _names(which: NDArray[np.bool_]) -> str:
    return ", ".join(CHANNELS[c] for c in np.flatnonzero(which))


def _seconds(session: Session) -> float | None:
    return None if session.start is None else (session.start - session.start.min).total_seconds()


def _try(read: Reader, path: Path, options: dict[str, Any], size: int, judge: Callable[[Session], Verdict]) -> Verdict:
    """Run in the child: read within the limits, then judge without them."""
    limit = MEMORY + PER_BYTE * size
    _give_back()
    before = _status("VmRSS")
    try:
        with _no_more_than(limit):
            session = read(path, **options)
        verdict = None
    except MemoryError as error:
        verdict = Verdict("HUNGRY", str(error))
    except ValueError as error:
        verdict = _refusal(error)
    except Exception as error:
        verdict = Verdict("CRASH", "".join(traceback.format_exception(error)[-3:]))
    grown, used = _status("VmHWM") - before, time.process_time()
    if grown > limit:
        return Verdict("HUNGRY", f"{grown / 2**20:.0f} MB for files of {size / 2**20:.1f} MB", grown, used)
    verdict = verdict or judge(session)
    return Verdict(verdict.kind, verdict.why, grown, used)


def _refusal(error: ValueError) -> Verdict:
    cause: BaseException | None = error
    while cause := cause.__context__ if cause else None:
        if isinstance(cause, MemoryError):  # somebody caught it
            return Verdict("HUNGRY", f"{cause}, refused as: {error}")
    if "\n" in str(error) or not 20 <= len(str(error)) <= 400:
        return Verdict("CRASH", f"{type(error).__name__}, not one line: {error!s:.500}")
    if not isinstance(error, RecordingError):
        return Verdict("CRASH", "".join(traceback.format_exception(error)[-3:]))
    return Verdict("refused", str(error))


def _give_back() -> None:
    """Free memory goes back to the system, now and later, and the peak is counted from here."""
    libc = ctypes.CDLL(None)
    libc.mallopt(-3, 2**16)  # M_MMAP_THRESHOLD: arrays are given back when freed
    libc.malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")


@contextlib.contextmanager
def _no_more_than(limit: int) -> Iterator[None]:
    """Private memory of this process may grow by `limit` bytes at most, even if it is never touched."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_status("VmData") + limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _in_child(work: Callable[[], Verdict]) -> Verdict:
    """`work()` in a forked process, which is ended when it takes too long."""
    source, sink = os.pipe()
    if not (child := os.fork()):
        with contextlib.suppress(BaseException):
            os.write(sink, json.dumps(asdict(work())).encode()[:60_000])
        os._exit(0)
    os.close(sink)
    try:
        said = _wait(source, child)
    finally:
        os.close(source)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if said is None:
        return Verdict("HANG", f"{LIMIT_SECONDS:g} s of processor time, or {LIMIT_CLOCK:g} s of the clock")
    if not said:
        return Verdict("CRASH", f"the process ended (status {status})")
    return Verdict(**json.loads(said))


def _wait(source: int, child: int) -> bytes | None:
    """What the child writes; None if it takes too long."""
    began = time.monotonic()
    while not select.select([source], [], [], 0.5)[0]:
        ticks = Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
        used = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        if used > LIMIT_SECONDS + 1 or time.monotonic() - began > LIMIT_CLOCK:  # + 1 s for the comparison
            return None
    return os.read(source, 65_536)
