"""The manifest of a folder of tables, `metadata/manifest.json`: which files belong together, by their digests.

A table of another folder, or one that is gone, would pass every check of its own columns. A folder without a manifest,
made by hand or before there was one, is read as it is, and so are files that the manifest does not name.

    {"format": 1, "files": {"sessions.parquet": ["<digest>"], …}}

While files are being replaced a name has two digests, the old one and the new: whoever is killed then leaves a folder
that can be read and written again.
"""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

from tokenizer.base.files import file_digest, write_aside, write_json
from tokenizer.base.tables import stored_digest

MANIFEST = "metadata/manifest.json"
FORMAT = 1


def check_folder(folder: Path, remedy: str) -> None:
    """Raise ValueError (one line, ending in `remedy`) unless every file of the manifest is there and is that file."""
    for name, digests in read_manifest(folder, remedy).items():
        path = folder / name
        if not path.is_file():
            raise ValueError(f"{folder}: {name} is gone, which {MANIFEST} lists; {remedy}")
        if member_digest(path, remedy) not in digests:
            raise ValueError(
                f"{folder}: {name} is not the file that {MANIFEST} lists: changed, or of another folder; {remedy}"
            )


def read_manifest(folder: Path, remedy: str) -> dict[str, list[str]]:
    """File -> digests it may have; empty if the folder has no manifest. ValueError (one line) if that is damaged."""
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        good = content.keys() == {"format", "files"} and content["format"] == FORMAT
        entries = dict(content["files"])
    except (ValueError, TypeError, AttributeError, KeyError):
        good, entries = False, {}
    if not good or not all(isinstance(v, list) and v and all(isinstance(d, str) for d in v) for v in entries.values()):
        raise ValueError(f"{path}: damaged, or of another version; {remedy}")
    return entries


def write_together(folder: Path, writers: dict[str, Callable[[Path], None]]) -> None:
    """Write files of a folder and its manifest; they appear in the order of `writers`, none before all are written.

    writers: name in the folder -> what writes it to a path
    """
    before = {name: [member_digest(folder / name)] for name in writers if (folder / name).is_file()}
    with contextlib.ExitStack() as stack:
        # what is entered last is left first, and appears first
        asides = {name: stack.enter_context(write_aside(folder / name)) for name in reversed(writers)}
        for name, write in writers.items():
            write(asides[name])
        new = {name: [member_digest(asides[name])] for name in writers}
        write_manifest(folder, {name: sorted({*new[name], *before.get(name, [])}) for name in new})
    write_manifest(folder, new)


def replace_member(folder: Path, name: str, write: Callable[[Path], None]) -> None:
    """Write one file of a folder anew, and its digest in the manifest; a folder without a manifest stays without one.

    Raises ValueError (one line) if the manifest is damaged. Whenever this is stopped, the folder can be read.
    """
    entries = read_manifest(folder, "write it again, or copy it again")
    with write_aside(folder / name) as aside:
        write(aside)
        new = [member_digest(aside)]
        if entries:
            write_manifest(folder, entries | {name: sorted({*new, *entries.get(name, [])})})
    if entries:
        write_manifest(folder, entries | {name: new})


def write_manifest(folder: Path, entries: dict[str, list[str]]) -> None:
    """Write the manifest of a folder."""
    write_json(folder / MANIFEST, {"format": FORMAT, "files": entries})


def member_digest(path: Path, remedy: str = "write it again, or copy it again") -> str:
    """A name for the content of a file: the digest that a table says it has, otherwise that of its bytes."""
    with path.open("rb") as handle:
        table = handle.read(4) == b"PAR1"
    return (stored_digest(path, remedy) if table else None) or file_digest(path)
