"""The facts of a text about a stretch of EEG, five points of them, read by rules.

| point | what | value |
|---|---|---|
| event | a finding or state | present, not present, possible |
| place | a region, by its lobe and again with its side | named |
| dominant band | band | its name, `not` its name, `none` |
| trend | the dominant band | up, down, same, or `not` one of these |
| other bands | a band that is not dominant | up, down, same, absent, or `not` one of these |

NeuroNarrator is judged on these five points, but its rules are not published: the rules here, and the tables in
`clef.narratives.fact_words`, are ours, and scores by them cannot be put beside its numbers. Up and down stand for both
a change against what came before and a level against the rest, which texts seldom tell apart. Clinical labels
(diagnoses) are no facts of a recording. What a text does not mention is no fact of it: silence is never a denial.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import clef.narratives.fact_words as words
from clef.reports.finding_words import LOBES, LOBES_OF_ELECTRODES, SIDES
from clef.reports.findings import findings, presences
from clef.reports.rules import normalise

POINTS = ("event", "place", "dominant band", "trend", "other bands")
NOT = "not "


class Fact(NamedTuple):
    """One thing that a text says: which point, of what, and what of it."""

    point: str
    what: str
    value: str


class Group(NamedTuple):
    """Bands of which the same is said, and where they stand in a clause."""

    bands: tuple[str, ...]
    start: int
    end: int


def read_facts(text: str) -> frozenset[Fact]:
    """All facts of a text; of one that says nothing about an EEG there are none."""
    whole = normalise(text)
    clauses = [clause for clause in words.CLAUSE.split(whole) if clause.strip()]
    facts = {*_events(whole, clauses), *_bands(clauses)}
    return frozenset(facts.union(*(_places(clause) for clause in clauses)) if clauses else facts)


# ---- events
def _events(whole: str, clauses: list[str]) -> Iterator[Fact]:
    """Findings as reports state them, and states."""
    told = presences(findings(words.RHYTHMIC.sub("~", whole)))
    for name, presence in told.items():
        if name in words.FINDINGS:
            yield Fact("event", name, "not present" if presence == "absent" else presence)
    for name, pattern in words.STATES.items():
        mentions = [(clause, match) for clause in clauses if (match := pattern.search(clause))]
        if mentions:
            denied = all(words.DENIED.search(clause[: match.start()]) for clause, match in mentions)
            yield Fact("event", name, "not present" if denied else "present")


# ---- bands
def _bands(clauses: list[str]) -> set[Fact]:
    """What is said of bands: the dominant ones, their trend, and the others."""
    said = [one for clause in clauses for one in _said_of_bands(clause)]
    dominant = {band for band, value in said if value == "dominant"}
    facts = {Fact("dominant band", "band", band) for band in dominant}
    facts |= {Fact("dominant band", "band", NOT + band) for band, value in said if value == NOT + "dominant"}
    if any(words.NO_DOMINANCE.search(clause) for clause in clauses):
        facts.add(Fact("dominant band", "band", "none"))
    for band, value in said:
        if not value.endswith("dominant"):
            facts.add(Fact("trend" if band in dominant else "other bands", band, value))
    return facts


def _said_of_bands(clause: str) -> Iterator[tuple[str, str]]:
    """(band, what is said of it) of one clause."""
    clause = words.NO_DOMINANCE.sub(lambda match: "_" * len(match[0]), clause)
    groups = list(_groups(clause))
    for group in groups:
        if words.NO_BAND.search(clause[: group.start]):
            yield from ((band, "absent") for band in group.bands)
    rest = clause
    for value, pattern in words.STATED.items():
        for match in pattern.finditer(rest):
            group = _group_of(match, clause, groups)
            if group is None:
                continue
            denied = words.DENIED.search(clause[: match.start()]) is not None
            yield from ((band, NOT + value if denied else value) for band in group.bands)
        rest = pattern.sub(lambda match: "_" * len(match[0]), rest)


def _groups(clause: str) -> Iterator[Group]:
    """The bands of a clause, those of a list together."""
    mentions = list(words.BAND.finditer(clause))
    while mentions:
        some = [mentions.pop(0)]
        while mentions and words.LISTED.fullmatch(clause[some[-1].end() : mentions[0].start()]):
            some.append(mentions.pop(0))
        yield Group(tuple(match[1].replace("-", " ") for match in some), some[0].start(), some[-1].end())


def _group_of(said: re.Match, clause: str, groups: list[Group]) -> Group | None:
    """Of which bands a word is said: those right behind it, else the last before it, else the first behind it."""
    behind = [group for group in groups if group.start >= said.end()]
    before = [group for group in groups if group.end <= said.start()]
    if behind and words.TOWARDS.fullmatch(clause[said.end() : behind[0].start]):
        return behind[0]
    return before[-1] if before else behind[0] if behind else None


# ---- places
def _places(clause: str) -> Iterator[Fact]:
    """The regions that a clause names and does not deny: each lobe, and again with the sides it is named with."""
    side = ""
    for match in words.PLACES.finditer(clause):
        if words.DENIED.search(clause[: match.start()]):
            continue
        word = match[0]
        if word in LOBES_OF_ELECTRODES:
            yield from _region(LOBES_OF_ELECTRODES[word], SIDES.get(word, ""))
            continue
        side = SIDES.get(word, side)
        yield from _region(LOBES.get(word, words.WHOLE.get(word, "")), side)
    if (match := words.EVERYWHERE.search(clause)) and not words.DENIED.search(clause[: match.start()]):
        yield Fact("place", "everywhere", "named")


def _region(lobe: str, side: str) -> Iterator[Fact]:
    """A lobe's facts; a compound one is its two parts."""
    compound = words.COMPOUND.fullmatch(lobe)
    for one in (words.PARTS[compound[1]], compound[2]) if compound else (lobe,):
        if one:
            yield Fact("place", one, "named")
            if side:
                yield Fact("place", f"{side} {one}", "named")


# ---- two texts
def contradictions(reference: Iterable[Fact], said: Iterable[Fact]) -> set[Fact]:
    """The facts that the reference says otherwise."""
    known: dict[tuple[str, str], set[str]] = {}
    for fact in reference:
        known.setdefault((fact.point, fact.what), set()).add(fact.value)
    return {fact for fact in said if _is_denied(fact.value, known.get((fact.point, fact.what), set()))}


def _is_denied(value: str, others: set[str]) -> bool:
    """Whether what is known of the same thing excludes a value; a possibility excludes nothing."""
    if value == "possible" or "possible" in others:
        return False
    if value.startswith(NOT):
        return value.removeprefix(NOT) in others
    stated = {other for other in others if not other.startswith(NOT)}
    return NOT + value in others or (bool(stated) and value not in stated)
