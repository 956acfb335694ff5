"""Matched against mismatched: how far the scores of right pairs lie above those of wrong ones.

Every pair of a question and a candidate is taken, none is drawn: matched if their keys are equal, else mismatched.
AUROC is the chance that a matched score exceeds a mismatched one (equal ones half); the overlap is the area that the
two histograms share, from 0 (apart) to 1 (the same).
"""

import dataclasses
from collections.abc import Hashable, Sequence

import numpy as np

from benchmark.protocols.ranking import check_pairs

BINS = 50
"""Of the histograms, over the range of all scores."""


@dataclasses.dataclass(frozen=True)
class Matching:
    """Mean and standard deviation of the scores of either kind, how many there are, and how far they lie apart."""

    matched: tuple[float, float]
    mismatched: tuple[float, float]
    matched_pairs: int
    mismatched_pairs: int
    auroc: float
    overlap: float


def match_scores(
    questions: np.ndarray, asks: Sequence[Hashable], candidates: np.ndarray, answers: Sequence[Hashable]
) -> Matching:
    """Scores (n, m) of all pairs by inner product, in two kinds; asks (n,), answers (m,): keys. In memory: n x m.

    Raises ValueError as `rank_items` does, and if there are pairs of one kind only.
    """
    key, of = check_pairs(questions, asks, candidates, answers)
    scores, is_match = (questions @ candidates.T).astype(np.float64), key[:, None] == of
    matched, mismatched = scores[is_match], np.sort(scores[~is_match])
    if not len(matched) or not len(mismatched):
        raise ValueError(
            f"retrieval: {len(matched)} matched and {len(mismatched)} mismatched pairs; give candidates of both kinds"
        )
    below, up_to = (np.searchsorted(mismatched, matched, side) for side in ("left", "right"))
    return Matching(
        (float(matched.mean()), float(matched.std())),
        (float(mismatched.mean()), float(mismatched.std())),
        len(matched),
        len(mismatched),
        float((below + up_to).mean() / 2 / len(mismatched)),
        _overlap(matched, mismatched),
    )


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Area shared by the histograms of a (n,) and b (m,)."""
    ends = min(a.min(), b.min()), max(a.max(), b.max())
    shares = [np.histogram(values, BINS, ends)[0] / len(values) for values in (a, b)]
    return float(np.minimum(*shares).sum())
