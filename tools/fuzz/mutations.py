"""Every way in which the fuzzer damages a recording file, by name."""

from dataclasses import replace

from tools.fuzz.damage import Damage, Mutated, Mutation, Random, choice
from tools.fuzz.damage_headers import (
    beside,
    collision,
    header_bits,
    header_field,
    limits,
    number_field,
    truncated_header,
)
from tools.fuzz.damage_records import annotation_bits, elsewhere, onsets
from tools.fuzz.damage_samples import appended, data_bits, one_bit, overwritten, shifted, swapped, truncated
from tools.fuzz.fuzz_seeds import Seed


def two(random: Random, seed: Seed) -> Mutated | None:
    """A header field and something else."""
    first = header_field(random, seed)
    others = (truncated, data_bits, overwritten, shifted, annotation_bits, appended)
    second = choice(random, others)(random, first.seed) if first else None
    if not first or not second:
        return None
    a, b = first.damage, second.damage
    return Mutated(second.seed, Damage(f"{a.what}; {b.what}", a.spans + b.spans, a.unseen | b.unseen))


MUTATIONS: dict[str, tuple[Mutation, float]] = {
    "header field": (header_field, 5),
    "layout number": (number_field, 4),
    "header bits": (header_bits, 4),
    "cut in the header": (truncated_header, 1),
    "cut in the data": (truncated, 2.5),
    "appended": (appended, 1.5),
    "one bit": (one_bit, 1),
    "data bits": (data_bits, 2),
    "overwritten": (overwritten, 3),
    "blocks swapped": (swapped, 1.5),
    "bytes moved": (shifted, 2.5),
    "limits": (limits, 1.5),
    "label collision": (collision, 1.5),
    "annotation bits": (annotation_bits, 2),
    "record onsets": (onsets, 3),
    "beside the samples": (beside, 6),
    "two at once": (two, 2),
}
"""Name -> the mutation, and how often it is used in comparison."""


def mutate(random: Random, seed: Seed, name: str) -> Mutated | None:
    """Damage a seed; None if the mutation does not apply to it or changes nothing."""
    mutated = MUTATIONS[name][0](random, seed)
    if mutated is None or mutated.seed.files == seed.files:
        return None
    moved = elsewhere(seed, mutated.seed.files[seed.data])
    return replace(mutated, damage=replace(mutated.damage, spans=mutated.damage.spans + moved))
