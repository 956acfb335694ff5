"""Tiers of energy: electrodes in three groups by k-means of their level, the highest named.

As the topographic part of NeuroNarrator's descriptions. In one dimension k-means is solved exactly: groups are
contiguous in the sorted values, so all pairs of cuts are tried (Wang & Song 2011, The R Journal 3:29).
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
LEVEL_DB = 3.0
"""With less between the highest and the lowest tier the energy is even, and no tier is named."""


@dataclass(frozen=True)
class Tiers:
    """tier (C,) int: 2 the highest, 0 the lowest, −1 not measured · means (3,) dB of the tiers, lowest first"""

    tier: NDArray[np.int_]
    means: Array

    @property
    def highest(self) -> NDArray[np.int_]:
        """Electrodes of the highest tier."""
        return np.flatnonzero(self.tier == len(self.means) - 1)

    @property
    def span(self) -> float:
        """dB between the highest and the lowest tier."""
        return float(self.means[-1] - self.means[0])


def tiers_of(level: Array) -> Tiers | None:
    """Three tiers of levels (C,) dB, NaN where not measured; None with fewer than six electrodes."""
    known = np.flatnonzero(np.isfinite(level))
    if len(known) < 6:
        return None
    order = known[np.argsort(level[known], kind="stable")]
    values = level[order]
    first, second = _cuts(values)
    tier = np.full(len(level), -1)
    tier[order] = np.repeat((0, 1, 2), (first, second - first, len(values) - second))
    parts = np.split(values, (first, second))
    return Tiers(tier, np.array([part.mean() for part in parts]))


def _cuts(values: Array) -> tuple[int, int]:
    """Where sorted values fall into the three groups that scatter least around their means."""
    size, sums = len(values), np.concatenate([[0.0], np.cumsum(values - values.mean())])
    first, second = np.array(list(combinations(range(1, size), 2))).T
    # the squares' sum is the same for all cuts, so the scatter is least where these are largest
    between = sums[first] ** 2 / first + (sums[second] - sums[first]) ** 2 / (second - first)
    between += (sums[size] - sums[second]) ** 2 / (size - second)
    best = int(between.argmax())
    return int(first[best]), int(second[best])
