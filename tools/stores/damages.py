"""Damage to a folder of files, as disks, cables and people cause it.

A damage takes a random generator, the folder and another folder of the same kind, changes one or two files in place and
says what it did; None if it does not apply.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

Random = np.random.Generator
Damage = Callable[[Random, Path, Path | None], str | None]
"""(random, folder, a folder of the same kind with another content) -> what was done, without paths of this machine."""


def files_of(folder: Path) -> list[Path]:
    """Every file of a folder, in order; locks of writers, which hold nothing, left out."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.name != ".writers")


def cut(random: Random, folder: Path, other: Path | None) -> str | None:
    """A file ends early: a full disk, a copy that was stopped."""
    path = _one(random, folder)
    size = path.stat().st_size
    if not size:
        return None
    kept = 0 if random.random() < 0.2 else int(random.integers(size))
    with path.open("r+b") as handle:
        handle.truncate(kept)
    return f"{_name(path, folder)}: {kept} of {size} bytes kept"


def flip(random: Random, folder: Path, other: Path | None) -> str | None:
    """One bit is another."""
    path = _one(random, folder)
    content = bytearray(path.read_bytes())
    if not content:
        return None
    # heads and tails hold what the rest is read by
    near = [int(random.integers(len(content))), int(random.integers(min(64, len(content))))]
    place = [near[0], near[1], len(content) - 1 - near[1]][int(random.choice(3, p=[0.6, 0.2, 0.2]))]
    content[place] ^= 1 << int(random.integers(8))
    path.write_bytes(content)
    return f"{_name(path, folder)}: a bit of byte {place} of {len(content)}"


def zero(random: Random, folder: Path, other: Path | None) -> str | None:
    """A block of zeros: a sector that was never written."""
    path = _one(random, folder)
    content = bytearray(path.read_bytes())
    if not content:
        return None
    size = int(random.integers(1, min(len(content), int(random.choice([16, 64, 512, 4096]))) + 1))
    begin = int(random.integers(len(content) - size + 1))
    content[begin : begin + size] = bytes(size)
    path.write_bytes(content)
    return f"{_name(path, folder)}: {size} zeros at byte {begin} of {len(content)}"


def drop(random: Random, folder: Path, other: Path | None) -> str | None:
    """A file is gone."""
    path = _one(random, folder)
    path.unlink()
    return f"{_name(path, folder)}: gone"


def swap_within(random: Random, folder: Path, other: Path | None) -> str | None:
    """Two files of the folder have changed places."""
    files = files_of(folder)
    if len(files) < 2:
        return None
    first, second = (files[i] for i in random.permutation(len(files))[:2])
    if random.random() < 0.5:  # alike: the same place in the tree, as two shards of an array
        alike = [
            p for p in files if p != first and p.relative_to(folder).parts[:1] == first.relative_to(folder).parts[:1]
        ]
        second = alike[int(random.integers(len(alike)))] if alike else second
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    return f"{_name(first, folder)} and {_name(second, folder)} swapped"


def swap_between(random: Random, folder: Path, other: Path | None) -> str | None:
    """A file is that of another folder of the same kind."""
    if other is None:
        return None
    path = _one(random, folder)
    theirs = other / path.relative_to(folder)
    if not theirs.is_file():
        return None
    shutil.copyfile(theirs, path)
    return f"{_name(path, folder)}: that of another store"


DAMAGES: dict[str, Damage] = {
    "cut": cut,
    "flip": flip,
    "zero": zero,
    "drop": drop,
    "swap within": swap_within,
    "swap between": swap_between,
}


def _one(random: Random, folder: Path) -> Path:
    """A file; half of the draws go by size, so that large ones are not spared."""
    files = files_of(folder)
    sizes = np.array([p.stat().st_size for p in files], float)
    even = np.full(len(files), 1 / len(files))
    shares = (even + sizes / sizes.sum()) / 2 if sizes.sum() else even
    return files[int(random.choice(len(files), p=shares))]


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
