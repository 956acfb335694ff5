"""The findings of a clinical EEG report: what it says was seen, denied or thought possible, and where.

    report ─▶ sections ─▶ sentences of this recording ─▶ mentions ─▶ denied? in doubt? ─▶ side, lobe ─▶ findings

Names are those of `FINDING//` codes. The rules are those of NegEx (Chapman et al. 2001, doi 10.1006/jbin.2001.1029):
words of denial or doubt before or behind a mention, and words that end what they reach.
"""

import re
from functools import lru_cache
from typing import NamedTuple

import clef.reports.finding_words as words
from clef.reports.rules import SENTENCES, current_sentences

STRENGTH = {"present": 2, "possible": 1, "absent": 0}
REACH = 300
"""Characters that a denial may stand away from what it denies; a report without full stops must not take minutes."""


class Finding(NamedTuple):
    """A finding as a report states it: `presence` present, absent or possible; `side` left, right or both."""

    name: str
    presence: str
    side: str | None = None
    lobe: str | None = None


class Mention(NamedTuple):
    """Words of a sentence, `start` to `end`, that name findings; names with a hyphen can only be denied by them."""

    start: int
    end: int
    names: tuple[str, ...]


def findings(text: str) -> list[Finding]:
    """What a report says of its recording, in order; each name once per place, the strongest statement of it.

    History, earlier studies and what relatives tell are not of this recording. A text without findings gives [].
    """
    strongest: dict[tuple, Finding] = {}
    for sentence in current_sentences(text):
        for finding in _of_sentence(sentence):
            key = (finding.name, finding.side, finding.lobe)
            if key not in strongest or STRENGTH[finding.presence] > STRENGTH[strongest[key].presence]:
                strongest[key] = finding
    return list(strongest.values())


def presences(stated: list[Finding]) -> dict[str, str]:
    """Each finding's name -> present, possible or absent in the recording as a whole.

    What is denied of one side or lobe alone is not absent: it is left out.
    """
    whole: dict[str, str] = {}
    for name, presence, side, lobe in stated:
        local = presence == "absent" and (side or lobe)
        if not local and STRENGTH[presence] >= STRENGTH[whole.get(name, "absent")]:
            whole[name] = presence
    return whole


@lru_cache(SENTENCES)
def _of_sentence(sentence: str) -> tuple[Finding, ...]:
    sentence = words.NOT_MEANT.sub(_hide, sentence)
    sentence = words.UNDENIED.sub(lambda m: m[0] if _mentions(m[0]) else _hide(m), sentence)
    mentions = _mentions(sentence)
    out = []
    begin = 0
    for i, mention in enumerate(mentions):
        presence = _presence(sentence, mention)
        end = _end(sentence, mention, mentions[i + 1].start) if i + 1 < len(mentions) else len(sentence)
        stated = [n.removeprefix("-") for n in mention.names if presence == "absent" or not n.startswith("-")]
        if not stated or (sentence[: mention.start].endswith("(") and {f.name for f in out}.issuperset(stated)):
            continue  # nothing is said, or an abbreviation of what was said
        side, lobe = _place(sentence, begin, mention, end)
        out += [Finding(n, presence, *((None, None) if n in words.PLACELESS else (side, lobe))) for n in stated]
        begin = mention.end
    return tuple(out)


def _end(sentence: str, mention: Mention, following: int) -> int:
    """Where what is said behind a mention ends: "no seizures, left temporal spikes" has no place for the first."""
    marks = list(words.NEXT.finditer(sentence, mention.end, following))
    return marks[-1].start() if marks else following


def _hide(words_: re.Match) -> str:
    return "~" * len(words_[0])


def _mentions(sentence: str) -> list[Mention]:
    """All mentions in the order of the sentence; longer names hide the shorter ones inside them."""
    mentions = []
    for pattern, names in words.MENTIONS:
        known = len(mentions)
        for match in pattern.finditer(sentence):
            mentions.append(Mention(match.start(), match.end(), names))
        if len(mentions) > known and names not in words.VERDICTS:
            sentence = pattern.sub(lambda m: "_" * len(m[0]), sentence)
    return sorted(mentions)


def _presence(sentence: str, mention: Mention) -> str:
    """Whether the words around a mention deny or doubt it."""
    before = sentence[max(0, mention.start - REACH) : mention.start]
    turns = list(words.TURN.finditer(before))
    before = before[turns[-1].end() if turns else 0 :]
    behind = sentence[mention.end : mention.end + REACH]
    if turn := words.TURN.search(behind):
        behind = behind[: turn.start()]
    if words.STATES.issuperset(mention.names) and words.DURING.search(before):
        return "present"
    if _reaches(words.POSSIBLE_BEFORE, before, ""):
        doubt = [match.start() for match in words.POSSIBLE_BEFORE.finditer(before)][-1]
        return "absent" if _reaches(words.DENIED_BEFORE, before[:doubt], "") else "possible"  # "nothing to suggest"
    if _follows(words.POSSIBLE_BEHIND, behind):
        return "possible"
    denied = _reaches(words.DENIED_BEFORE, before, behind) or _follows(words.DENIED_BEHIND, behind)
    return "absent" if denied else "present"


def _reaches(triggers: re.Pattern, before: str, behind: str) -> bool:
    """Whether a trigger before a mention governs it: through commas only in a list that ends in "or"."""
    ends = [match.end() for match in triggers.finditer(before)]
    if not ends:
        return False
    between = before[ends[-1] :]
    listed = words.CHOICE.search(between + " " + behind)
    return ("," not in between or listed is not None) and words.VERB.search(between) is None


def _follows(triggers: re.Pattern, behind: str) -> bool:
    """Whether a trigger behind a mention is the first thing said of it."""
    match = triggers.search(behind)
    return match is not None and words.VERB.search(behind[: match.start()]) is None


def _place(sentence: str, begin: int, mention: Mention, end: int) -> tuple[str | None, str | None]:
    """Side and lobe of a mention: of its own words, else of those before it, else of those behind."""
    before, behind = sentence[begin : mention.start], words.TURN.split(sentence[mention.end : end])[0]
    ends = list(words.END_OF_PLACE.finditer(before))
    near = before[ends[-1].end() if ends else 0 :] + sentence[mention.start : mention.end]
    sides = lobes = None
    for text in (near, behind, before if begin == 0 else ""):
        places = words.PLACE_WORD.findall(text)
        named = any(place in words.LOBES for place in places)
        lobes = lobes or _one(words.LOBES if named else words.LOBES_OF_ELECTRODES, places, None)
        sides = sides or _one(words.SIDES, places, "both")
    return (None, None) if sides is None and words.ALL_OVER.search(near + behind) else (sides, lobes)


def _one(table: dict[str, str], places: list[str], several: str | None) -> str | None:
    """What all places agree on; `several` if they do not."""
    values = {table[place] for place in places if place in table}
    values = {v for v in values if all(v in other for other in values)} or values  # temporal of F8, T4
    return values.pop() if len(values) == 1 else several if values else None
