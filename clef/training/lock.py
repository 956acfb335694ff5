"""One training per run folder: a lock that dies with its holder, also when that is killed (flock(2))."""

import fcntl
import logging
from pathlib import Path
from typing import IO

from tokenizer.base import ranks

log = logging.getLogger(__name__)


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
