"""Matched against mismatched scores: by hand, against pairs counted one by one, and at both ends."""

import numpy as np
import pytest

from benchmark.protocols.matching import match_scores


def test_every_pair_is_counted():
    rng = np.random.default_rng(0)
    questions, candidates = rng.integers(-1, 2, (12, 3)), rng.integers(-1, 2, (9, 3))
    asks, answers = rng.integers(0, 3, 12), rng.integers(0, 3, 9)
    result, scores = match_scores(questions, asks, candidates, answers), questions @ candidates.T
    pairs = [(int(scores[i, j]), asks[i] == answers[j]) for i in range(12) for j in range(9)]
    right, wrong = [s for s, same in pairs if same], [s for s, same in pairs if not same]
    wins = np.mean([(a > b) + 0.5 * (a == b) for a in right for b in wrong])
    assert result.auroc == pytest.approx(wins)
    assert result.matched == pytest.approx((np.mean(right), np.std(right)))
    assert result.mismatched == pytest.approx((np.mean(wrong), np.std(wrong)))
    assert (result.matched_pairs, result.mismatched_pairs) == (len(right), len(wrong))
    shared = sum(min(right.count(s) / len(right), wrong.count(s) / len(wrong)) for s in set(right + wrong))
    assert result.overlap == pytest.approx(shared)


def test_apart_and_the_same():
    apart = match_scores(np.eye(5), range(5), np.eye(5), range(5))
    assert (apart.auroc, apart.overlap, apart.matched, apart.mismatched) == (1, 0, (1, 0), (0, 0))
    same = match_scores(np.ones((5, 2)), range(5), np.ones((5, 2)), range(5))
    assert (same.auroc, same.overlap) == (0.5, 1)


def test_pairs_of_one_kind_are_refused():
    with pytest.raises(ValueError, match="25 matched and 0 mismatched pairs"):
        match_scores(np.eye(5), [1] * 5, np.eye(5), [1] * 5)
