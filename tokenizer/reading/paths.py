"""The check that a recording is an ordinary file, and that what belongs to it lies beside it and is one, too.

Opening a named pipe waits for ever, a device never ends, and a header from elsewhere may name any file of this machine.
Links to files are followed, since archives use them (git-annex, DataLad): a link is what its target is.
"""

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

from tokenizer.recording import RecordingError

FOLDERS = (".mff", ".mefd", ".ds")
"""Formats of which a recording is a folder."""
MOST_FILES = 20_000
"""Files in such a folder (MEF 3 has some per channel and segment)."""
PARTS = (
    *(".eeg", ".vmrk", ".amrk", ".avg", ".seg", ".fdt", ".dat", ".pnt", ".21e", ".log", ".elp"),
    *(".cdt", ".cdt.dpa", ".cdt.cef", ".cdt.ceo", ".cef", ".ceo", ".dap", ".dpa", ".rs3"),
)
"""Files with a recording's name that MNE's readers open beside it."""
MOST_TEXT = 16 * 2**20
"""Bytes of a text header or marker file: 24 hours of markers, five a second."""
_REFERENCE = re.compile(r"^[ \t]*(DataFile|MarkerFile)[ \t]*[=:][ \t]*(.*?)\s*$", re.MULTILINE | re.IGNORECASE)
_CODEPAGE = re.compile(r"Codepage=(.*)")
_ASCII_BASED = re.compile(r"utf-?8|ansi|(us-)?ascii|(cp|windows-?)?\d+|iso-?8859-?\d+|latin-?1", re.IGNORECASE)
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def check_path(path: Path) -> None:
    """Raise RecordingError unless a path is a file, or a folder of a format whose recordings are folders.

    May raise OSError where the path cannot be looked at.
    """
    try:
        kind = _irregular(path)
    except FileNotFoundError:
        raise RecordingError(path.name, "there is no such file; check the path") from None
    if kind == "a folder" and path.suffix.lower() in FOLDERS:
        for number, inside in enumerate(_files_in(path)):
            if number == MOST_FILES or _irregular(inside):
                what = f"more than {MOST_FILES:,} files" if number == MOST_FILES else "something that is no file"
                raise RecordingError(path.name, f"holds {what}; expected a recording of its format; look into it")
    elif kind:
        raise RecordingError(path.name, f"is {kind}; expected a file; give the recording itself")


def check_parts(path: Path) -> None:
    """Raise RecordingError if a file that belongs to a recording is none, or lies outside its folder.

    May raise OSError as `check_path`.
    """
    check_text(path, (".vhdr", ".ahdr", ".lay"))
    for suffix in PARTS:
        for part in (path.with_suffix(suffix), path.with_suffix(suffix.upper())):
            _check_part(path, part)
            check_text(part, (".vmrk", ".amrk"), path)
    if path.name.lower().endswith((".vhdr", ".ahdr")):
        for key, name in _references(path):
            # a marker file that is not there is looked for beside the header, whatever folder it is said to be in
            if key == "datafile" or (name and (path.parent / name).exists()):
                part = part_beside(path, name)
                check_text(part, (part.suffix.lower(),) if key == "markerfile" else (), path)


def part_beside(path: Path, name: str) -> Path:
    """The file that a recording's header names. Raises RecordingError if it is none, or not in the same folder."""
    part = path.parent / name.replace("\\", "/")
    # the folder of the file is resolved and not the file: a link beside the header is how archives keep it
    if PureWindowsPath(name).drive or not part.parent.resolve().is_relative_to(path.parent.resolve()):
        raise RecordingError(
            path.name, "its header names a file in another folder; put the files side by side and name them alone in it"
        )
    _check_part(path, part)
    return part


def check_text(path: Path, suffixes: tuple[str, ...], recording: Path | None = None) -> None:
    """Raise RecordingError if a text file with one of `suffixes` is longer than any that a program wrote."""
    if path.suffix.lower() in suffixes and path.is_file() and path.stat().st_size > MOST_TEXT:
        raise RecordingError(
            (recording or path).name,
            f"its {path.suffix.lower()} file has {path.stat().st_size / 2**20:,.0f} MB of text; expected at most "
            f"{MOST_TEXT / 2**20:.0f}; export it again",
        )


def _check_part(path: Path, part: Path) -> None:
    try:
        kind = _irregular(part)
    except FileNotFoundError:
        return
    if kind:
        raise RecordingError(path.name, f"a file that belongs to it is {kind}; expected a file; copy them again")


def _irregular(path: Path) -> str | None:
    """What a path is, links followed, in words; None if it is a file."""
    mode = path.stat().st_mode
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no file")


def _files_in(folder: Path) -> Iterator[Path]:
    # links to folders are not followed: they may lead round in a circle
    for parent, folders, names in os.walk(folder):
        yield from (Path(parent) / name for name in (*names, *(f for f in folders if (Path(parent) / f).is_symlink())))


def _references(header: Path) -> Iterator[tuple[str, str]]:
    """(key in small letters, name) of every file that a BrainVision header names, in whatever section."""
    content = header.read_bytes()
    text = content.decode("latin-1")
    pages = [page.strip() for page in _CODEPAGE.findall(text)]
    if not all(_ASCII_BASED.fullmatch(page) for page in pages if page):  # names could be hidden in it
        raise RecordingError(header.name, "its header has an unknown Codepage; expected UTF-8 or ANSI; export it again")
    with contextlib.suppress(UnicodeDecodeError):
        text = content.decode("utf-8")
    for key, name in _REFERENCE.findall(text):
        yield key.lower(), name
