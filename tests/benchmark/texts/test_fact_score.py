"""Fact-F1 by hand: silence against denial, contradictions, points, and nothing at all."""

import pytest

from benchmark.texts.fact_score import as_plain, fact_scores
from clef.narratives.facts import contradictions, read_facts


def test_by_hand():
    reference = "Alpha is dominant and rising. Theta is low. Highest over the occipital region."
    text = "Alpha is dominant and falling. Theta is low."
    scores = fact_scores([reference], [text])
    assert (scores["all"].common, scores["all"].said, scores["all"].expected) == (2, 3, 4)
    assert scores["all"].overlap == pytest.approx((2 / 3, 1 / 2, 4 / 7))
    assert scores["dominant band"].overlap.f1 == scores["other bands"].overlap.f1 == 1
    assert scores["trend"].overlap.f1 == scores["place"].overlap.f1 == 0
    assert (scores["trend"].contradicted, scores["all"].contradicted) == (1, 1)


def test_a_text_that_says_the_same_is_perfect_and_of_nothing_nothing_is_scored():
    text = "No seizures. Delta dominates over the left temporal region, beta is reduced."
    assert fact_scores([text], [text])["all"].overlap == (1, 1, 1)
    assert fact_scores([""], ["The weather is fine."])["all"].overlap == (0, 0, 0)


def test_silence_is_no_denial():
    silent, denied, seen = "Alpha is dominant.", "Alpha is dominant. No seizures.", "Alpha is dominant. A seizure."
    assert fact_scores([silent], [denied])["event"].contradicted == 0
    assert fact_scores([silent], [denied])["event"].overlap == (0, 0, 0)
    assert fact_scores([seen], [silent])["event"].contradicted == 0
    assert fact_scores([seen], [denied])["event"].contradicted == 1


@pytest.mark.parametrize(
    ("reference", "text", "count"),
    [
        ("Theta is dominant.", "Alpha is dominant.", 1),
        ("Theta is not dominant.", "Alpha is dominant.", 0),
        ("Alpha is not dominant.", "Alpha is dominant.", 1),
        ("Theta does not increase.", "Theta decreases.", 0),
        ("Theta does not increase.", "Theta increases.", 1),
        ("Possible seizure.", "No seizures.", 0),
        ("Frontal slowing.", "Occipital slowing.", 0),
    ],
)
def test_contradictions(reference, text, count):
    assert len(contradictions(read_facts(reference), read_facts(text))) == count


def test_all_pairs_count_together():
    plain = as_plain(fact_scores(["Alpha is dominant.", "Theta is low."], ["Alpha is dominant.", "Beta is low."]))
    assert (plain["all"]["common"], plain["all"]["precision"], plain["all"]["f1"]) == (1, 0.5, 0.5)
    with pytest.raises(ValueError, match="2 references and 1 texts"):
        fact_scores(["a", "b"], ["a"])
