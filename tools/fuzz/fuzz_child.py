"""A reader in a process of its own, so that a crash, a loop or a huge array is observed and not suffered.

Memory is what the process grows by in RAM at its peak, and what it asks for, touched or not: the system refuses more
than the limit. Linux only.
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

from tokenizer.recording import RecordingError, Session

BAD = ("WRONG", "CRASH", "HANG", "HUNGRY")
LIMIT_SECONDS, LIMIT_CLOCK = 5.0, 60.0
MEMORY, PER_BYTE = 96 * 2**20, 8
"""Bytes for any recording, and for each byte of its file. Undamaged ones take up to 50 MB; OpenBLAS can map 32 MB more
in the child when it is first asked for a product."""
Reader = Callable[..., Session]


@dataclass(frozen=True)
class Verdict:
    kind: str
    """A word of the docstring of `tools.fuzz.fuzz_oracle`."""
    why: str = ""
    memory: int = 0
    """Bytes by which the process grew."""
    seconds: float = 0.0
    """Of processor time."""

    @property
    def bad(self) -> bool:
        return self.kind in BAD


def attempt(
    read: Reader, path: Path, options: dict[str, Any], size: int, judge: Callable[[Session], Verdict]
) -> Verdict:
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
    """Free memory goes back to the system, now and later, and the peak is counted from now on."""
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


def in_child(work: Callable[[], Verdict]) -> Verdict:
    """`work()` in a forked process, which is ended when it takes too long."""
    source, sink = os.pipe()
    if not (child := os.fork()):
        with contextlib.suppress(BaseException):
            os.write(sink, json.dumps(asdict(work())).encode()[:60_000])
        os._exit(0)
    os.close(sink)
    try:
        message = _wait(source, child)
    finally:
        os.close(source)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if message is None:
        return Verdict("HANG", f"{LIMIT_SECONDS:g} s of processor time, or {LIMIT_CLOCK:g} s of the clock")
    if not message:
        return Verdict("CRASH", f"the process ended (status {status})")
    return Verdict(**json.loads(message))


def _wait(source: int, child: int) -> bytes | None:
    """What the child writes; None if it takes too long."""
    began = time.monotonic()
    while not select.select([source], [], [], 0.5)[0]:
        ticks = Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
        used = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        if used > LIMIT_SECONDS + 1 or time.monotonic() - began > LIMIT_CLOCK:  # + 1 s for the comparison
            return None
    return os.read(source, 65_536)
