"""Recordings that are equal byte for byte, and the people who share them.

One EEG under two names is one person twice, or a mistake in the table; whichever it is, half of it must not be trained
on and the other half scored. So people who share a recording get one split.

Only files of equal size are opened; of those a few blocks are hashed, and what is still equal is compared whole.
"""

import filecmp
import hashlib
import itertools
import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

BESIDE = (".eeg", ".fdt", ".dat")
"""Files with the samples of a header of the same name."""
HEADERS = (".vhdr", ".ahdr", ".lay")
"""Files without samples: that two of these are equal says nothing."""
BLOCK, BLOCKS = 16384, 4
Item = TypeVar("Item")


def find_copies(paths: Sequence[Path], people: Sequence[int], new: Sequence[bool], workers: int) -> list[list[int]]:
    """Groups of equal recordings with at least one `new` one, as indices into `paths`; unreadable ones are in none.

    Where all are of one of the `people`, the blocks decide: nothing depends on it but a line that says so.
    """
    with ThreadPoolExecutor(max(1, workers)) as pool:
        sizes = list(pool.map(_sizes, paths))
        candidates = _equal(range(len(paths)), sizes.__getitem__, new)
        chosen = sorted(itertools.chain.from_iterable(candidates))
        marks = dict(zip(chosen, pool.map(lambda i: _mark(paths[i]), chosen), strict=True))
    alike = _equal(chosen, lambda i: marks[i] and (sizes[i], marks[i]), new)
    one = [group for group in alike if len({people[i] for i in group}) == 1]
    several = [group for group in alike if len({people[i] for i in group}) > 1]
    return one + [same for group in several for same in _equal_bytes(group, paths) if any(new[i] for i in same)]


def _equal(items: Iterable[int], key: Callable[[int], Hashable | None], new: Sequence[bool]) -> list[list[int]]:
    """Items with the same key, where there are several, one of them new; None is no key."""
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for i in items:
        if (value := key(i)) is not None:
            groups[value].append(i)
    return [group for group in groups.values() if len(group) > 1 and any(new[i] for i in group)]


def _files(path: Path) -> list[Path]:
    """A recording and the files that hold its samples; none if they are not known."""
    beside = [file for suffix in BESIDE if (file := path.with_suffix(suffix)) != path and file.is_file()]
    return [] if path.suffix.lower() in HEADERS and not beside else [path, *beside]


def _sizes(path: Path) -> tuple[int, ...] | None:
    try:
        return tuple(file.stat().st_size for file in _files(path) if file.is_file()) or None
    except OSError:
        return None


def _mark(path: Path) -> str | None:
    """A hash of some blocks of a recording, spread over its files."""
    digest = hashlib.sha256()
    try:
        for file in _files(path):
            with file.open("rb") as data:
                size = os.fstat(data.fileno()).st_size
                for i in range(BLOCKS):
                    data.seek(i * max(0, size - BLOCK) // (BLOCKS - 1))
                    digest.update(data.read(BLOCK))
    except OSError:
        return None
    return digest.hexdigest()


def _equal_bytes(group: list[int], paths: Sequence[Path]) -> list[list[int]]:
    """The parts of a group whose recordings are equal to the last byte."""
    parts: list[list[int]] = []
    for i in group:
        part = next((p for p in parts if _same(paths[p[0]], paths[i])), None)
        if part is None:
            parts.append([i])
        else:
            part.append(i)
    return [part for part in parts if len(part) > 1]


def _same(one: Path, other: Path) -> bool:
    try:
        return one.resolve() == other.resolve() or all(
            filecmp.cmp(a, b, shallow=False) for a, b in zip(_files(one), _files(other), strict=True)
        )
    except (OSError, ValueError):
        return False


def tied(groups: Iterable[Sequence[Item]]) -> dict[Item, frozenset[Item]]:
    """Who is tied to whom, also through others: item -> everybody it is tied to, itself among them."""
    ties: dict[Item, frozenset[Item]] = {}
    for group in groups:
        together = frozenset(itertools.chain(group, *(ties.get(item, ()) for item in group)))
        ties |= dict.fromkeys(together, together)
    return ties
