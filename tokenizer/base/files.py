"""Files that are written whole or not at all, so that a reader never sees half of one.

Everything is written beside its target under a temporary name, flushed to disk and then renamed: after a
crash, a full disk or Ctrl-C the old file or the new one is there, whole.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl


@contextlib.contextmanager
def write_aside(target: str | Path, replace: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `target` (file or folder); rename it onto `target` if the block succeeds.

    With `replace` false a folder that is there by then is left alone: OSError (ENOTEMPTY).
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.parent / f".{target.name}.{os.getpid()}.part"
    try:
        yield aside
        _flush(aside)
        if replace and target.is_dir() and aside.is_dir():
            shutil.rmtree(target)
        aside.replace(target)  # onto a folder with something in it: refused by the system
    except Exception as error:
        if full := _os_error_in(error, target):
            raise full from error
        raise
    finally:
        if aside.is_dir():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.unlink(missing_ok=True)


def _os_error_in(error: Exception, target: Path) -> OSError | None:
    """A full disk as the OSError it is: safetensors and polars raise errors of their own that only quote it."""
    quoted = None if isinstance(error, OSError) else re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(quoted[1]), os.strerror(int(quoted[1])), str(target)) if quoted else None


def _flush(path: Path) -> None:
    for file in [path] if path.is_file() else (p for p in path.rglob("*") if p.is_file()):
        with file.open("rb") as handle:
            os.fsync(handle.fileno())  # before the rename: else a power cut may leave the new name on an empty file


def write_text(target: str | Path, text: str) -> None:
    """Write `text` (UTF-8) to `target`, whole or not at all."""
    with write_aside(target) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(target: str | Path, value: Any) -> None:
    """Write `value` as indented JSON to `target`, whole or not at all."""
    write_text(target, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_table(target: str | Path, frame: pl.DataFrame, metadata: dict[str, str] | None = None) -> None:
    """Write a polars frame as Parquet with string `metadata`, whole or not at all."""
    with write_aside(target) as aside:
        frame.write_parquet(aside, metadata=metadata or {})


def read_table(path: str | Path) -> pl.DataFrame:
    """Read a Parquet file. Raises ValueError with one line if it is damaged or something else."""
    try:
        return pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"{path}: not a readable Parquet file ({error}); write it again") from None


def table_metadata(path: str | Path) -> dict[str, str]:
    """The string metadata of a Parquet file written by `write_table`."""
    return {k: v for k, v in pl.read_parquet_metadata(path).items() if k != "ARROW:schema"}


def check_format(path: str | Path, stored: str | int | None, current: int) -> None:
    """Raise ValueError unless the store at `path` has format `current` or the one before."""
    if stored is None or int(stored) not in (current, current - 1):
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
