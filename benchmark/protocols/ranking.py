"""Ranked items: does a question find its own caption, map or segment, or one of its class, among single candidates?

`benchmark.protocols.retrieval` counts people; here every candidate stands for itself, as in retrieval of captions or of
ten-second segments. What is right is said by keys: a candidate is relevant if its key is the question's. With an item's
own name as key that is retrieval by instance, with its class as key the class-aware one, where any of the class will
do. Equal scores are broken by index.

Average precision (Manning, Raghavan & Schütze, "Introduction to information retrieval", 2008, chapter 8.4): the mean,
over the relevant candidates, of the share of relevant ones down to each. By chance, of r relevant ones among m,
(H + (r - 1) / (m - 1) · (m - H)) / m with H = 1 + 1/2 + … + 1/m, and one of them is among the first k with probability
1 - C(m - r, k) / C(m, k).

Shapes: n questions · m candidates · P numbers per vector · K different keys that ask.
"""

import dataclasses
from collections.abc import Hashable, Sequence
from functools import cached_property

import numpy as np

AT = (1, 3, 5)
"""The k of R@k that the retrieval of captions reports."""
BLOCK = 256
"""Questions compared with all candidates at once."""


@dataclasses.dataclass(frozen=True, eq=False)
class Ranking:
    """How far down the first relevant candidate stands, and what follows from it.

    ranks: (n,) from 1 on · precision: (n,) average precision · relevant: (n,) candidates that would do ·
    key: (n,) of the question · pool: m · unanswerable: questions left out, since no candidate has their key
    """

    ranks: np.ndarray
    precision: np.ndarray
    relevant: np.ndarray
    key: np.ndarray
    pool: int
    unanswerable: int = 0

    def recall(self, k: int) -> float:
        """R@k: the share of questions with a relevant candidate among the first k."""
        return float((self.ranks <= k).mean())

    def chance(self, k: int) -> float:
        """R@k of an order drawn at random."""
        drawn = np.arange(min(k, self.pool))
        is_wrong = np.maximum(self.pool - self.relevant[:, None] - drawn, 0) / (self.pool - drawn)
        return float((1 - is_wrong.prod(1)).mean())

    @property
    def mean_rank(self) -> float:
        """Of the first relevant candidate."""
        return float(self.ranks.mean())

    @property
    def median_rank(self) -> float:
        """Of the first relevant candidate."""
        return float(np.median(self.ranks))

    @property
    def chance_rank(self) -> float:
        """Mean rank of an order drawn at random: (m + 1) / (r + 1)."""
        return float(((self.pool + 1) / (self.relevant + 1)).mean())

    @property
    def mean_average_precision(self) -> float:
        """MAP: every question counts the same."""
        return float(self.precision.mean())

    @property
    def chance_precision(self) -> float:
        """MAP of an order drawn at random."""
        harmonic = (1 / np.arange(1, self.pool + 1)).sum()
        others = (self.relevant - 1) / max(self.pool - 1, 1)
        return float(((harmonic + others * (self.pool - harmonic)) / self.pool).mean())

    @cached_property
    def precision_by_key(self) -> dict[Hashable, float]:
        """MAP of the questions of each key (of a class: per class), in the order of the keys."""
        keys, row = np.unique(self.key, return_inverse=True)
        return dict(zip(keys.tolist(), np.bincount(row, self.precision) / np.bincount(row), strict=True))


def rank_items(
    questions: np.ndarray, asks: Sequence[Hashable], candidates: np.ndarray, answers: Sequence[Hashable]
) -> Ranking:
    """Rank the candidates (m, P) for each question (n, P) by inner product; asks (n,) and answers (m,) are their keys.

    Raises ValueError if keys and vectors do not fit, a vector is not finite, or no question has a candidate of its key.
    """
    key, of = check_pairs(questions, asks, candidates, answers)
    is_answerable = np.isin(key, of)
    if not is_answerable.any():
        raise ValueError(
            "retrieval: no candidate has the key of any question; give questions and candidates the same keys"
        )
    questions, key = questions[is_answerable], key[is_answerable]
    blocks = (slice(i, i + BLOCK) for i in range(0, len(questions), BLOCK))
    parts = [_first_and_precision(questions[part] @ candidates.T, key[part], of) for part in blocks]
    ranks, precision, relevant = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Ranking(ranks, precision, relevant, key, len(of), int((~is_answerable).sum()))


def check_pairs(
    questions: np.ndarray, asks: Sequence[Hashable], candidates: np.ndarray, answers: Sequence[Hashable]
) -> tuple[np.ndarray, np.ndarray]:
    """The keys as arrays (n,), (m,); ValueError where they do not fit the vectors or these are not finite."""
    key, of = np.asarray(asks), np.asarray(answers)
    for name, vectors, keys in (("questions", questions, key), ("candidates", candidates, of)):
        if len(vectors) != len(keys) or not len(keys):
            raise ValueError(f"retrieval: {len(vectors)} {name} and {len(keys)} keys; give one key for each vector")
        if not np.isfinite(vectors).all():
            raise ValueError(f"retrieval: {name} hold values that are not finite; leave these vectors out")
    return key, of


def _first_and_precision(scores: np.ndarray, key: np.ndarray, of: np.ndarray) -> tuple[np.ndarray, ...]:
    """Rank of the first relevant candidate, average precision and number of relevant ones, (n,) each."""
    order = np.argsort(-scores, axis=1, kind="stable")  # stable: the earlier of equals first
    is_relevant = of[order] == key[:, None]
    place = np.arange(1, len(of) + 1)
    relevant = is_relevant.sum(1)
    precision = (is_relevant.cumsum(1) / place * is_relevant).sum(1) / relevant
    return is_relevant.argmax(1) + 1, precision, relevant
