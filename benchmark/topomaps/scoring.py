"""Rows of the table: who finds whose map among which segments, both ways, with what chance gives.

A pool is segments of test people of one site, mixed as they are; a question is right if it finds its own segment. A
person's own segments look alike, so R@1 is also told among the segments of the person alone.

Shapes: n segments of a pool · V numbers of a vector.
"""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.protocols.captions import measures
from benchmark.protocols.matching import match_scores
from benchmark.protocols.ranking import Ranking, rank_items

Array = NDArray[np.floating]
AT = (1, 5, 10)
RESAMPLES = 1000


@dataclasses.dataclass(frozen=True)
class Vectors:
    """One way to ask: its name, and vectors of the EEG and of the maps of all segments (n, V)."""

    name: str
    eeg: Array
    maps: Array


@dataclasses.dataclass(frozen=True)
class Row:
    """One way in one pool.

    to_map, to_eeg: ranks of the EEG's own map and of the map's own EEG · interval: of R@1 to the map, other people
    within: R@1 to the map and to the EEG among a person's own segments · within_chance: of both
    auroc: of matched pairs against mismatched ones
    """

    name: str
    to_map: Ranking
    to_eeg: Ranking
    interval: tuple[float, float]
    within: tuple[float, float]
    within_chance: float
    auroc: float

    def as_plain(self) -> dict[str, Any]:
        """Plain values, for topomaps.json."""
        ways = {"map_from_eeg": self.to_map, "eeg_from_map": self.to_eeg}
        plain: dict[str, Any] = {name: measures(ranking, AT) for name, ranking in ways.items()}
        plain |= {"name": self.name, "r_at_1_interval": self.interval, "r_at_1_within_person": self.within}
        return plain | {"r_at_1_within_person_chance": self.within_chance, "auroc": self.auroc}


def draw_pool(rows: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    """`most` of the segments `rows` by chance, in their order; all if there are no more."""
    return np.sort(np.random.default_rng(seed).permutation(rows)[:most])


def unit(maps: Array) -> Array:
    """Maps (n, M) as vectors whose inner product is their correlation; an even map becomes zero."""
    bare = maps - maps.mean(1, keepdims=True)
    return bare / np.maximum(np.linalg.norm(bare, axis=1, keepdims=True), 1e-9)


def near(questions: Array, candidates: Array) -> tuple[Array, Array]:
    """Vectors (n, M + 2) whose inner product falls with the squared distance, -½|a - b|²."""
    asked, offered = (-0.5 * (each**2).sum(1, keepdims=True) for each in (questions, candidates))
    return (
        np.concatenate([questions, asked, np.ones_like(asked)], 1),
        np.concatenate([candidates, np.ones_like(offered), offered], 1),
    )


def score(vectors: Vectors, pool: NDArray[np.int64], person: NDArray[np.int64], seed: int) -> Row:
    """One way to ask, in one pool."""
    eeg, maps, of, keys = vectors.eeg[pool], vectors.maps[pool], person[pool], np.arange(len(pool))
    to_map, to_eeg = rank_items(eeg, keys, maps, keys), rank_items(maps, keys, eeg, keys)
    inside = [np.flatnonzero(of == one) for one in np.unique(of)]
    within = [_within(eeg, maps, inside), _within(maps, eeg, inside)]
    return Row(
        vectors.name,
        to_map,
        to_eeg,
        _interval(to_map.ranks == 1, of, seed),
        (within[0], within[1]),
        len(inside) / len(pool),
        match_scores(eeg, keys, maps, keys).auroc if len(pool) > 1 else float("nan"),
    )


def _within(questions: Array, candidates: Array, inside: list[NDArray[np.int64]]) -> float:
    """R@1 among the segments of one's own person, over all segments."""
    hits = [rank_items(questions[i], range(len(i)), candidates[i], range(len(i))).ranks == 1 for i in inside]
    return float(np.concatenate(hits).mean())


def _interval(is_hit: NDArray[np.bool_], person: NDArray[np.int64], seed: int) -> tuple[float, float]:
    """95 % interval of the share of hits: people drawn with replacement, each with all segments."""
    _, of = np.unique(person, return_inverse=True)
    hits, size = np.bincount(of, is_hit), np.bincount(of)
    draws = np.random.default_rng(seed).multinomial(len(size), np.full(len(size), 1 / len(size)), RESAMPLES)
    low, high = np.percentile(draws @ hits / (draws @ size), [2.5, 97.5])
    return float(low), float(high)
