"""Writing that nothing comes between: a lock on a folder, which the system frees however its holder ends; no Ctrl-C."""

import contextlib
import fcntl
import logging
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


@contextlib.contextmanager
def wait_for_folder(folder: Path, waiting: str) -> Iterator[None]:
    """Hold `folder` (made if it is not there); if another process has it, say `waiting` and wait until it is done.

    A folder in which nothing was written is removed again. Where the file system knows no locks, that is said.
    """
    file = _locked(folder, waiting)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if [path.name for path in folder.iterdir()] == [
                ".lock"
            ]:  # while it is held: who waits sees that its lock is gone
                (folder / ".lock").unlink()
                folder.rmdir()
        os.close(file)


def _locked(folder: Path, waiting: str) -> int:
    """The descriptor of the folder's lock file, locked."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            file = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o666)  # for writing: network file systems want it
        except FileNotFoundError:  # the holder before us removed the folder
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("%s", waiting)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            log.warning("%s: no locks on this file system (%s); one writer at a time, please", folder, error.strerror)
            return file
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file), (folder / ".lock").stat()):
                return file
        os.close(file)


@contextlib.contextmanager
def no_interrupt() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done: for the seconds in which several files must become new together."""
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    waiting: list[tuple[Any, ...]] = []
    before = signal.signal(signal.SIGINT, lambda *event: waiting.append(event))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if waiting and callable(before):  # and not SIG_IGN
            before(*waiting[0])
