"""Ranked items against brute force with ties, against chance, and by hand."""

import numpy as np
import pytest

from benchmark.protocols.ranking import AT, rank_items

CASES = 20


def brute(scores, asks, answers):
    """First rank and average precision of each question, with loops; equal scores by index."""
    ranks, precisions = [], []
    for row, key in zip(scores.tolist(), asks, strict=True):
        order = sorted(range(len(row)), key=lambda j: (-row[j], j))
        places = [place for place, j in enumerate(order, 1) if answers[j] == key]
        if places:
            ranks.append(places[0])
            precisions.append(sum((i + 1) / place for i, place in enumerate(places)) / len(places))
    return ranks, precisions


@pytest.mark.parametrize("seed", range(CASES))
def test_measures_equal_brute_force_with_ties(seed):
    rng = np.random.default_rng(seed)
    n, m, keys = rng.integers(1, 40), rng.integers(2, 40), rng.integers(1, 12)
    questions, candidates = rng.integers(-1, 2, (n, 3)), rng.integers(-1, 2, (m, 3))  # whole numbers: many ties
    asks, answers = rng.integers(0, keys, n), rng.integers(0, keys, m)
    asks[0] = answers[0]
    result, scores = rank_items(questions, asks, candidates, answers), questions @ candidates.T
    ranks, precisions = brute(scores, asks, answers)
    assert result.ranks.tolist() == ranks and result.pool == m and result.unanswerable == n - len(ranks)
    assert result.precision == pytest.approx(precisions)
    assert result.mean_average_precision == pytest.approx(np.mean(precisions))
    assert (result.mean_rank, result.median_rank) == pytest.approx((np.mean(ranks), np.median(ranks)))
    for k in AT:
        assert result.recall(k) == pytest.approx(np.mean([rank <= k for rank in ranks]))
    asked = [key for key in asks if key in answers]
    assert list(result.precision_by_key) == sorted(set(asked))
    for key, value in result.precision_by_key.items():
        own = [p for p, other in zip(precisions, asked, strict=True) if other == key]
        assert value == pytest.approx(np.mean(own))


def test_by_instance_and_by_class_by_hand():
    names, classes = np.array(["a", "b", "c", "d"]), np.array(["dog", "dog", "cat", "cat"])
    questions = np.array([[0.5, 0.9, 0.1, 0.0], [0.0, 0.2, 0.9, 0.8]])  # candidates are the axes: these are the scores
    by_name = rank_items(questions, ["a", "d"], np.eye(4), names)
    assert by_name.ranks.tolist() == [2, 2] and by_name.precision.tolist() == [0.5, 0.5]
    assert (by_name.recall(1), by_name.recall(3)) == (0, 1)
    by_class = rank_items(questions, ["dog", "cat"], np.eye(4), classes)
    assert by_class.ranks.tolist() == [1, 1] and by_class.mean_average_precision == 1
    mixed = rank_items(questions[:1], ["cat"], np.eye(4), classes)
    assert mixed.ranks.tolist() == [3] and mixed.precision_by_key == {"cat": pytest.approx((1 / 3 + 2 / 4) / 2)}


def test_an_order_drawn_at_random_has_what_chance_says():
    rng = np.random.default_rng(0)
    answers = np.repeat(np.arange(5), [1, 2, 3, 6, 8])
    asks = rng.integers(0, 5, 6000)
    result = rank_items(rng.standard_normal((6000, 20)), asks, np.eye(20), answers)
    for k in AT:
        assert result.recall(k) == pytest.approx(result.chance(k), abs=0.02)
    assert result.mean_rank == pytest.approx(result.chance_rank, rel=0.03)
    assert result.mean_average_precision == pytest.approx(result.chance_precision, abs=0.01)
    assert result.chance(100) == 1


def test_equal_vectors_are_found_by_index():
    result = rank_items(np.ones((6, 2)), range(6), np.ones((6, 2)), range(6))
    assert result.ranks.tolist() == [1, 2, 3, 4, 5, 6] and result.recall(3) == pytest.approx(result.chance(3)) == 0.5


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(1)
    case = rng.standard_normal((50, 4)), rng.integers(0, 9, 50), rng.standard_normal((30, 4)), rng.integers(0, 9, 30)
    whole = rank_items(*case)
    monkeypatch.setattr("benchmark.protocols.ranking.BLOCK", 7)
    assert rank_items(*case).precision.tolist() == whole.precision.tolist()


def test_what_does_not_fit_is_said():
    eye = np.eye(3)
    with pytest.raises(ValueError, match="3 questions and 2 keys"):
        rank_items(eye, [1, 2], eye, [1, 2, 3])
    with pytest.raises(ValueError, match="no candidate has the key"):
        rank_items(eye, [1, 2, 3], eye, [4, 5, 6])
    with pytest.raises(ValueError, match="candidates hold values that are not finite"):
        rank_items(eye, [1, 2, 3], eye * np.nan, [1, 2, 3])
