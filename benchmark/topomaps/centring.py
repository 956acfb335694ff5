"""What maps are measured against: the mean over people of train, of the same site where it has any.

Sites differ by reference and amplifier, which says nothing of a segment. Nothing of val or test enters. A site without
people of train is measured against the mean of all.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from benchmark.topomaps.segments import Segments

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Centred:
    """Maps (n, M), in units of their spread over people of train."""

    maps: Array
    every_other: Array
    rebuilt: Array


def centre(segments: Segments) -> Centred:
    """True and rebuilt maps against their own means. ValueError without people of train."""
    is_train = segments.split == "train"
    if not is_train.any():
        raise ValueError(
            "no segment is of split train, which means and covariances are taken from; import people of it"
        )
    maps, every_other, rebuilt = (
        _less_mean(values.astype(np.float64), segments.site, is_train)
        for values in (segments.maps, segments.every_other, segments.rebuilt)
    )
    spread = maps[is_train].std(0) + 1e-6
    return Centred(maps / spread, every_other / spread, rebuilt / spread)


def _less_mean(values: Array, site: NDArray, is_train: NDArray) -> Array:
    bare = values - values[is_train].mean(0)
    for name in np.unique(site[is_train]):
        bare[site == name] -= bare[(site == name) & is_train].mean(0)
    return bare
