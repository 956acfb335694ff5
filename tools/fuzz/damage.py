"""Damage to a recording file, and what all mutations share.

A mutation takes a random generator and a seed and returns the file's new content with its `Damage`. Damage to samples
names the seconds it touches; damage to a header touches no second at all, so that everything must come out as before,
unless the field is one that a reader cannot check (`unseen`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from tools.fuzz.fuzz_seeds import Seed

Random = np.random.Generator
Spans = tuple[tuple[float, float], ...]
Value = TypeVar("Value")
REST = float("inf")


@dataclass(frozen=True)
class Damage:
    """What a mutation did."""

    what: str
    spans: Spans = ()
    """Stretches of the session, in s, in which the reader may give anything."""
    unseen: frozenset[str] = frozenset()
    """Kinds of error that no reader could notice after this: calibration, label, clock."""


@dataclass(frozen=True)
class Mutated:
    seed: Seed
    damage: Damage


Mutation = Callable[[Random, Seed], Mutated | None]
"""None if it does not apply to this seed."""


def changed(seed: Seed, content: bytes, what: str, spans: Spans) -> Mutated:
    """The seed with another content of its data."""
    if seed.data.endswith(".csv") and content.count(b"\n") != seed.files[seed.data].count(b"\n"):
        spans = ((min(start for start, _ in spans), REST),)  # another number of lines: all that follow move
    return Mutated(replace(seed, files=seed.files | {seed.data: content}), Damage(what, spans))


def flip(random: Random, content: bytes, first: int, stop: int, count: int) -> tuple[bytes, list[int]]:
    damaged, places = bytearray(content), random.integers(first, stop, count).tolist()
    for place in places:
        damaged[place] ^= 1 << int(random.integers(8))
    return bytes(damaged), places


def block(random: Random, seed: Seed) -> tuple[int, int]:
    """First byte and stop of a block of the data: up to 3,000 bytes, or up to a fifth of all."""
    first, stop = header_size(seed), len(seed.files[seed.data])
    size = int(random.integers(2, choice(random, [3000, (stop - first) // 5])))
    at = int(random.integers(first, stop - size))
    return at, at + size


def header_size(seed: Seed) -> int:
    """Bytes before the first sample."""
    content, low, high = seed.files[seed.data], 0, len(seed.files[seed.data])
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if seed.when(middle) < 0 else (low, middle)
    return min(low, len(content))


def stretch(seed: Seed, first: int, stop: int) -> tuple[float, float]:
    """The stretch of the session that bytes of the data belong to: to the end of the last one's data record."""
    start, end = max(0.0, seed.when(first)), seed.when(stop - 1)
    return start, end + (seed.header.seconds if seed.header else 1.0)


def rest_from(seed: Seed, byte: int) -> Spans:
    return ((min(max(0.0, seed.when(byte)), _end(seed)), REST),)


def _end(seed: Seed) -> float:
    return stretch(seed, 0, len(seed.files[seed.data]))[1]


def choice(random: Random, values: Sequence[Value]) -> Value:
    return values[int(random.integers(len(values)))]
