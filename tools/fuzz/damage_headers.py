"""Damage to what a file says about its samples: fields of EDF headers, and the headers of other formats."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tokenizer.edf.fields import SIGNAL, field_places
from tokenizer.edf.header import Header
from tools.fuzz.damage import REST, Damage, Mutated, Random, changed, choice, flip, header_size
from tools.fuzz.fuzz_seeds import Seed

UNSEEN = {
    **dict.fromkeys(("unit", "physical minimum", "physical maximum"), "calibration"),
    **dict.fromkeys(("digital minimum", "digital maximum"), "calibration"),
    **{"label": "label", "seconds": "clock"},
}
"""Header fields in which another plausible value cannot be told from the true one -> what is then wrong."""
NUMBERS = ("records", "signals", "samples", "seconds", "header bytes")


def header_field(random: Random, seed: Seed) -> Mutated | None:
    """One field of an EDF header replaced by something else."""
    if not seed.header:
        return None
    every = fields(seed.header)
    names = sorted({name for name, *_ in every})
    name = names[random.integers(len(names))]
    return _replace(random, seed, *choice(random, [field for field in every if field[0] == name]))


def number_field(random: Random, seed: Seed) -> Mutated | None:
    """A number of an EDF header on which the layout hangs."""
    if not seed.header:
        return None
    return _replace(random, seed, *choice(random, [field for field in fields(seed.header) if field[0] in NUMBERS]))


def header_bits(random: Random, seed: Seed) -> Mutated | None:
    """One to eight bits turned over in a header."""
    end = header_size(seed)
    content, flipped = flip(random, seed.files[seed.data], 0, end, int(random.integers(1, 9))) if end else (b"", [])
    return _header_damage(seed, _names_of(seed, flipped), content) if end else None


def truncated_header(random: Random, seed: Seed) -> Mutated | None:
    """The file ends within its header."""
    stop = int(random.integers(0, max(1, header_size(seed))))
    return changed(seed, seed.files[seed.data][:stop], f"cut to {stop} bytes", ((0.0, REST),))


def limits(random: Random, seed: Seed) -> Mutated | None:
    """The smallest and largest value of a signal, digital or physical: equal, or exchanged."""
    if not seed.header:
        return None
    which = choice(random, ["digital", "physical"])
    places = {name: [f[1:] for f in fields(seed.header) if f[0] == name] for name in SIGNAL}
    low, high = f"{which} minimum", f"{which} maximum"
    chosen = range(len(seed.header.labels)) if random.random() < 0.3 else [int(random.integers(len(places[low])))]
    content, equal = bytearray(seed.files[seed.data]), random.random() < 0.5
    for i in chosen:
        (a, b), (c, d) = places[low][i], places[high][i]
        content[a:b], content[c:d] = content[c:d], content[c:d] if equal else content[a:b]
    names = {low: b"", high: b""}
    return _header_damage(seed, names, bytes(content), f"{which} limits {'equal' if equal else 'swapped'}")


def collision(random: Random, seed: Seed) -> Mutated | None:
    """A signal takes the label of another."""
    if not seed.header:
        return None
    places = [field[1:] for field in fields(seed.header) if field[0] == "label"]
    (a, b), (c, d) = (places[i] for i in random.choice(len(places), 2, replace=False))
    content = seed.files[seed.data]
    return _header_damage(seed, {"another label": content[c:d]}, content[:a] + content[c:d] + content[b:])


def beside(random: Random, seed: Seed) -> Mutated | None:
    """What stands beside the samples in formats other than EDF: numbers, bits, a line, the end, or all of it."""
    if seed.header:
        return None
    name = choice(random, sorted(seed.files))
    end = header_size(seed) if name == seed.data else len(seed.files[name])
    if not end:
        return None
    part, rest = seed.files[name][:end], seed.files[name][end:]
    numbers, lines = list(re.finditer(rb"\d+(?:\.\d+)?", part)), part.split(b"\n")
    number, line = choice(random, numbers) if numbers else None, int(random.integers(len(lines)))
    damaged = {
        "a number": part[: number.start()] + _another(random, number[0]).strip() + part[number.end() :]
        if number
        else part,
        "bits": flip(random, part, 0, end, int(random.integers(1, 9)))[0],
        "a line gone": b"\n".join(lines[:line] + lines[line + 1 :]),
        "a line twice": b"\n".join(lines[: line + 1] + lines[line:]),
        "cut": part[: int(random.integers(end))],
        "random bytes": part[: (at := int(random.integers(end)))] + random.bytes(min(20, end - at)) + part[at + 20 :],
    }
    kind = choice(random, sorted(damaged))
    damage = Damage(f"{name}: {kind}", (), frozenset(("calibration", "label", "clock")))
    return Mutated(replace(seed, files=seed.files | {name: damaged[kind] + rest}), damage)


def fields(header: Header) -> list[tuple[str, int, int]]:
    """(name, first byte, stop) of every field of an EDF header, those of the signals one by one."""
    return [(name, place.start, place.stop) for name, place in field_places(len(header.labels))]


def _replace(random: Random, seed: Seed, name: str, first: int, stop: int) -> Mutated:
    content = seed.files[seed.data]
    text = _another(random, content[first:stop])
    return _header_damage(seed, {name: text}, content[:first] + text + content[stop:])


def _another(random: Random, field: bytes) -> bytes:
    """Another content of a field, as wide as the first."""
    digit = lambda _: b"%d" % random.integers(10)
    made: list[Callable[[], bytes]] = [
        lambda: re.sub(rb"\d", digit, field),
        lambda: re.sub(rb"\d", digit, field, count=1),
        lambda: b"%d" % random.integers(0, 10 ** int(random.integers(1, 9))),
        lambda: b"-%d" % random.integers(0, 10 ** int(random.integers(1, 8))),
        lambda: choice(random, [b"99999999", b"0", b"-1", b"1", b"2", b"0.5", b"1e308", b"1e-308", b"1_0", b"0x10"]),
        lambda: choice(random, [b"nan", b"inf", b"-inf", b"", b"\0" * len(field), b"+", b"1 2", b"\xb2", b"1,5"]),
        lambda: bytes(random.integers(97, 123, len(field), np.uint8)),
        lambda: bytes(random.integers(0, 256, len(field), np.uint8)),
        lambda: field.strip() + b"0",
        lambda: field.strip()[1:],
    ]
    return choice(random, made)().ljust(len(field))[: len(field)]


def _header_damage(seed: Seed, names: dict[str, bytes], content: bytes, what: str = "") -> Mutated:
    """Damage to header fields {name: new text}: no second is lost."""
    if seed.header is None:  # the fields of other formats are not told apart
        kinds = {"calibration", "label", "clock"}
    else:
        kinds = {UNSEEN[name] for name in names if name in UNSEEN}
        kinds -= {"clock"} if seed.header.annotations and "+D" not in seed.header.reserved else set()
    description = what or ", ".join(f"{name}: {text!r}" if text else name for name, text in names.items())
    damage = Damage(description, (), frozenset(kinds))
    return Mutated(replace(seed, files=seed.files | {seed.data: content}), damage)


def _names_of(seed: Seed, places: list[int]) -> dict[str, bytes]:
    if not seed.header:
        return {f"{len(places)} bits of the header": b""}
    every = fields(seed.header)
    return {name: b"" for place in places for name, first, stop in every if first <= place < stop}
