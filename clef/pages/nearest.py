"""Nearest sessions in an embedding space: of one vector for a table, of many for counting what neighbours share.

Shapes: n sessions · D width · Q sessions asked about · K neighbours.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clef.embeddings import Embeddings

SHOWN, PAIRS = 10, 20_000
"""Sessions in the table; random pairs by which people judge its cosines."""
TOGETHER = 512
"""Rows of cosines at once: 40 MB with 20,000 sessions."""


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors (…, D) of length 1; those of length 0 stay."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


class Nearest:
    """The sessions of an embedding file by their cosines.

    people: session -> subject, of those known; sessions of the same person are marked.
    """

    def __init__(self, embeddings: Embeddings, people: dict[str, int]) -> None:
        self.names, self.people = embeddings.session_id, people
        self.vectors = unit(embeddings.vectors)
        self.index = {name: i for i, name in enumerate(self.names)}
        self.usual = self._usual()
        """In words: the cosines of pairs of sessions drawn at random, always the same ones."""

    def table(self, vector: NDArray[np.float32], session: str | None) -> list[dict[str, Any]]:
        """`session`, `cosine` and `remark` of those nearest to `vector` (D,), nearest first, `session` left out."""
        cosine = self.vectors @ unit(vector)
        order = np.argsort(-cosine, kind="stable")[: SHOWN + 1]
        own = self.people.get(session) if session is not None else None
        rows = [{"session": self.names[i], "cosine": float(cosine[i])} for i in order if self.names[i] != session]
        for row in rows:
            row["remark"] = "the same person" if own is not None and self.people.get(row["session"]) == own else ""
        return rows[:SHOWN]

    def _usual(self) -> str:
        if len(self.vectors) < 3:
            return ""
        one, other = np.random.default_rng(0).integers(len(self.vectors), size=(2, PAIRS))
        one, other = one[one != other], other[one != other]
        middle, most = np.quantile(np.einsum("nd,nd->n", self.vectors[one], self.vectors[other]), [0.5, 0.95])
        return (
            f"Of {len(self.vectors):,} sessions in the file. Two of them drawn at random have a cosine of {middle:.3f} "
            f"(median); 95 % of such pairs are below {most:.3f}."
        )


def neighbours(
    vectors: NDArray[np.float32], subjects: NDArray[np.int64], asked: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """The `count` nearest other people's sessions of each of `asked` (Q,), by cosine: (Q, K), K ≤ count.

    vectors (n, D), subjects (n,): sessions of the same person do not count, or a person would be their own neighbour.
    """
    most = len(subjects) - np.unique(subjects, return_counts=True)[1].max(initial=0)  # others of whoever has most
    return closest(vectors[asked], vectors, min(count, int(most)), (subjects[asked], subjects))


def closest(
    asked: NDArray[np.float32],
    among: NDArray[np.float32],
    count: int,
    apart: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
) -> NDArray[np.int64]:
    """Which `count` of `among` (n, D) have the highest cosine to each of `asked` (Q, D): (Q, count), in no order.

    apart: a number of each of `asked` and each of `among`; equal ones are not compared.
    """
    asked, among, rows = unit(asked), unit(among), []
    for first in range(0, len(asked), TOGETHER):
        part = slice(first, first + TOGETHER)
        cosine = asked[part] @ among.T
        if apart is not None:
            cosine[apart[0][part, None] == apart[1]] = -np.inf
        rows.append(np.argpartition(-cosine, max(0, count - 1), axis=1)[:, :count])
    return np.concatenate(rows) if rows else np.zeros((0, count), np.int64)
