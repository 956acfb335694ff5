"""The ways to ask that are compared, from knowing only whose segment it is to the trained head.

| way | the EEG's side | the map's side |
|---|---|---|
| the person | mean map of the session: who it is, and not which segment | map |
| the segment before | map of the session's segment before it: how alike neighbours are | map |
| rebuilt, correlation | map of the spectrum that the tokens give back, nothing fitted but means | map |
| rebuilt, distance | the same | map |
| rebuilt, matched | the same, in the Gaussian match (benchmark.topomaps.gaussian) | map, in it |
| head | code vectors and rebuilt map, through a trained tower (benchmark.topomaps.towers) | map, through the other |
| bandpower | map of every other second of the segment itself, measured: no tokens; a ceiling | map |
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchmark.topomaps.centring import Centred
from benchmark.topomaps.gaussian import fit_match
from benchmark.topomaps.scoring import Vectors, near, unit
from benchmark.topomaps.segments import Segments
from benchmark.topomaps.towers import TowersConfig, make_side, train_towers, vectors_of

Array = NDArray[np.floating]
HEAD = "head"


def plain_ways(segments: Segments, centred: Centred) -> Iterator[Vectors]:
    """Everything that no training is needed for."""
    maps = unit(centred.maps)
    yield Vectors("the person", unit(session_mean(centred.maps, segments.session)), maps)
    yield Vectors("the segment before", unit(before(centred.maps, segments.session)), maps)
    yield Vectors("rebuilt, correlation", unit(centred.rebuilt), maps)
    yield Vectors("rebuilt, distance", *near(centred.rebuilt, centred.maps))
    yield Vectors("bandpower", unit(centred.every_other), maps)


def fitted_ways(
    segments: Segments, centred: Centred, codes: Array, config: TowersConfig, head: bool, seed: int
) -> tuple[list[Vectors], dict[str, int]]:
    """The match, and the head on top of it unless `head` is false; codes (K, E): the vector of each code.

    With the step at which the head was best on val, and how many segments it was trained and chosen on.
    """
    is_train, is_val = segments.split == "train", segments.split == "val"
    match = fit_match(centred.maps[is_train], centred.rebuilt[is_train])
    eeg, maps = match.of_rebuilt(centred.rebuilt), match.of_maps(centred.maps)
    ways = [Vectors("rebuilt, matched", eeg, maps)]
    about = {"train": int(is_train.sum()), "val": int(is_val.sum())}
    if head:
        inputs = np.concatenate([centred.rebuilt, code_inputs(segments.tokens, codes, is_train)], 1)
        side = make_side(inputs, centred.maps, eeg, maps)
        towers, step = train_towers(side, is_train, is_val, config, seed)
        ways.append(Vectors(HEAD, *vectors_of(towers, side)))
        about["best_step"] = step
    return ways, about


def code_inputs(tokens: NDArray[np.int64], codes: Array, is_train: NDArray[np.bool_]) -> Array:
    """The code vectors (n, 16 E) of the tokens (n, 16) of each segment, less their mean over train, of unit spread."""
    vectors = codes[tokens].reshape(len(tokens), -1) * codes.shape[1] ** 0.5
    return vectors - vectors[is_train].mean(0)


def session_mean(maps: Array, session: NDArray[np.int64]) -> Array:
    """The mean map (n, M) of each segment's session, the same for all of them.

    Without the segment itself it would point away from it, and find less than chance.
    """
    _, of = np.unique(session, return_inverse=True)
    total = np.zeros((of.max() + 1, maps.shape[1]))
    np.add.at(total, of, maps)
    return total[of] / np.bincount(of)[of, None]


def before(maps: Array, session: NDArray[np.int64]) -> Array:
    """The map (n, M) of the segment before; of a session's first segment the one behind it, or zeros."""
    moved = np.roll(maps, 1, axis=0)
    is_first = np.r_[True, session[1:] != session[:-1]]
    behind, is_last = np.roll(maps, -1, axis=0), np.r_[is_first[1:], True]
    moved[is_first] = np.where(is_last[is_first, None], 0.0, behind[is_first])
    return moved
