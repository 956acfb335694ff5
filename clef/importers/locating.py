"""Files that a table names, found below a folder though the table was written elsewhere.

A name is taken as it is if there is such a file. Else it is tried with backslashes as slashes, without the folders of
another machine, in another letter case or Unicode form, without its suffix, and, if it is a name alone, anywhere below
the folder; in each case only if that leaves exactly one file. How many were found how is said.
"""

import itertools
import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath

from tokenizer.reading.formats import recording_suffixes

NOTES = {
    "slashes": "%d paths with backslashes",
    "elsewhere": "%d paths of another machine: what follows their first %s folders is looked for below root",
    "case": "%d names in other letter case",
    "suffix": "%d names without their suffix",
    "below": "%d names found in folders below root: no other file there is called so",
}
SEVERAL = "its name fits several files; give the name with folder and suffix"
Parts = tuple[str, ...]


class Locator:
    """Looks for the files of a table below `root`; `notes` says what had to be done to find them."""

    def __init__(self, root: Path, cells: Sequence[str | None]):
        self.root = root
        self.counts: Counter[str] = Counter()
        self.foreign = self._foreign([_parts(cell) for cell in cells if cell and _is_foreign(cell)])
        self._listing = lru_cache(None)(_listing)

    def find(self, cell: str) -> tuple[Path, str | None]:
        """The file that a cell names, and why it cannot be told where it is not one; no such file is no reason here."""
        plain = self.root / cell
        if _is_recording(plain):
            return plain, None
        ways = ["slashes"] if "\\" in cell else []
        parts = _parts(cell)
        if _is_foreign(cell):
            parts, ways = parts[self.foreign :], ["elsewhere"]
        files, more = self._below(parts)
        if not files and len(parts) == 1:
            files, more = self._anywhere(parts[0]), ["below"]
        if len(files) > 1:
            return plain, SEVERAL
        if not files:
            return plain, None
        self.counts.update(ways + more)
        return files[0], None

    def notes(self) -> list[str]:
        """A line for each way in which files had to be looked for."""
        texts = NOTES | {"elsewhere": NOTES["elsewhere"].replace("%s", str(self.foreign))}
        return [texts[way] % n for way, n in self.counts.items()]

    def _below(self, parts: Parts) -> tuple[list[Path], list[str]]:
        """The files that fit a path below the root in any letter case, else with any suffix of recordings."""
        for suffixes, way in (("",), "case"), (recording_suffixes(), "suffix"):
            paths = [(*parts[:-1], parts[-1] + suffix) for suffix in suffixes] if parts else []
            files = [file for path in paths for file in self._fitting(path)]
            exact = [file for file in files if file.relative_to(self.root).parts in paths]
            if files:
                return exact or files, [] if exact and way == "case" else [way]
        return [], []

    def _fitting(self, path: Parts) -> list[Path]:
        """The recordings below the root whose path is this one but for letter case and Unicode form."""
        paths = [self.root]
        for part in path:
            paths = [folder / name for folder in paths for name in self._listing(folder).get(_key(part), ())]
        return [file for file in paths if _is_recording(file)]

    def _anywhere(self, name: str) -> list[Path]:
        return self._tree().get(_key(name), [])

    def _tree(self) -> dict[str, list[Path]]:
        """Every recording below the root, by its name and by its name without suffix; read when it is first needed."""
        if not hasattr(self, "_names"):
            self._names: dict[str, list[Path]] = defaultdict(list)
            for folder, _, names in os.walk(self.root):
                for name in names:
                    self._names[_key(name)].append(Path(folder) / name)
                    if name.lower().endswith(recording_suffixes()):
                        self._names[_key(Path(name).stem)].append(Path(folder) / name)
        return self._names

    def _foreign(self, paths: list[Parts]) -> int:
        """How many folders at the start of all `paths` belong to another machine: the fewest that leave a file here."""
        alike = (len(set(folders)) == 1 for folders in zip(*(path[:-1] for path in paths), strict=False))
        common = sum(itertools.takewhile(bool, alike))
        counted = (n for n in range(1, common + 1) if any(self.root.joinpath(*path[n:]).exists() for path in paths))
        return next(counted, common)


def _is_foreign(cell: str) -> bool:
    """Whether a path starts at the top of a file system, of this or of another kind of machine."""
    return PurePosixPath(cell).is_absolute() or bool(PureWindowsPath(cell).anchor)


def _parts(cell: str) -> Parts:
    return tuple(part for part in PureWindowsPath(cell).parts if part not in (".", "\\", "/"))


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _listing(folder: Path) -> dict[str, list[str]]:
    """What is in a folder, by name without regard to letter case."""
    names: dict[str, list[str]] = defaultdict(list)
    try:
        for entry in os.scandir(folder):
            names[_key(entry.name)].append(entry.name)
    except OSError:  # no such folder, or not ours to read: then nothing is found in it
        return {}
    return names


def _is_recording(path: Path) -> bool:
    """Whether there is a file, or a folder that is one recording."""
    return path.is_file() or (path.exists() and path.name.lower().endswith(recording_suffixes()))
