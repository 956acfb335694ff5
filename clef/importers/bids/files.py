"""The files of an EEG-BIDS tree: which are recordings, whose they are, and which sidecars speak of them.

https://bids-specification.readthedocs.io. mne-bids takes the names apart and judges them. Its own search
(`find_matching_paths`, 0.20) is not used: one name with two hyphens in a part stops it, and it passes without a word
over names with parts in another order, over `.EDF`, and over links whose content git-annex has not fetched.
"""

import os
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from mne_bids import get_entities_from_fname

from tokenizer.base.progress import track

FORMATS = {".edf": (), ".bdf": (), ".vhdr": (".eeg", ".vmrk"), ".set": (".fdt",)}
"""The formats of EEG-BIDS and the files that belong to them; of a recording in several, the first is taken."""
PARTS = {part for parts in FORMATS.values() for part in parts}
_SPLIT = re.compile(r"_split-[^_]+")
NOT_FETCHED = "content not fetched: run `datalad get` (or `git annex get`) on it"
LATER_PART = "a later part (split-) of a recording; only first parts are read"
POINTERS = (b"/annex/objects/", b"version https://git-lfs")
POINTER = 1024
"""Bytes below which a file may be a pointer of git-annex or git-lfs; no recording is that small."""
Entry = os.DirEntry
Entities = dict[str, str]
"""Parts of a BIDS name by mne-bids's words, as {"subject": "01", "task": "rest"}."""


@dataclass(frozen=True)
class Sidecar:
    """A file that speaks of recordings: those at or below its folder that have its entities."""

    path: Path
    entities: Entities

    def speaks_of(self, entities: Entities) -> bool:
        return all(entities.get(key) == value for key, value in self.entities.items())


@dataclass(frozen=True)
class RecordingFile:
    """One EEG recording."""

    path: Path
    shown: str
    """Its path below the root."""
    name: str
    """`sub-01_ses-02_task-rest_run-1`."""
    person: str
    """`sub-01`, as in participants.tsv."""
    visit: str | None
    """`ses-02`, as in sessions.tsv; None where people were there once."""
    task: str
    sidecars: list[Path]
    """`eeg.json` and `channels.tsv`, the general before the special."""


