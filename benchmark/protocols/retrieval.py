"""Retrieval: does a session find its own person's report or record among those of others, and the other way round?

All sessions of a subject count as one, on both sides: a pool is of subjects, each ranked by the best of its items, and
every subject that asks weighs the same however many sessions it asks with. So R@k by chance is k / pool, and the
average precision of a question is 1 / rank, as one subject alone is right. Equal scores are broken by index, so that
identical reports ("normal EEG") are found as often as chance has it, and no more.

Shapes: n questions · m candidates · S subjects that ask · R resamples.
"""

import dataclasses
from collections.abc import Callable
from functools import cached_property

import numpy as np

AT = (1, 5, 10)
"""The k of R@k."""
RESAMPLES = 1000
BLOCK = 256
"""Questions compared with all candidates at once: 256 x 260,000 scores are 270 MB."""


@dataclasses.dataclass(frozen=True, eq=False)
class Retrieval:
    """Ranks of the right subject, and what follows from them.

    ranks: (n,) from 1 on · subject: (n,) who asked · pool: candidate subjects
    """

    ranks: np.ndarray
    subject: np.ndarray
    pool: int

    def recall(self, k: int) -> float:
        """R@k: the share of subjects whose own is among the first k."""
        return float(self.of_subjects(lambda ranks: ranks <= k).mean())

    @property
    def mean_average_precision(self) -> float:
        """MAP: the mean of 1 / rank."""
        return float(self.of_subjects(lambda ranks: 1 / ranks).mean())

    @property
    def mean_rank(self) -> float:
        """By chance (pool + 1) / 2."""
        return float(self.of_subjects(lambda ranks: ranks).mean())

    @property
    def median_rank(self) -> float:
        """Of the subjects' mean ranks."""
        return float(np.median(self.of_subjects(lambda ranks: ranks)))

    def chance(self, k: int) -> float:
        """R@k of an order drawn at random."""
        return min(1.0, k / self.pool)

    @cached_property
    def subjects(self) -> np.ndarray:
        """Who asked (S,), in the order of `of_subjects`."""
        return np.unique(self.subject)

    def of_subjects(self, measure: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """The mean (S,) of a measure of ranks over each subject's questions."""
        _, row = np.unique(self.subject, return_inverse=True)
        return np.bincount(row, measure(self.ranks).astype(np.float64)) / np.bincount(row)


def retrieve(questions: np.ndarray, asked_by: np.ndarray, candidates: np.ndarray, belong_to: np.ndarray) -> Retrieval:
    """How far down each question (n, P) finds its own subject among the candidates (m, P), by inner product.

    asked_by (n,), belong_to (m,): subjects. Questions whose subject has no candidate are left out.
    Raises ValueError if none is left.
    """
    is_answerable = np.isin(asked_by, belong_to)
    if not is_answerable.any():
        raise ValueError("retrieval: none of the subjects that ask is among the candidates")
    questions, asked_by = questions[is_answerable], asked_by[is_answerable]
    subjects, place = np.unique(belong_to, return_inverse=True)
    own = np.searchsorted(subjects, asked_by)
    blocks = (slice(i, i + BLOCK) for i in range(0, len(questions), BLOCK))
    ranks = [_ranks(questions[part] @ candidates.T, place, own[part]) for part in blocks]
    return Retrieval(np.concatenate(ranks), asked_by, len(subjects))


def _ranks(scores: np.ndarray, place: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Rank (n,) of the subject `own` (n,) for scores (n, m) of the items of the subjects `place` (m,)."""
    order = np.argsort(place, kind="stable")  # items of a subject side by side, in the order of their index
    first = np.flatnonzero(np.diff(place[order], prepend=-1))
    sorted_scores = scores[:, order]
    best = np.maximum.reduceat(sorted_scores, first, axis=1)  # (n, subjects)
    is_best = sorted_scores == np.repeat(best, np.diff(first, append=len(order)), axis=1)
    index = np.minimum.reduceat(np.where(is_best, order, len(order)), first, axis=1)  # the item that a subject rests on
    rows = np.arange(len(own))
    score, at = best[rows, own][:, None], index[rows, own][:, None]
    return 1 + ((best > score) | ((best == score) & (index < at))).sum(1)


def recall_interval(retrieval: Retrieval, k: int) -> tuple[float, float]:
    """95 % interval of R@k for other people asking of the same pool (bootstrap over subjects)."""
    return _interval(_resampled(retrieval.of_subjects(lambda ranks: ranks <= k)))


def recall_difference(a: Retrieval, b: Retrieval, k: int) -> tuple[float, float, float]:
    """R@k of `a` minus that of `b`, with the 95 % interval, over the subjects that asked both, paired."""
    common = np.intersect1d(a.subjects, b.subjects)
    hits = [each.of_subjects(lambda ranks: ranks <= k)[np.searchsorted(each.subjects, common)] for each in (a, b)]
    by = hits[0] - hits[1]
    return float(by.mean()), *_interval(_resampled(by))


def _resampled(values: np.ndarray) -> np.ndarray:
    """Means (R,) of values (S,) drawn with replacement; of as many subjects always the same draws, hence paired."""
    counts = np.random.default_rng(len(values)).multinomial(
        len(values), np.full(len(values), 1 / len(values)), RESAMPLES
    )
    return counts @ values / len(values)


def _interval(replicates: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(replicates, [2.5, 97.5])
    return float(low), float(high)
