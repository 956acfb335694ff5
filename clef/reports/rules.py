"""The rules that condense a clinical EEG report to what the tracing showed; they run anywhere and always say the same.

    report ─▶ sections by heading ─▶ history, drugs, technique, correlation dropped ─▶ sentences ─▶ clauses ─▶ summary

What a report says about the person (age, sex, drugs, history, diagnosis) must not come through: it would let the
alignment learn the record from the words, and the words contain the labels the benchmark asks for. What it denies
must: a clause is never cut away together with a negation that governs what is left.
"""

import itertools
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple

import clef.reports.words as words
from clef.reports.names import names

VERSION = "3"
"""Changes whenever the output of `condense` may: summaries stored under another version are made anew."""
PLAIN_END = re.compile(r"(?<=[.!?])\s+")
SENTENCES = 2**14
"""Sentences whose result is remembered: an archive says the same thing in most of its reports."""


@lru_cache(SENTENCES)
def normalise(text: str) -> str:
    """`text` in lower case, in one spelling, with usual abbreviations written out and spaces made single."""
    text = " ".join(text.lower().replace("’", "'").split())
    for pattern, by in words.SPELLING:
        text = pattern.sub(by, text)
    return words.SAID_TWICE.sub(r"\1", text)


class Section(NamedTuple):
    """A stretch of a report: `kind` is drop, verdict, finding, description or unknown; `name` is the finding's."""

    kind: str
    name: str
    text: str


HEADING_KINDS = [(words.DROPPED_HEADS, "drop", ""), (words.VERDICT_HEADS, "verdict", "")]
HEADING_KINDS += [(pattern, "finding", name) for pattern, name in words.FINDING_HEADS.items()]
HEADING_KINDS += [(words.DESCRIPTION_HEADS, "description", "")]
HEADING = re.compile(
    r"(?:^|(?<=[.;!?])[ \t])[ \t*#]*(?P<start>[A-Z][A-Za-z/&,()' -]{0,48}?)[ \t*]*:"  # "Words:" opening a sentence
    r"|(?P<capitals>\b[A-Z][A-Z/& -]{1,60}):"  # "WORDS:" anywhere
    r"|^[ \t*#]*(?P<alone>[A-Z][A-Za-z/&' -]{1,40})[ \t*]*$",  # a line of words and nothing else
    re.MULTILINE,
)


def split_sentences(text: str) -> list[str]:
    """The sentences of a summary or another plain text; reports have bounds of their own (`words.SENTENCE_END`)."""
    return [sentence for sentence in PLAIN_END.split(text.strip()) if sentence]


def sections(report: str) -> list[Section]:
    """A report cut at its headings; what comes before the first, or an unknown heading, is of kind "unknown"."""
    cuts = [(0, 0, "unknown", "")] + [cut for mark in HEADING.finditer(report) if (cut := _heading(mark))]
    ends = [start for start, *_ in cuts[1:]] + [len(report)]
    pairs = zip(cuts, ends, strict=True)
    parts = [Section(kind, name, report[body:end]) for (_, body, kind, name), end in pairs]
    return [section for section in parts if section.text.strip()]


def _heading(mark: re.Match) -> tuple[int, int, str, str] | None:
    """Where a heading starts and its text begins, its kind and finding; None if it is no heading."""
    group = mark.lastgroup
    title = mark[group]
    starts = [0, *(m.end() for m in re.finditer(r" ", title))] if group == "capitals" else [0]
    for start in starts:  # in "ASPIRIN INTRODUCTION:" the heading is the last word
        text = " ".join(title[start:].lower().replace("/", " and ").split())
        for pattern, kind, name in HEADING_KINDS:
            if pattern.fullmatch(text):
                # a bare line "Awake" may be a remark; "IMPRESSION" or "Findings" is not
                remark = group == "alone" and kind in ("finding", "description") and not title.isupper()
                return None if remark and text != "findings" else (mark.start(group) + start, mark.end(), kind, name)
    opens_line = group == "start" and mark.start() in (0, mark.string.rfind("\n", 0, mark.start(group)) + 1)
    return (mark.start(), mark.start(group), "unknown", "") if opens_line else None  # its words stay in the text


def condense(report: str) -> str:
    """The electrographic content of a report as short normalised sentences, the impression first; "" if it has none."""
    verdict, rest = _electrographic_sentences(report)
    return " ".join(dict.fromkeys(verdict + rest))  # a sentence that stands twice is said once


def condense_impression(report: str) -> str:
    """As `condense`, of the impression alone."""
    return " ".join(dict.fromkeys(_electrographic_sentences(report)[0]))


def condense_description(report: str) -> str:
    """As `condense`, without the impression."""
    return " ".join(dict.fromkeys(_electrographic_sentences(report)[1]))


def _electrographic_sentences(report: str) -> tuple[list[str], list[str]]:
    """Those of the impression, and those of all other sections."""
    verdict: list[str] = []
    rest: list[str] = []
    for section in sections(report):
        if section.kind != "drop":
            (verdict if section.kind == "verdict" else rest).extend(_section_sentences(section))
    return verdict, rest


