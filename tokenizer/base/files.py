"""Files that are written whole or not at all, so that a reader never sees half of one.

Everything is written beside its target under a temporary name, flushed to disk and then renamed: after a
crash, a full disk, a power cut or Ctrl-C the old file or the new one is there, whole.
"""

import contextlib
import errno
import glob
import hashlib
import json
import os
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Literal

import polars as pl

PART = re.compile(r"\..+\.([0-9a-f]{8})-(\d+)\.part")
"""A temporary name: a hash of the machine, and the process that writes."""


@contextlib.contextmanager
def write_aside(target: str | Path, replace: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `target` (file or folder); rename it onto `target` if the block succeeds.

    With `replace` false a folder that is there by then is left alone: OSError (ENOTEMPTY). What an earlier process
    left of the same target when it was killed is removed first.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(target.parent, target.name)
    aside = target.parent / f".{target.name}.{_machine()}-{os.getpid()}.part"
    try:
        yield aside
        _flush(aside)
        if replace and target.is_dir() and aside.is_dir():
            shutil.rmtree(target)
        aside.replace(target)  # onto a folder with something in it: refused by the system
        _flush_one(target.parent)  # the new name itself: without it a power cut may bring the old one back
    except Exception as error:
        if told := _os_error_in(error, aside, target):
            raise told from error
        raise
    finally:
        remove(aside)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def remove_leftovers(folder: Path, name: str = "*") -> None:
    """Remove temporary files in `folder` whose writer, a process of this machine, is gone; `name`: their target's."""
    for path in folder.glob(f".{name if name == '*' else glob.escape(name)}.{_machine()}-*.part"):
        match = PART.fullmatch(path.name)
        if match and not _alive(int(match[2])):
            remove(path)


def _machine() -> str:
    """A hash of this machine's name: another machine's process numbers say nothing here."""
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def _os_error_in(error: Exception, aside: Path, target: Path) -> OSError | None:
    """The error of the system as people should read it, with the name they know; None if it is one already.

    safetensors raises an error of its own that only quotes it.
    """
    if isinstance(error, OSError):
        ours = error.errno and str(error.filename or aside).startswith(str(aside))
        return OSError(error.errno, error.strerror, str(target)) if ours else None
    quoted = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(quoted[1]), os.strerror(int(quoted[1])), str(target)) if quoted else None


def _flush(path: Path) -> None:
    """Put all of `path` onto the disk, before the rename: else a power cut may leave the name on an empty file."""
    for below in path.rglob("*") if path.is_dir() else ():
        _flush_one(below)
    _flush_one(path)


def _flush_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if not path.is_dir() or error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EACCES):
            raise  # some network file systems cannot flush a folder; a file that cannot be flushed is not written
    finally:
        os.close(handle)


def check_out(out: str | Path, kind: Literal["file", "folder"]) -> None:
    """Raise ValueError unless `out` can become a file, or a folder: asked before the work, not after hours of it."""
    out = Path(out)
    if kind == "file" and out.is_dir():
        raise ValueError(f"out={out}: this is a folder; name a file, as {out / 'NAME'}{out.suffix or '.parquet'}")
    if kind == "folder" and out.exists() and not out.is_dir():
        raise ValueError(f"out={out}: this is a file; name a folder")
    above = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    if above != out.absolute() and not above.is_dir():
        raise ValueError(f"out={out}: {above} is a file, so nothing can be written below it; change out=")
    writable = above if above.is_dir() else above.parent
    if not os.access(writable, os.W_OK | os.X_OK):
        raise ValueError(f"out={out}: no right to write in {writable}; change out=, or ask for the right")


def write_text(target: str | Path, text: str) -> None:
    """Write `text` (UTF-8) to `target`, whole or not at all."""
    with write_aside(target) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(target: str | Path, value: Any) -> None:
    """Write `value` as indented JSON to `target`, whole or not at all."""
    write_text(target, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_table(target: str | Path, frame: pl.DataFrame, metadata: dict[str, str] | None = None) -> None:
    """Write a polars frame as Parquet with string `metadata`, whole or not at all."""
    with write_aside(target) as aside, aside.open("wb", buffering=0) as file:
        sink = _Sink(file)
        try:
            frame.write_parquet(sink, metadata=metadata or {})
        except pl.exceptions.PolarsError as error:
            raise sink.failed or error from None


class _Sink:
    """A file that remembers why it could not be written: polars may say "Invalid thrift" where the disk is full."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.failed = file, None

    def write(self, data: bytes) -> int:
        """Write all of `data`; returns its length."""
        rest = memoryview(data)
        try:
            while len(rest):  # a nearly full disk takes a part
                rest = rest[self.file.write(rest) :]
        except OSError as error:
            self.failed = OSError(error.errno, error.strerror, self.file.name)
            raise
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def read(self, size: int = -1) -> bytes:
        """Nothing: polars asks whether this is a file by this name."""
        raise OSError("this file is only written")


def read_table(path: str | Path) -> pl.DataFrame:
    """Read a Parquet file. Raises ValueError with one line if it is damaged or something else."""
    return _read_parquet(pl.read_parquet, path)


def _read_parquet(reader: Callable[..., Any], path: str | Path) -> Any:
    try:
        return reader(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:  # damage may even make polars panic
        reason = (str(error).splitlines() or [""])[0]
        raise ValueError(f"{path}: not a readable Parquet file ({reason}); write it again") from None


def table_metadata(path: str | Path) -> dict[str, str]:
    """The string metadata of a Parquet file written by `write_table`."""
    return {k: v for k, v in _read_parquet(pl.read_parquet_metadata, path).items() if k != "ARROW:schema"}


def check_format(path: str | Path, stored: str | int | None, current: int) -> None:
    """Raise ValueError unless the store at `path` has format `current` or the one before."""
    if str(stored) not in (str(current), str(current - 1)):
        raise ValueError(
            f"{Path(path).name}: store format {stored}, this version reads {current - 1} and {current}; "
            f"make it again with this version, or install the version of clef-eeg that wrote it"
        )


def fingerprint(*parts: bytes | str) -> str:
    """A short stable name (16 hex digits of SHA-256) for the content of `parts`, in order."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))  # the length first: (ab, c) and (a, bc) stay apart
        digest.update(data)
    return digest.hexdigest()[:16]


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file's content, in hex; the file is never in memory as a whole."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
