"""How far a colouring is sorted in an embedding space: what neighbours share, beside what shuffled values share.

Neighbours are counted in the space itself, not in its picture, and never between sessions of one person. Values are
shuffled between people, not between sessions, so that somebody with ten sessions counts as one person by chance too.

Shapes: n sessions · Q of them asked · K neighbours of each.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from clef.pages.colourings import Colouring

SHUFFLES = 100
FEW_PAIRS = 50
"""Pairs of neighbours below which nothing is said."""
STEPS = ((0.05, "hardly"), (0.2, "a little"), (0.5, "clearly"), (2.0, "strongly"))
"""Of the way from chance to perfect order, and what it is called."""
NUISANCE = "Compare the benchmark's rows metadata and acquisition before you read anything else into this picture."


@dataclasses.dataclass
class Agreement:
    """observed: what neighbours share · chance, limit: mean and 95 % of shuffles · order: 0 at chance, 1 perfect."""

    observed: float
    chance: float
    limit: float
    order: float
    pairs: int
    beyond: bool


def agreement(
    colouring: Colouring,
    subjects: NDArray[np.int64],
    asked: NDArray[np.int64],
    nearest: NDArray[np.int64],
    seed: int = 0,
) -> Agreement | None:
    """Measure a colouring on neighbours (Q, K) of `asked` (Q,); None of too few pairs of which it is known."""
    values = colouring.numbers if colouring.kind == "number" else colouring.codes
    known, rows = colouring.known, np.repeat(asked, nearest.shape[1])
    pairs = np.stack([rows, nearest.ravel()])
    pairs = pairs[:, known[pairs].all(0)]
    asking = values[pairs[0]] == 0 if colouring.kind == "concept" else pairs[0] >= 0
    if asking.sum() < FEW_PAIRS:
        return None
    observed = _shared(values, pairs, colouring.kind)
    random, people = np.random.default_rng(seed), _People(subjects, known)
    shuffled = np.array([_shared(people.shuffle(values, random), pairs, colouring.kind) for _ in range(SHUFFLES)])
    chance = float(np.nanmean(shuffled))
    if colouring.kind == "number":  # a distance: smaller is nearer
        limit = float(np.nanquantile(shuffled, 0.05))
        return Agreement(observed, chance, limit, 1 - observed / max(chance, 1e-12), pairs.shape[1], observed < limit)
    limit = float(np.nanquantile(shuffled, 0.95))
    order = (observed - chance) / max(1 - chance, 1e-12)
    return Agreement(observed, chance, limit, order, pairs.shape[1], observed > limit)


def _shared(values: NDArray, pairs: NDArray[np.int64], kind: str) -> float:
    one, other = values[pairs]
    if kind == "number":
        return float(np.abs(one - other).mean())
    if kind == "concept":
        return float((other[one == 0] == 0).mean()) if (one == 0).any() else np.nan
    return float((one == other).mean())


class _People:
    """Shuffles values between people: all known sessions of one take the first known value of another."""

    def __init__(self, subjects: NDArray[np.int64], known: NDArray[np.bool_]) -> None:
        self.rows = np.flatnonzero(known)
        _, self.first, self.person = np.unique(subjects[known], return_index=True, return_inverse=True)

    def shuffle(self, values: NDArray, random: np.random.Generator) -> NDArray:
        shuffled = values.copy()
        shuffled[self.rows] = values[self.rows[random.permutation(self.first)]][self.person]
        return shuffled


def in_words(colouring: Colouring, measured: Agreement | None) -> str:
    """What a person should know before reading a colouring."""
    if measured is None:
        return "Known of too few sessions to say whether neighbours share it."
    observed, chance, limit = measured.observed, measured.chance, measured.limit
    if colouring.kind == "number":
        unit = f" {colouring.unit}" if colouring.unit else ""
        text = (
            f"Neighbours differ by {observed:.3g}{unit} on average, by chance {chance:.3g} "
            f"(shuffled: down to {limit:.3g})."
        )
    elif colouring.kind == "concept":
        text = (
            f"Of the neighbours of a session with it, {observed:.2f} have it too, by chance {chance:.2f} "
            f"(shuffled: up to {limit:.2f})."
        )
    else:
        text = f"Neighbours agree {observed:.2f}, by chance {chance:.2f} (shuffled: up to {limit:.2f})."
    if not measured.beyond:
        return f"{text} No more than chance: islands of one colour mean nothing here."
    how = next(word for step, word in STEPS if measured.order < step)
    warning = f" {NUISANCE}" if colouring.nuisance and measured.order >= STEPS[0][0] else ""
    return f"{text} The space is sorted by this {how}.{warning}"
