"""Narratives held against the signal: which of their facts the sentences of `clef.describe` on the same stretch deny.

Only what the signal says otherwise is marked. What it does not speak of, such as stages of sleep, is neither confirmed
nor denied.
"""

from dataclasses import dataclass

from clef.narratives.facts import Fact, contradictions, read_facts
from clef.reports.rules import split_sentences


@dataclass(frozen=True)
class Checked:
    """A narrative beside what the signal says.

    sentences: each with whether a fact of it is contradicted · signal: None where nothing was measured
    contradicted: the facts, in words
    """

    sentences: list[tuple[str, bool]]
    signal: str | None = None
    contradicted: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The narrative."""
        return " ".join(sentence for sentence, _ in self.sentences)


def check(text: str, signal: str | None) -> Checked:
    """A narrative held against the sentences on the same stretch, if there are any."""
    sentences = split_sentences(text)
    said, known = read_facts(text), read_facts(signal or "")
    wrong = contradictions(known, said)
    marked = [(sentence, bool(wrong & _carried(sentences, i))) for i, sentence in enumerate(sentences)]
    return Checked(marked, signal, tuple(sorted(_words(fact, known) for fact in wrong)))


def _carried(sentences: list[str], number: int) -> frozenset[Fact]:
    """The facts that a text would not have without one of its sentences."""
    rest = read_facts(" ".join(sentence for i, sentence in enumerate(sentences) if i != number))
    return read_facts(" ".join(sentences)) - rest


def _words(fact: Fact, known: frozenset[Fact]) -> str:
    others = sorted(other.value for other in known if (other.point, other.what) == (fact.point, fact.what))
    what = fact.point if fact.point == "dominant band" else f"{fact.point}, {fact.what.replace('_', ' ')}"
    return f"{what}: {fact.value}; the signal says {' and '.join(others)}"
