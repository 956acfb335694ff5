"""Agreement of neighbours: near chance for what is unrelated, far from it for what sorts the space, in words."""

import numpy as np
import pytest

from clef.pages.agreement import agreement, in_words
from clef.pages.colourings import Colouring
from clef.pages.nearest import neighbours

N = 400
SITE = np.arange(N) % 2
SUBJECTS = np.arange(N) // 2 * 2 + SITE  # nobody is at two sites
VECTORS = (3 * np.eye(2, 6)[SITE] + np.random.default_rng(0).standard_normal((N, 6))).astype(np.float32)
ASKED = np.arange(N)
NEAREST = neighbours(VECTORS, SUBJECTS, ASKED, 10)


def of(colouring):
    return agreement(colouring, SUBJECTS, ASKED, NEAREST)


def test_a_site_that_sorts_the_space_is_said_to():
    site = Colouring("site", "session", "category", ["A", "B"], SITE, nuisance=True)
    measured = of(site)
    assert measured.observed > 0.9 and abs(measured.chance - 0.5) < 0.03 and measured.beyond
    words = in_words(site, measured)
    assert (
        f"{measured.observed:.2f}, by chance 0.50" in words
        and "strongly" in words
        and "metadata and acquisition" in words
    )


def test_what_is_unrelated_is_no_more_than_chance():
    random = np.random.default_rng(1)
    coin = Colouring("coin", "session", "category", ["A", "B"], random.integers(0, 2, N))
    measured = of(coin)
    assert abs(measured.observed - measured.chance) < 0.05 and abs(measured.order) < 0.1
    number = Colouring("age", "session", "number", numbers=random.uniform(20, 80, N), unit="years")
    assert abs(of(number).order) < 0.1 and "years on average, by chance" in in_words(number, of(number))


@pytest.mark.parametrize("kind", ("concept", "number"))
def test_concepts_and_numbers_that_follow_the_space(kind):
    if kind == "concept":
        colouring = Colouring("x", "findings", kind, ["yes", "no"], 1 - SITE)
    else:
        colouring = Colouring("x", "session", kind, numbers=50.0 * SITE + np.random.default_rng(2).uniform(0, 5, N))
    measured = of(colouring)
    assert measured.beyond and measured.order > 0.7 and "strongly" in in_words(colouring, measured)


def test_people_with_many_sessions_do_not_make_islands_significant():
    """Twenty people of twenty sessions each, a value per person by the toss of a coin: shuffles spread as widely."""
    random = np.random.default_rng(0)
    subjects, coin = np.arange(N) % 20, random.permutation(20) % 2
    vectors = (4 * np.eye(20)[subjects] + random.standard_normal((N, 20))).astype(np.float32)
    near = neighbours(vectors, subjects, ASKED, 10)
    coloured = Colouring("x", "labels", "category", ["a", "b"], coin[subjects])
    people, sessions = (agreement(coloured, owners, ASKED, near) for owners in (subjects, np.arange(N)))
    assert people.limit - people.chance > 1.2 * (sessions.limit - sessions.chance)  # 1.35 to 2.6 with 30 other seeds


def test_too_few_pairs_say_nothing():
    codes = np.full(N, -1)
    codes[:3] = 0
    rare = Colouring("x", "labels", "category", ["a", "b"], codes)
    assert of(rare) is None and "too few" in in_words(rare, None)
