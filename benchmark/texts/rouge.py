"""ROUGE-L: the longest common subsequence of words of a text and its reference.

Lin, "ROUGE: a package for automatic evaluation of summaries" (2004), section 3.1, with equal weight of precision and
recall; words are runs of letters a-z and digits in lower case, without stemming, as in the package `rouge-score`. The
subsequence is found as Hunt & Szymanski (1977) do: the longest increasing chain of the places where words agree.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence

from benchmark.texts.overlap import Overlap, overlap

WORD = re.compile("[a-z0-9]+")


def words(text: str) -> list[str]:
    """The words of a text, in order."""
    return WORD.findall(text.lower())


def rouge_l(reference: str, text: str) -> Overlap:
    """ROUGE-L of a text; all 0 if it or its reference has no word."""
    expected, said = words(reference), words(text)
    if not expected or not said:
        return Overlap(0.0, 0.0, 0.0)
    common = common_length(expected, said)
    return overlap(common / len(said), common / len(expected))


def common_length(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    places: dict[str, list[int]] = {}
    for place in reversed(range(len(b))):
        places.setdefault(b[place], []).append(place)
    ends: list[int] = []  # ends[n]: the earliest place in b where a chain of n + 1 words can end
    for word in a:
        for place in places.get(word, ()):  # the latest first, so that a word counts once
            n = bisect_left(ends, place)
            ends[n : n + 1] = [place]
    return len(ends)
