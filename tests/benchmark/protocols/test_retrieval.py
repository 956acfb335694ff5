"""Retrieval against written-out references, chance, ties, and intervals."""

import numpy as np
import pytest

from benchmark.protocols.retrieval import AT, recall_difference, recall_interval, retrieve
from tests import reference


def units(n, width, seed):
    x = np.random.default_rng(seed).standard_normal((n, width)).astype(np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def drawn():
    """300 questions of 90 subjects, 400 candidates of 100 subjects, many of them equal."""
    rng = np.random.default_rng(1)
    asks, answers = rng.integers(0, 90, 300), np.concatenate([np.arange(100), rng.integers(0, 100, 300)])
    questions, candidates = units(300, 4, 2), units(400, 4, 3)[rng.integers(0, 60, 400)]
    return questions, asks, candidates, answers


def test_ranks_and_map_are_those_of_the_references(drawn):
    questions, asks, candidates, answers = drawn
    result, scores = retrieve(questions, asks, candidates, answers), questions @ candidates.T
    assert result.ranks.tolist() == reference.retrieval(scores, asks, answers)
    assert result.pool == 100
    assert result.mean_average_precision == pytest.approx(reference.mean_average_precision(scores, asks, answers))
    assert result.mean_rank == pytest.approx(reference.mean_over_subjects(result.ranks.tolist(), asks))
    for k in AT:
        hits = [float(rank <= k) for rank in result.ranks]
        assert result.recall(k) == pytest.approx(reference.mean_over_subjects(hits, asks))


@pytest.mark.parametrize("seed", range(20))
def test_people_are_ranked_as_by_brute_force_with_ties(seed):
    rng = np.random.default_rng(seed)
    n, m, people = rng.integers(1, 40), rng.integers(2, 40), rng.integers(1, 12)
    questions, candidates = rng.integers(-1, 2, (n, 3)), rng.integers(-1, 2, (m, 3))  # whole numbers: many ties
    answers = np.r_[np.arange(people), rng.integers(0, people, m)][:m]
    asks = rng.choice(answers, n)
    result, scores = retrieve(questions, asks, candidates, answers), questions @ candidates.T
    assert result.ranks.tolist() == reference.retrieval(scores, asks, answers)
    assert result.mean_average_precision == pytest.approx(reference.mean_average_precision(scores, asks, answers))


def test_equal_candidates_are_found_by_index_and_earn_no_more_than_chance():
    of = np.arange(200)
    result = retrieve(np.ones((200, 3)), of, np.ones((200, 3)), of)
    assert result.ranks.tolist() == list(range(1, 201))
    assert result.recall(10) == result.chance(10) == 0.05
    assert result.mean_rank == result.median_rank == 100.5


def test_noise_finds_as_much_as_chance_and_truth_finds_everything():
    of = np.arange(2000)
    noise = retrieve(units(2000, 8, 0), of, units(2000, 8, 1), of)
    low, high = recall_interval(noise, 10)
    assert low <= noise.chance(10) <= high and noise.mean_rank == pytest.approx(1000, rel=0.05)
    vectors = units(2000, 8, 0)
    assert retrieve(vectors, of, vectors, of).recall(1) == 1


def test_a_second_session_of_a_person_is_no_wrong_answer_and_gives_no_second_vote():
    vectors = np.eye(3, dtype=np.float32)
    questions, asks = vectors[[0, 0, 1, 2]], np.array([7, 7, 8, 9])
    candidates, answers = vectors[[0, 0, 2, 1]], np.array([7, 7, 8, 9])
    result = retrieve(questions, asks, candidates, answers)
    assert result.pool == 3 and result.ranks.tolist() == [1, 1, 3, 3]
    assert result.recall(1) == pytest.approx(1 / 3), "subject 7 asks twice and counts once"


def test_questions_of_whom_nothing_is_there_are_left_out():
    vectors = np.eye(2, dtype=np.float32)
    assert retrieve(vectors, np.array([1, 2]), vectors[:1], np.array([1])).ranks.tolist() == [1]
    with pytest.raises(ValueError, match="none of the subjects that ask"):
        retrieve(vectors, np.array([1, 2]), vectors[:1], np.array([3]))


def test_differences_are_paired():
    of, rng = np.arange(400), np.random.default_rng(9)
    truth = units(400, 16, 0)
    weak, strong = (truth + rng.standard_normal(truth.shape) * noise for noise in (0.6, 0.4))
    a, b = (retrieve(each, of, truth, of) for each in (strong, weak))
    by, low, high = recall_difference(a, b, 10)
    assert by == pytest.approx(a.recall(10) - b.recall(10)) and 0 < low < by < high
    assert recall_difference(a, a, 10) == (0, 0, 0)


def test_blocks_change_nothing(drawn, monkeypatch):
    whole = retrieve(*drawn).ranks
    monkeypatch.setattr("benchmark.protocols.retrieval.BLOCK", 7)
    assert retrieve(*drawn).ranks.tolist() == whole.tolist()
