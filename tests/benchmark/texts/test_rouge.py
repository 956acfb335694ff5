"""ROUGE-L by hand, against brute force, and against the reference package where it is installed."""

from itertools import combinations

import pytest

from benchmark.texts.rouge import common_length, rouge_l, words
from tests.benchmark.texts.pairs import PAIRS


def test_by_hand():
    score = rouge_l("police killed the gunman", "police kill the gunman")  # Lin 2004, section 3.1: 3 of 4 words
    assert score == (0.75, 0.75, 0.75)
    assert rouge_l("police killed the gunman", "the gunman police kill") == (0.5, 0.5, 0.5)
    short = rouge_l("a b c d", "b d")
    assert (short.precision, short.recall, short.f1) == (1, 0.5, pytest.approx(2 / 3))
    assert rouge_l("", "a") == rouge_l("a", "...") == (0, 0, 0)


def test_words_are_letters_and_digits():
    assert words("8–12 Hz, T3/T5: µV²") == ["8", "12", "hz", "t3", "t5", "v"]


@pytest.mark.parametrize(("reference", "text"), PAIRS)
def test_the_common_subsequence_is_the_longest(reference, text):
    a, b = words(reference), words(text)

    def is_part(some):
        rest = iter(b)
        return all(word in rest for word in some)

    longest = max(n for n in range(len(a) + 1) for some in combinations(a, n) if is_part(some))
    assert common_length(a, b) == common_length(b, a) == longest


@pytest.mark.parametrize(("reference", "text"), PAIRS)
def test_equal_to_the_reference_package(reference, text):
    package = pytest.importorskip("rouge_score.rouge_scorer")
    scored = package.RougeScorer(["rougeL"], use_stemmer=False).score(reference, text)["rougeL"]
    assert rouge_l(reference, text) == pytest.approx((scored.precision, scored.recall, scored.fmeasure))
