"""What a language model answers, and what every model that summarises offers: a fingerprint, a place, answers."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

MAX_TOKENS = 256
"""Longest answer: a third more than the 120 words that the prompt asks for need; what rambles on is cut anyway."""
VERSION = "3"
"""Changes whenever the same model and prompt may give another summary: decoding, tidying or checking changed."""


class Answer(NamedTuple):
    """The answer to one report: its text, or what went wrong.

    failure: "" · "cut short", "too long" or "refused": it will be so again, the rules take over · "unanswered": it may
    be answered another time
    """

    text: str
    failure: str = ""


class Model(Protocol):
    """A language model that is open for work."""

    fingerprint: str
    """A short name for model, prompt and version."""
    place: str
    """Where the text of reports goes, for people."""

    def answers(self, reports: Sequence[str]) -> Iterator[tuple[int, Answer]]:
        """The number and the answer of each report, in any order."""
        ...


THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
LEAD_IN = re.compile(r"\A\s*(?:\W*(?:here is|sure|certainly)[^\n:]*:)?[\s*#]*(?:summary)?[\s*#]*:?\s*", re.IGNORECASE)
BULLET = re.compile(r"^\s*(?:[-*•]+|\d{1,2}[.)](?!\d))\s+", re.MULTILINE)


def tidy(text: str) -> str:
    """An answer without thoughts, lead-in, bullets and marks of emphasis, on one line."""
    text = LEAD_IN.sub("", THOUGHT.sub("", text))
    text = BULLET.sub("", text.replace("**", "").replace("`", ""))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(line if line[-1] in ".!?:,;" else f"{line}." for line in lines).strip("\"' ")
