"""The guards of a run: a loss that is no number, a request to stop, and a second training into the same folder."""

import fcntl
import logging
import signal
import time
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from tokenizer.base import ranks
from tokenizer.base.cli import Terminated

log = logging.getLogger(__name__)

NEVER = 1 << 62  # a step that no run reaches
AT_ONCE_AFTER = 2.0  # s: torchrun passes on a signal that the terminal or the scheduler has sent to us already


# ---- a loss that is no number
class FirstBadStep:
    """Remembers, on the device, the first step whose loss or gradient was not finite."""

    def __init__(self, device: torch.device):
        self.first = torch.tensor(NEVER, device=device)
        self.logged = 0

    def note(self, done: int, loss: Tensor, norm: Tensor) -> None:
        """Look at the loss and the gradient's norm, () each, of the step that makes `done` steps; asks no device."""
        fine = torch.isfinite(loss) & torch.isfinite(norm)
        self.first = torch.where(fine, self.first, self.first.clamp(max=done))

    def check(self, done: int, logging: bool) -> None:
        """Raise ValueError if there was such a step on any process: nothing after it would mean anything."""
        first = int(ranks.gather(self.first[None]).min())
        if first < NEVER:
            before = f"the last finite line of metrics.jsonl is of step {self.logged}; " if self.logged else ""
            raise ValueError(
                f"loss or gradient is not a number since step {first}; {before}checkpoints are from before it: "
                f"start anew in another out= with a lower lr= or clip="
            )
        if logging:
            self.logged = done


# ---- being asked to stop
class StopSignal:
    """Ctrl-C and SIGTERM end training after the step at hand, with a checkpoint; a later Ctrl-C ends it at once."""

    def __init__(self) -> None:
        self.asked, self.asked_at = 0, 0.0
        self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}

    def _ask(self, number: int, frame: Any) -> None:
        if self.asked and number == signal.SIGINT and time.monotonic() - self.asked_at > AT_ONCE_AFTER:
            raise KeyboardInterrupt
        if not self.asked:
            self.asked, self.asked_at = number, time.monotonic()

    def now(self) -> bool:
        """Whether any process was asked to stop."""
        return ranks.agreed(bool(self.asked))

    def leave_if_asked(self, done: int) -> None:
        """Leave the program if asked to, or give the signals back at the end. All processes leave in the same way."""
        asked, preempted = self.now(), ranks.agreed(self.asked == signal.SIGTERM)
        if preempted:
            ranks.leave()
            raise Terminated(f"stopped by SIGTERM after step {done}; the same command goes on from here")
        if asked:
            raise KeyboardInterrupt
        for number, handler in self._before.items():
            signal.signal(number, handler)


# ---- one training per folder
def lock_folder(folder: Path) -> IO | None:
    """Hold `folder` for rank 0 of this run until the returned file is closed or the process ends.

    Raises ValueError on every process if another run holds it. Where the file system knows no locks, it says so.
    """
    file, taken = _lock(folder) if ranks.RANK == 0 else (None, False)
    if ranks.agreed(taken):
        raise ValueError(f"out={folder}: another process trains into this folder; wait for it or give another out=")
    return file


def _lock(folder: Path) -> tuple[IO | None, bool]:
    """The locked file, if it can be had, and whether another process has it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / ".lock").open("a")  # for writing: network file systems lock no other
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None, True
    except OSError as error:
        file.close()
        log.warning("%s: no locks on this file system (%s); start only one training into it", folder, error.strerror)
        return None, False
    return file, False
