"""Queries: which clauses are wanted and which denied, and the vector of both."""

import numpy as np
import pytest

import clef
from clef.search.queries import query_vector, read_query


@pytest.mark.parametrize(
    ("text", "wanted", "denied"),
    [
        ("GPDs", ["GPDs"], []),
        ("No epileptiform discharges", [], ["epileptiform discharges"]),
        ("no spikes or sharp waves", [], ["spikes or sharp waves"]),
        ("spikes are absent", [], ["spikes"]),
        ("absence of seizures", [], ["seizures"]),
        ("focal slowing without spikes", ["focal slowing"], ["spikes"]),
        ("no spikes but focal slowing", ["focal slowing"], ["spikes"]),
        ("burst suppression, no seizures and no spikes", ["burst suppression"], ["seizures and spikes"]),
        ("left slowing with no seizures, no spikes", ["left slowing"], ["seizures", "spikes"]),
        ("no purple elephants", ["no purple elephants"], []),
    ],
)
def test_a_clause_that_denies_is_told_from_one_that_states(text, wanted, denied):
    assert read_query(text)[1:] == (wanted, denied)


def test_plainly_takes_the_words_as_they_are():
    query = read_query("no spikes", plainly=True)
    assert query.wanted == ["no spikes"] and "may find what it denies" in query.in_words()


def test_how_a_query_was_read_is_said():
    assert read_query("spikes").in_words() == ""
    assert "may find what it denies" in read_query("no purple elephants").in_words()
    assert 'near "focal slowing" and far from "spikes"' in read_query("focal slowing, no spikes").in_words()


@pytest.mark.parametrize("text", ["", "  ", "3 ?"])
def test_a_query_without_words_is_refused(text):
    with pytest.raises(ValueError, match="expected words, as query="):
        read_query(text)


def test_a_denial_ranks_the_other_way_round(tiny_align):
    model = clef.load(tiny_align)
    spikes = query_vector(model, read_query("spikes"))
    np.testing.assert_allclose(query_vector(model, read_query("no spikes")), -spikes, atol=1e-6)
    both = query_vector(model, read_query("focal slowing without spikes"))
    difference = model.text(["focal slowing"])[0] - model.text(["spikes"])[0]
    np.testing.assert_allclose(both, difference / np.linalg.norm(difference), atol=1e-6)
