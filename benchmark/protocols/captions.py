"""Retrieval of captions by recordings, as it is reported where images were seen while the EEG was recorded.

By caption: the question's own is right, and every candidate that is called the same. By class: any candidate of the
class of what was seen. R@1, R@3, R@5 and MAP of both, MAP of each class, mean ranks, and scores of matched pairs (by
caption) against mismatched ones. Projects on the same recordings differ in which mismatched pairs they draw; here all
are taken.
"""

import dataclasses
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmark.protocols.matching import Matching, match_scores
from benchmark.protocols.ranking import AT, Ranking, rank_items


@dataclasses.dataclass(frozen=True)
class CaptionRetrieval:
    """The three views of one retrieval."""

    by_caption: Ranking
    by_class: Ranking
    matching: Matching

    def as_plain(self) -> dict[str, Any]:
        """Every measure as plain values, with the pool and what chance gives; classes by name."""
        views = {"caption": self.by_caption, "class": self.by_class}
        plain: dict[str, Any] = {name: measures(view, AT) for name, view in views.items()}
        plain["map_per_class"] = {str(key): value for key, value in self.by_class.precision_by_key.items()}
        return plain | {"scores": dataclasses.asdict(self.matching)}


def retrieve_captions(
    questions: np.ndarray,
    seen: Sequence[Hashable],
    candidates: np.ndarray,
    captions: Sequence[Hashable],
    class_of: Mapping[Hashable, Hashable],
) -> CaptionRetrieval:
    """Questions (n, P) that saw `seen` (n,) against candidates (m, P) called `captions` (m,), by inner product.

    class_of: the class of each caption. Raises ValueError as `rank_items` does, and for a caption without a class.
    """
    if missing := sorted({str(each) for each in (*seen, *captions) if each not in class_of}):
        raise ValueError(f"retrieval: {len(missing)} captions have no class (first: {missing[0]}); give each its class")
    classes = [[class_of[each] for each in names] for names in (seen, captions)]
    return CaptionRetrieval(
        rank_items(questions, seen, candidates, captions),
        rank_items(questions, classes[0], candidates, classes[1]),
        match_scores(questions, seen, candidates, captions),
    )


def measures(ranking: Ranking, at: Sequence[int]) -> dict[str, float]:
    """A ranking's measures as plain values: questions, pool, and each measure with what chance gives."""
    plain: dict[str, float] = {"questions": len(ranking.ranks), "pool": ranking.pool}
    for k in at:
        plain |= {f"r_at_{k}": ranking.recall(k), f"r_at_{k}_chance": ranking.chance(k)}
    plain |= {"map": ranking.mean_average_precision, "map_chance": ranking.chance_precision}
    plain |= {"mean_rank": ranking.mean_rank, "mean_rank_chance": ranking.chance_rank}
    return plain | {"median_rank": ranking.median_rank, "unanswerable": ranking.unanswerable}