def current_sentences(report: str) -> list[str]:
    """The sentences of a report, normalised and whole, that tell of this recording and not of the person's past."""
    sentences = [s for section in sections(report) if section.kind != "drop" for s in _sentences(section)]
    return [current for sentence in sentences if (current := _of_this_recording(sentence))]


def _sentences(section: Section) -> Iterator[str]:
    """The normalised sentences of a section; the first one under a finding's heading together with its name."""
    for i, raw in enumerate(words.SENTENCE_END.split(_unwrap(section.text))):
        sentence = normalise(words.LIST_MARK.sub(" ", raw)).strip(" .;:!?-*")
        if section.kind == "verdict" and words.VERDICT_ALONE.fullmatch(sentence):
            sentence = f"{sentence} eeg"
        if sentence:
            yield _named(section.name, sentence) if section.name and i == 0 else sentence


def _section_sentences(section: Section) -> list[str]:
    return [f"{kept}." for sentence in _sentences(section) if (kept := _electrographic(sentence))]


def _of_this_recording(sentence: str) -> str:
    """A sentence without what it tells of earlier studies, of the person's past and of others' reports."""
    if _has(words.TRUISM, sentence):
        return ""
    sentence = words.GONE.sub(r"\1 not seen", words.DATE.sub("", sentence))
    sentence = words.COMPARED.sub(" ", sentence)
    sentence = words.IN_A_PERSON.sub(lambda m: m[0] if _has(words.DENIED, m[0]) else "", sentence)
    if not _has(words.PAST, sentence):
        return " ".join(sentence.split()).strip(" ,:-")
    parts = [part for part in words.TURN_OF_STORY.split(sentence) if not _has(words.PAST, part)]
    return "; ".join(" ".join(part.split()).strip(" ,:-") for part in parts if part.strip())


def _unwrap(text: str) -> str:
    """Text with its lines joined, but for ends of paragraphs and of short lines, which end a sentence.

    A line broken by its width must be joined even before a capital: "there were no / PLEDs" is one sentence.
    """
    lines = [line.strip() for line in words.ABBREVIATIONS.sub(r"\1", text).strip().splitlines()]
    out = lines[:1]
    for before, line in itertools.pairwise(lines):
        whole = len(before) < 45 and not words.OPEN_END.search(before) and line[:1].isupper()
        out.append("\n" + line if whole or not line or words.LIST_MARK.match(line) else " " + line)
    return "".join(out)


def _named(name: str, sentence: str) -> str:
    """A finding under its own heading is a sentence only together with it: "Seizures: none" -> "no seizures"."""
    if words.NOT_DONE.fullmatch(sentence):
        return f"{name} not obtained"
    if words.NONE.fullmatch(sentence):
        return f"no {name}"
    return sentence if name in sentence else f"{name}: {sentence}"


@lru_cache(SENTENCES)
def _electrographic(sentence: str) -> str:
    """What a normalised sentence says of the tracing; "" if nothing, or if it cannot be cut without harm."""
    if _has(words.IDENTITY, sentence):
        return ""
    sentence = words.FOR_AGE.sub("", sentence.replace("age-appropriate", "normal").replace("age appropriate", "normal"))
    sentence = _of_this_recording(sentence)
    sentence = _with_a_name().sub(_cut_meaning, words.MEANING.sub(_cut_meaning, sentence))
    clauses = [clause for part in words.CLAUSE_END.split(sentence) if (clause := part.strip(" ."))]
    wanted = [clause for clause in clauses if not _unwanted(clause)]
    if any(_unwanted(clause) and _has(words.NEGATION, clause) for clause in clauses):
        return ""  # the negation would go with the clause, and what is left would say the opposite
    text = words.LOOSE_ENDS.sub("", " ".join(", ".join(wanted).split()).strip(" ,:-"))
    return text if _has(words.FINDINGS, text) else ""


def _cut_meaning(phrase: re.Match) -> str:
    """Cut what a finding is said to mean or to come with, but for a finding itself and with it no negation."""
    says_more = _has(words.FINDINGS, phrase[0]) and not _unwanted(phrase[0])
    denied = _has(words.NEGATION, phrase[0]) or _has(words.GOVERNS_NEXT, phrase.string[: phrase.start()])
    return phrase[0] if says_more or denied else ""


@cache
def _with_a_name() -> re.Pattern:
    """A drug or an illness that comes with a finding, to the end of the clause."""
    both = "|".join(pattern.pattern for pattern in (*names(), words.MEDICATION))
    return re.compile(rf"{words.WITH}(?: [\w-]+){{0,3}}? (?:{both})[^,;.)]*")


def _unwanted(clause: str) -> bool:
    if _has(words.SETTING, clause) and not _has(words.VERDICT, clause):
        return True
    return any(_has(table, clause) for table in (words.PERSON, words.STORY, words.MEDICATION, *names()))


def _has(pattern: re.Pattern, text: str) -> bool:
    return pattern.search(text) is not None
