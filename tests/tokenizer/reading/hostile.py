"""Files that are made to hang a reader or to fill its memory, and the limits that a refusal has to keep."""

import gzip
import os
import resource
import signal
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS, MEGABYTES = 5.0, 500


class TooSlowError(Exception):
    """What was tried has not come back."""


@contextmanager
def bounded(seconds: float = SECONDS, megabytes: float = MEGABYTES) -> Iterator[None]:
    """Fail if what is tried takes more seconds of the processor, or more memory on top of what there was.

    What waits is stopped after ten times as long, since the machine may be busy.
    """

    def stop(*_) -> None:
        raise TooSlowError(f"it still ran after {10 * seconds:g} s")

    before, begin = signal.signal(signal.SIGALRM, stop), time.process_time()
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.setitimer(signal.ITIMER_REAL, 10 * seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.process_time() - begin < seconds
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - highest < 1024 * megabytes


def pipe(path: Path) -> Path:
    """A named pipe that nobody writes to: opening it waits for ever."""
    os.mkfifo(path)
    return path


def endless(path: Path) -> Path:
    """A link to a device without an end."""
    path.symlink_to("/dev/zero")
    return path


def unix_socket(path: Path) -> Path:
    """A socket; its full path may have 100 characters."""
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(here)
    return path


def gzip_bomb(path: Path, begin: bytes, repeated: bytes, gigabytes: float) -> Path:
    """A file of a thousandth of the size that it unpacks to: gzip members one after another are one file."""
    megabyte = (repeated * (2**20 // len(repeated) + 1))[: 2**20 // len(repeated) * len(repeated)]
    member = gzip.compress(megabyte * 64, 9)
    path.write_bytes(gzip.compress(begin) + member * round(16 * gigabytes))
    return path


def matlab_bomb(path: Path, gigabytes: float) -> Path:
    """A MATLAB 5 file of one packed variable, which is all zeros within."""
    packer = zlib.compressobj(9, wbits=-15)
    blocks = round(16 * gigabytes)
    first = packer.compress(struct.pack("<II", 14, blocks * 2**26)) + packer.flush(zlib.Z_FULL_FLUSH)
    # after a full flush nothing refers back: the same block again and again is a stream, too
    block = packer.compress(bytes(2**26)) + packer.flush(zlib.Z_FULL_FLUSH)
    body = b"\x78\x9c" + first + block * blocks
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    path.write_bytes(head + struct.pack("<II", 15, len(body)) + body)
    return path


def fif_tag(kind: int, content: bytes, of: int = 3, following: int = 0) -> bytes:
    """One tag of a FIF file: kind, type, length, what follows (0: the next bytes), content."""
    return struct.pack(">iiii", kind, of, len(content), following) + content


def naming(name: str) -> bytes:
    """The tags of a FIF file that name the file which follows it."""
    number = lambda value: struct.pack(">i", value)
    inside = fif_tag(115, number(2)) + fif_tag(118, name.encode(), 10)
    return fif_tag(104, number(118)) + inside + fif_tag(105, number(118))
