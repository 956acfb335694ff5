"""The names of drugs and illnesses, from the suites that the benchmark asks: what no summary of a report may say.

A title such as "Secondary malignant neoplasm of brain (C79.31)" gives its phrase and its telling words; synonyms that
titles do not give ("glioblastoma") stand in `clef.reports.name_words` by code. A suite that is added brings its names.
"""

import re
from collections import defaultdict
from functools import cache
from typing import NamedTuple

from clef.reports.name_words import DRUGS, GENERAL, ILLNESSES, OF_THE_TRACING
from tokenizer.base.cli import preset_root
from tokenizer.base.values import read_yaml

SHORTEST = 5
"""Letters of the shortest word that names something by itself."""
CODES = re.compile(r" *\((?=[^()]*[A-Z]\d\d)[^()]*\)")
PARTS = re.compile(r", | and | or | with | without |[();]| such as | in (?=childhood)")
ENDINGS = {"y": "(?:y|ies|ic)", "ia": "(?:ias?|ic)", "is": "(?:is|es|ic)", "us": "us", "s": "s?"}
ANY = r"[a-z]{2,}"
"""How alternatives begin that are endings."""
FAMILIES = {"medication": "drugs", "phenotype": "illnesses"}


class Names(NamedTuple):
    """Patterns for normalised text: the names of drugs and those of illnesses."""

    drugs: re.Pattern
    illnesses: re.Pattern


@cache
def names() -> Names:
    """The names of all suites of `configs/benchmark/suite`, with their synonyms."""
    alternatives: dict[str, set[str]] = {"drugs": _split(DRUGS), "illnesses": _split(ILLNESSES)}
    for path in sorted((preset_root() / "benchmark" / "suite").glob("*.yaml")):
        for task in (read_yaml(path) or {}).get("tasks", []):
            if kind := FAMILIES.get(task.get("family")):
                alternatives[kind] |= title_names(task["task"])
    return Names(*(one_pattern(alternatives[field]) for field in Names._fields))


def title_names(title: str) -> set[str]:
    """Patterns of the names in a task's title: its phrases of several words, and its words that tell by themselves."""
    phrases = {phrase for part in PARTS.split(CODES.sub("", title).lower()) if (phrase := part.strip())}
    phrases -= OF_THE_TRACING
    words = {word for phrase in phrases for word in re.findall(r"[a-z][a-z-]+", phrase)}
    telling = {word for word in words if len(word) >= SHORTEST and word not in GENERAL}
    several = {phrase for phrase in phrases if " " in phrase and "seizures" not in phrase}
    return {_pattern(name) for name in telling | several | {word for word in phrases if word == "coma"}}


def _pattern(name: str) -> str:
    """A name with its plural or adjective, in both spellings of ae and oe."""
    ending = next((end for end in ENDINGS if name.endswith(end)), "")
    stem = re.escape(name.removesuffix(ending)).replace(r"\ ", "[ -]").replace(r"\-", "[ -]?")
    return re.sub("(?<=[a-z])?([ao])e", r"\1?e", stem) + ENDINGS.get(ending, "s?") + r"\b"


def _split(table: dict[str, str]) -> set[str]:
    return {part.strip() for alternatives in table.values() for part in alternatives.split(" | ")}


def one_pattern(alternatives: set[str]) -> re.Pattern:
    """All alternatives as one pattern, from the start of a word.

    Those of one first letter stand together, and those that are endings: Python tries alternatives one by one.
    """
    by_start = defaultdict(list)
    for text in sorted(alternatives, key=lambda text: (-len(text), text)):
        plain = text[0].isalpha() and text[1:2] not in "?*"
        by_start[text[0] if plain else ANY if text.startswith(ANY) else ""].append(text)
    groups = [f"{start}(?:{'|'.join(text[len(start) :] for text in texts)})" for start, texts in by_start.items()]
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(groups)})")
