"""Damage to the samples of a file: its end, single bits, blocks, and bytes that are missing or too many."""

from tools.fuzz.damage import Mutated, Random, block, changed, choice, flip, header_size, rest_from, stretch
from tools.fuzz.fuzz_seeds import Seed


def truncated(random: Random, seed: Seed) -> Mutated | None:
    """The file ends anywhere within its data."""
    content = seed.files[seed.data]
    stop = int(random.integers(header_size(seed), len(content)))
    return changed(seed, content[:stop], f"cut to {stop} of {len(content)} bytes", rest_from(seed, stop))


def appended(random: Random, seed: Seed) -> Mutated | None:
    """Bytes after the end: random ones, zeros, or some of the file's own."""
    content = seed.files[seed.data]
    records = seed.header.record_bytes * int(random.integers(1, 40)) if seed.header else 5000
    size = choice(random, [1, 2, 3, int(random.integers(1, 5000)), records])
    more = choice(random, [bytes(size), random.bytes(size), content[-size:], content[header_size(seed) :][:size]])
    return changed(seed, content + more, f"{len(more)} bytes more", rest_from(seed, len(content)))


def one_bit(random: Random, seed: Seed) -> Mutated | None:
    """A single bit among the samples."""
    content, flipped = flip(random, seed.files[seed.data], header_size(seed), len(seed.files[seed.data]), 1)
    return changed(seed, content, f"a bit of byte {flipped[0]}", (stretch(seed, flipped[0], flipped[0] + 1),))


def data_bits(random: Random, seed: Seed) -> Mutated | None:
    """Some bits turned over among the samples, anywhere or close together."""
    content, first = seed.files[seed.data], header_size(seed)
    at = int(random.integers(first, len(content) - 1))
    a, b = choice(random, [(first, len(content)), (at, min(len(content), at + 2000))])
    content, flipped = flip(random, content, a, b, int(random.integers(1, 30)))
    return changed(seed, content, f"{len(flipped)} bits turned over", tuple(stretch(seed, i, i + 1) for i in flipped))


def overwritten(random: Random, seed: Seed) -> Mutated | None:
    """A block of the data filled with zeros, one value, random bytes, or another block."""
    content = seed.files[seed.data]
    first, stop = block(random, seed)
    size = stop - first
    other = int(random.integers(header_size(seed), len(content) - size))
    kinds = {
        "zeros": bytes(size),
        "ones": b"\xff" * size,
        "one value": b"\xff\x7f" * (size // 2) + bytes(size % 2),
        "random bytes": random.bytes(size),
        "another block": content[other : other + size],
    }
    kind = choice(random, sorted(kinds))
    damaged = content[:first] + kinds[kind] + content[stop:]
    return changed(seed, damaged, f"bytes {first} to {stop}: {kind}", (stretch(seed, first, stop),))


def swapped(random: Random, seed: Seed) -> Mutated | None:
    """Two blocks of the data exchanged."""
    content = seed.files[seed.data]
    first, stop = block(random, seed)
    size = (stop - first) // 2
    second = int(random.integers(header_size(seed), len(content) - size))
    a, b = min(first, second), max(first, second)
    if b < a + size:
        return None
    damaged = content[:a] + content[b : b + size] + content[a + size : b] + content[a : a + size] + content[b + size :]
    spans = (stretch(seed, a, a + size), stretch(seed, b, b + size))
    if seed.data.endswith(".csv"):  # the blocks have another number of lines: those between them move
        spans = ((spans[0][0], spans[1][1]),)
    return changed(seed, damaged, f"{size} bytes at {a} and {b} swapped", spans)


def shifted(random: Random, seed: Seed) -> Mutated | None:
    """A few bytes, or a block, put in or taken out: everything after them is elsewhere."""
    content = seed.files[seed.data]
    first, stop = block(random, seed)
    few = int(random.integers(1, 4))
    kinds = {
        "put in": content[:first] + random.bytes(few) + content[first:],
        "taken out": content[:first] + content[first + few :],
        "twice": content[:stop] + content[first:stop] + content[stop:],
        "gone": content[:first] + content[stop:],
    }
    kind = choice(random, sorted(kinds))
    what = f"{few} bytes at {first} {kind}" if kind in ("put in", "taken out") else f"bytes {first} to {stop} {kind}"
    return changed(seed, kinds[kind], what, rest_from(seed, first))