@dataclass
class BidsTree:
    """What an EEG-BIDS tree holds."""

    root: Path
    recordings: list[RecordingFile] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Reason -> paths below the root."""
    other_types: Counter[str] = field(default_factory=Counter)
    """Folders of other data types: anat, meg, …"""
    odd_names: list[str] = field(default_factory=list)
    """Names that mne-bids finds fault with."""


def find_people(root: Path) -> list[str]:
    """The folders sub-… of a BIDS tree. Raises ValueError if `root` is not the top of one."""
    if not root.is_dir():
        raise ValueError(f"root={root}: there is no such folder")
    folders = [entry.name for entry in _listing(root) if entry.is_dir()]
    if people := [name for name in folders if name.startswith("sub-")]:
        return people
    inside = [name for name in folders if any((root / name).glob("sub-*/"))]
    hint = f"; did you mean root={root / inside[0]}?" if inside else ""
    raise ValueError(f"root={root}: no folder sub-… in it; expected the top of a BIDS tree{hint}")


def scan_tree(root: Path, people: list[str]) -> BidsTree:
    """Find the EEG recordings of `people`."""
    tree = BidsTree(root)
    above = _sidecars(_listing(root))
    for person in track(people, "looking through the tree"):
        try:
            _add_person(tree, person, above)
        except OSError as error:
            tree.left_out[f"a folder that cannot be opened ({error.strerror})"].append(person)
    return tree


def count_elsewhere(root: Path) -> dict[str, int]:
    """Recordings in `derivatives` and `sourcedata`, which are not imported."""
    walks = {name: os.walk(root / name) for name in ("derivatives", "sourcedata") if (root / name).is_dir()}
    return {
        name: sum(file.lower().endswith(tuple(FORMATS)) for _, _, files in walk for file in files)
        for name, walk in walks.items()
    }


def _listing(folder: Path) -> list[Entry]:
    with os.scandir(folder) as entries:
        return sorted((e for e in entries if not e.name.startswith(".")), key=lambda entry: entry.name)


def _sidecars(entries: list[Entry]) -> list[Sidecar]:
    """The sidecars of one folder, the general before the special."""
    named = [e for e in entries if f"_{e.name}".endswith(("_eeg.json", "_channels.tsv"))]
    sidecars = [Sidecar(Path(entry.path), _entities(entry.name)) for entry in named]
    return sorted(sidecars, key=lambda sidecar: len(sidecar.entities))


def _entities(name: str) -> Entities:
    parts = get_entities_from_fname(name, on_error="ignore", verbose="error")
    return {key: value for key, value in parts.items() if value is not None and key != "split"}


def _fault(name: str) -> bool:
    """Whether mne-bids finds fault with a name: an unknown part, a wrong order, a hyphen too many."""
    try:
        get_entities_from_fname(name, on_error="raise", verbose="error")
    except (KeyError, ValueError):
        return True
    return False


def _add_person(tree: BidsTree, person: str, above: list[Sidecar]) -> None:
    entries = _listing(tree.root / person)
    beside = above + _sidecars(entries)
    _add_visit(tree, entries, person, None, beside)
    for visit in entries:
        if visit.name.startswith("ses-") and visit.is_dir():
            inside = _listing(Path(visit.path))
            _add_visit(tree, inside, person, visit.name, beside + _sidecars(inside))


def _add_visit(tree: BidsTree, entries: list[Entry], person: str, visit: str | None, above: list[Sidecar]) -> None:
    """Sort the folders and files of one visit, or of a person without visits, into the tree."""
    for entry in entries:
        if entry.name == "eeg" and entry.is_dir():
            _add_recordings(tree, _listing(Path(entry.path)), person, visit, above)
        elif entry.is_dir() and not entry.name.startswith("ses-"):
            tree.other_types[entry.name] += 1
        elif entry.name.lower().endswith(tuple(FORMATS)):
            tree.left_out["not in a folder named eeg"].append(_shown(tree, entry))


def _add_recordings(tree: BidsTree, entries: list[Entry], person: str, visit: str | None, above: list[Sidecar]) -> None:
    """Add the recordings of one eeg folder; what is none, or cannot be used, goes to `tree.left_out`."""
    sidecars = above + _sidecars(entries)
    begun: set[str] = set()
    for stem, files in _by_stem(tree, entries).items():
        name, entities = _SPLIT.sub("", stem), _entities(stem)
        best, *others = sorted(files.keys() - PARTS or files.keys(), key=lambda ending: _rank(ending, files))
        reason = _refusal(stem, entities, best, person, visit) or _absent(best, files)
        if reason or name in begun:
            tree.left_out[reason or LATER_PART].append(_shown(tree, files[best]))
        else:
            beside = [sidecar.path for sidecar in sidecars if sidecar.speaks_of(entities)]
            path, shown, task = Path(files[best].path), _shown(tree, files[best]), entities.get("task", "none")
            tree.recordings.append(RecordingFile(path, shown, name, person, visit, task, beside))
            tree.left_out["the same recording in another format"] += [_shown(tree, files[other]) for other in others]
            tree.odd_names += [name] if _fault(stem) else []
        begun.add(name)  # also of a first part that is left out: a later part alone is no recording


def _by_stem(tree: BidsTree, entries: list[Entry]) -> dict[str, dict[str, Entry]]:
    """The files of recordings, by name without `_eeg.…` and then by what follows."""
    stems: dict[str, dict[str, Entry]] = defaultdict(dict)
    for entry in entries:
        stem, mark, ending = entry.name.rpartition("_eeg.")
        if mark and ending not in ("json", "tsv"):
            stems[stem][f".{ending.lower()}"] = entry
        elif not mark and entry.name.lower().endswith(tuple(FORMATS)):
            tree.left_out["its name does not end in _eeg"].append(_shown(tree, entry))
    return stems


def _rank(ending: str, files: dict[str, Entry]) -> tuple[bool, bool, int]:
    """Which file of a recording is read: one in a format of EEG-BIDS, with its content, and the first in the list."""
    known = ending in FORMATS
    return not known, known and _absent(ending, files) is not None, [*FORMATS, ending].index(ending)


def _refusal(stem: str, entities: Entities, ending: str, person: str, visit: str | None) -> str | None:
    """Why a file is not imported, as its name alone shows; None if it is."""
    if ending in PARTS:
        return "part of a recording whose main file is not there"
    if ending not in FORMATS:
        return f"{ending} is no format of EEG-BIDS"
    belongs = f"{person}_{visit}_" if visit else f"{person}_"
    if not f"{stem}_".startswith(belongs) or ("session" in entities and not visit):
        return "its name and its folder name different people or visits"
    return "a processed copy (desc- in its name)" if "description" in entities else None


def _absent(ending: str, files: dict[str, Entry]) -> str | None:
    """Why a recording in one format cannot be opened: the content of one of its files is not there."""
    reasons = [_missing(files[part]) for part in (ending, *FORMATS[ending]) if part in files]
    return next(filter(None, reasons), None)


def _missing(entry: Entry) -> str | None:
    """Why the content of a file is not there; None if it is."""
    path = Path(entry.path)
    if entry.is_symlink() and not path.exists():
        return NOT_FETCHED if "annex" in str(path.readlink()) else "a link to a file that is not there"
    try:
        start = path.read_bytes() if path.is_file() and entry.stat().st_size < POINTER else b""
    except OSError:  # the check of the recording says why
        return None
    return NOT_FETCHED if start.startswith(POINTERS) else None


def _shown(tree: BidsTree, entry: Entry) -> str:
    return str(Path(entry.path).relative_to(tree.root))
