"""Fact-F1: the facts of texts against those of their references, over five points, and what contradicts.

A fact counts if the reference has the very same one. Precision is the share of a text's facts that do, recall the share
of the reference's facts that the text has, both over all pairs together, F1 = 2PR / (P + R). A fact is unsupported if
the reference is silent on it, contradicted only if the reference says otherwise: "no seizures" is no contradiction of
a reference that does not mention seizures, nor does it earn anything there.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from benchmark.texts.overlap import Overlap, overlap
from clef.narratives.facts import POINTS, Fact, contradictions, read_facts


@dataclasses.dataclass(frozen=True)
class FactScore:
    """Facts of pairs of texts, counted.

    common: in both · said: in the texts · expected: in the references · contradicted: those that references deny
    """

    common: int
    said: int
    expected: int
    contradicted: int

    @property
    def overlap(self) -> Overlap:
        """Precision, recall and F1; a share of nothing is 0."""
        return overlap(self.common / max(self.said, 1), self.common / max(self.expected, 1))


def fact_scores(references: Sequence[str], texts: Sequence[str]) -> dict[str, FactScore]:
    """`all` and every point -> its score over all pairs. ValueError if there are not as many of either."""
    if len(references) != len(texts):
        raise ValueError(f"facts: {len(references)} references and {len(texts)} texts; give one for each")
    pairs = [(read_facts(r), read_facts(t)) for r, t in zip(references, texts, strict=True)]
    return {"all": _count(pairs)} | {point: _count(_of_point(pairs, point)) for point in POINTS}


def as_plain(scores: dict[str, FactScore]) -> dict[str, Any]:
    """Every score as plain values."""
    return {name: dataclasses.asdict(score) | score.overlap._asdict() for name, score in scores.items()}


def _of_point(pairs: list[tuple[frozenset[Fact], frozenset[Fact]]], point: str) -> list[tuple[set[Fact], set[Fact]]]:
    return [tuple({fact for fact in facts if fact.point == point} for facts in pair) for pair in pairs]


def _count(pairs: Iterable[tuple[Iterable[Fact], Iterable[Fact]]]) -> FactScore:
    sets = [(set(r), set(t)) for r, t in pairs]
    return FactScore(
        sum(len(r & t) for r, t in sets),
        sum(len(t) for _, t in sets),
        sum(len(r) for r, _ in sets),
        sum(len(contradictions(r, t)) for r, t in sets),
    )
