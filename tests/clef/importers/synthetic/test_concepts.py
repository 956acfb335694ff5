"""Diseases and drugs of the synthetic cohort: their codes, their order, and what raises their probability."""

import re

import numpy as np
import pytest

from clef.importers.synthetic.concepts import CONCEPTS, DISEASES, DRUGS, Concept

MAN = {"age": 58.0, "sex": "M", "site": "A", "setting": "routine"}


def one(**changes):
    """A table of one person, a man of 58 at site A in routine who has nothing, with changes."""
    nothing = {concept.name: False for concept in CONCEPTS}
    return {name: np.array([value]) for name, value in (MAN | nothing | changes).items()}


def test_codes_are_of_their_system_and_occur_once():
    codes = [concept.code for concept in CONCEPTS]
    assert len(set(codes)) == len(codes) == len({concept.name for concept in CONCEPTS})
    assert all(re.fullmatch(r"ICD10CM//[A-Z]\d[\dA-Z](\.[\dA-Z]{1,4})?", concept.code) for concept in DISEASES)
    assert all(re.fullmatch(r"ATC//[A-Z]\d\d[A-Z]{2}\d\d", concept.code) for concept in DRUGS)


def test_causes_come_before_what_they_cause():
    drawn = set()
    for concept in CONCEPTS:
        assert set(concept.causes) <= drawn
        drawn.add(concept.name)


@pytest.mark.parametrize("concept", CONCEPTS, ids=lambda concept: concept.name)
def test_the_base_is_the_probability_of_a_man_of_58_in_routine(concept):
    assert concept.probability(one())[0] == pytest.approx(concept.base)


def test_log_odds_add_up():
    concept = Concept("x", "ATC//N00AA00", "X", 0.2, age=0.6, female=0.5, icu=1.0, site_b=0.3, causes={"stroke": 0.7})
    p = concept.probability(one(age=73.0, sex="F", setting="icu", site="B", stroke=True))[0]
    assert np.log(p / (1 - p)) - np.log(0.2 / 0.8) == pytest.approx(0.6 + 0.5 + 1.0 + 0.3 + 0.7)
