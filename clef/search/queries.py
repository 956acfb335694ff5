"""Queries in words: what they want and what they deny, and the vector that ranks sessions by it.

    "focal slowing without spikes"  ─▶  wanted "focal slowing", denied "spikes"  ─▶  unit(text(wanted) − text(denied))

A text encoder that learned from a contrastive loss takes "no spikes" for a text about spikes: the sessions nearest to
it have them (docs/search.md has the numbers). So a clause that denies what it names is turned round: its words without
the denial count against a session. Clauses are read by the rules that read reports (`clef.reports.findings`); a query
that they do not understand is taken as it stands.
"""

import itertools
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from clef.reports import findings
from clef.reports.finding_words import DENIED_BEFORE, DENIED_BEHIND
from clef.reports.rules import normalise

if TYPE_CHECKING:
    from clef.model import Model

CLAUSE = re.compile(r"\s*(?:[,;]|\bbut\b)\s*(?:and\b|but\b)?\s*")
LOOSE = re.compile(
    r"^(?:(?:and|or|but|with|of|any|is|are|was|were)\b\s*)+|(?:\s*\b(?:and|or|but|with|is|are|was|were))+$"
)


class Query(NamedTuple):
    """Clauses of a query: those it wants, and those it denies, without the denial."""

    text: str
    wanted: list[str]
    denied: list[str]

    def in_words(self) -> str:
        """How the query was read, for people; "" where it is taken as it stands and denies nothing."""
        if not self.denied:
            words = normalise(self.text)
            denies = DENIED_BEFORE.search(words) or DENIED_BEHIND.search(words)
            return "taken as it stands: its denial is not turned round, so it may find what it denies" if denies else ""
        quoted = [" and ".join(f'"{clause}"' for clause in side) for side in (self.wanted, self.denied)]
        near = f"near {quoted[0]} and " if self.wanted else ""
        return (
            f"read as: {near}far from {quoted[1]} (a denial is turned round; plainly=true takes the words as they are)"
        )


def read_query(text: str, plainly: bool = False) -> Query:
    """The clauses of a query; with `plainly`, or where the rules find no denial, all of it is wanted as it stands.

    Raises ValueError for a text without a letter.
    """
    if not re.search(r"[^\W\d_]", text):
        raise ValueError(f"query={text!r}: expected words, as query='generalised periodic discharges'")
    whole = Query(text, [text], [])
    wanted: list[str] = []
    denied: list[str] = []
    for clause in _clauses(normalise(text)):
        stated = _presences(clause)
        if "absent" in stated and len(stated) > 1:
            return whole  # one clause says both: what belongs to the denial is not certain
        (denied if stated == {"absent"} else wanted).append(clause)
    bare = [_without_denial(clause) for clause in denied]
    return whole if plainly or not denied or not all(bare) else Query(text, wanted, bare)


def _clauses(text: str) -> list[str]:
    """A normalised text cut at commas, "but" and before a denial of what follows; whole where all is denied."""
    pieces = []
    for part in CLAUSE.split(text.strip(" .")):
        denials = [] if _presences(part) == {"absent"} else [match.start() for match in DENIED_BEFORE.finditer(part)]
        cuts = [0, *denials, len(part)]
        pieces += [part[begin:end] for begin, end in itertools.pairwise(cuts)]
    return [clause for piece in pieces if (clause := LOOSE.sub("", piece.strip()).strip())]


def _presences(clause: str) -> set[str]:
    return {finding.presence for finding in findings(clause)}


def _without_denial(clause: str) -> str:
    return LOOSE.sub("", " ".join(DENIED_BEHIND.sub(" ", DENIED_BEFORE.sub(" ", clause)).split())).strip()


def query_vector(model: "Model", query: Query) -> NDArray[np.float32]:
    """The unit vector (P,) that ranks sessions: of what is wanted, less that of what is denied."""
    vectors = model.text([*query.wanted, *query.denied])
    signs = np.array([1.0] * len(query.wanted) + [-1.0] * len(query.denied), np.float32)
    vector = signs @ vectors
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
