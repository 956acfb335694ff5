"""Damage to what EDF+ and BDF+ files say about when their data records start."""

import re

from tools.fuzz.damage import Mutated, Random, Spans, changed, choice
from tools.fuzz.fuzz_seeds import Seed


def annotation_bits(random: Random, seed: Seed) -> Mutated | None:
    """Bits turned over in the annotations of an EDF+ file."""
    if not (places := _annotations(seed)):
        return None
    content = bytearray(seed.files[seed.data])
    records = random.integers(0, len(places), int(random.integers(1, 9))).tolist()
    for first, _ in (places[i] for i in records):
        content[first + int(random.integers(12))] ^= 1 << int(random.integers(8))
    return _moved(seed, bytes(content), f"annotations of records {sorted(set(records))}", records)


def onsets(random: Random, seed: Seed) -> Mutated | None:
    """Starts of data records that contradict each other."""
    if not (places := _annotations(seed)):
        return None
    content, count = bytearray(seed.files[seed.data]), len(places)
    texts = [bytes(content[a:b]) for a, b in places]
    i, j = sorted(random.choice(count, 2, replace=False).tolist())
    write = lambda text: text.ljust(places[0][1] - places[0][0], b"\0")
    numbers = [b"+%d" % 10**12, b"-5", b"+1e3", b"+", b"+0", b"+86400", b"+12345678901234567890", b"+nan"]
    kinds: dict[str, dict[int, bytes]] = {
        "swapped": {i: texts[j], j: texts[i]},
        "repeated": {j: texts[i]},
        "blank": {i: write(b"")},
        "another number": {i: write(choice(random, numbers) + b"\x14\x14")},
        "all the same": dict.fromkeys(range(count), texts[i]),
        "all blank": dict.fromkeys(range(count), write(b"")),
        "letters": {i: write(b"Jane Doe\x14\x14")},
        "last far away": {count - 1: write(b"+%d" % 10 ** int(random.integers(4, 14)) + b"\x14\x14")},
        "first negative": {0: write(b"-%d\x14\x14" % random.integers(1, 100))},
    }
    kind = choice(random, sorted(kinds))
    for record, text in kinds[kind].items():
        content[slice(*places[record])] = text
    return _moved(seed, bytes(content), f"onsets of records {i} and {j}: {kind}", list(kinds[kind]))


def elsewhere(seed: Seed, content: bytes) -> Spans:
    """Where the records of a damaged EDF+ file say that they are now, if it is not where they were."""
    if not (places := _annotations(seed)) or len(content) != len(seed.files[seed.data]):
        return ()
    onsets_of = [(_onset(content[a:b]), _onset(seed.files[seed.data][a:b])) for a, b in places]
    zero = _onset(seed.files[seed.data][slice(*places[0])]) or 0.0
    return tuple((now - zero, now - zero + seed.header.seconds) for now, then in onsets_of if now not in (None, then))


def _annotations(seed: Seed) -> list[tuple[int, int]]:
    """First byte and stop of the annotations in each data record; empty without any."""
    if not seed.header or not seed.header.annotations:
        return []
    header, first = seed.header, seed.header.annotations[0]
    at, size = (header.width * n for n in (sum(header.samples[:first]), header.samples[first]))
    starts = [header.size + i * header.record_bytes + at for i in range(header.records)]
    return [(start, start + size) for start in starts]


def _moved(seed: Seed, content: bytes, what: str, records: list[int]) -> Mutated:
    seconds = seed.header.seconds if seed.header else 0.0
    return changed(seed, content, what, tuple((seed.onsets[i], seed.onsets[i] + seconds) for i in set(records)))


def _onset(text: bytes) -> float | None:
    match = re.match(rb"([+-]\d+(?:\.\d*)?)[\x14\x15]", text)
    return float(match[1]) if match else None
