"""The split of every person of an import: the official one, the one the cohort has, else a seeded hash of the name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tokenizer.sessions import SPLITS, split_of


@dataclass(frozen=True)
class Person:
    """A person in the cohort.

    number: `subject_id` · name: a hash of the name without any key, from which the split is drawn
    """

    number: int
    name: int


def find_splits(
    recordings: Iterable[tuple[Person, str | None, str]],
    settled: Mapping[int, str],
    seed: int,
    ties: Mapping[Person, frozenset[Person]],
) -> dict[int, str]:
    """`subject_id` -> split, for the people of `recordings` (person, official split, how messages name the file).

    `settled` is what the cohort has already; `ties` are people who share a recording: they get one split. Raises
    ValueError (one line) if the archive or the cohort puts a person, or people with ties, into two splits.
    """
    splits: dict[int, str | None] = dict(settled)
    shown: dict[Person, str] = {}
    for person, split, file in recordings:
        _check(split, splits.get(person.number), person.number in settled, file)
        splits[person.number] = splits.get(person.number) or split
        shown.setdefault(person, file)
    return dict(settled) | {person.number: _split(person, splits, ties, seed, shown) for person in shown}


def _check(split: str | None, known: str | None, settled: bool, file: str) -> None:
    """Raise ValueError if a split is none, or not the one the person has."""
    if split is not None and split not in SPLITS:
        raise ValueError(f"{file}: its split is something else than {', '.join(SPLITS)}; correct the labels")
    if known and split and known != split:
        advice = "give all recordings of a subject the same split"
        if settled:
            advice = f"the cohort has it in {known} from another site: import sites with official splits first"
        raise ValueError(
            f"the recordings of a subject ({file} among them) stand in two splits, {known} and {split}; {advice}"
        )


def _split(
    person: Person,
    splits: Mapping[int, str | None],
    ties: Mapping[Person, frozenset[Person]],
    seed: int,
    shown: Mapping[Person, str],
) -> str:
    """The split that a person and everybody tied to it has; of whom none has one, that of the first by its hash."""
    together = ties.get(person, frozenset([person]))
    known = {split for other in together if (split := splits.get(other.number))}
    if len(known) > 1:
        files = ", ".join(sorted(shown[other] for other in together if other in shown)[:3])
        raise ValueError(
            f"people who share a recording, byte for byte, stand in {' and in '.join(sorted(known))} ({files}): the "
            f"same EEG would be learned and scored; leave one of them out, or give both the same split"
        )
    return known.pop() if known else split_of(min(other.name for other in together), seed)
