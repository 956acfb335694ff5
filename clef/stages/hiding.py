"""Masking strategies: in which order the tokens of a session are hidden.

A strategy is a function (ok, settings, rng) -> order, as `Strategy` says. A new one is a function, here or in a file of
its own, and one line in `clef.stages.masks.STRATEGIES`, by whose name `recon.masking=` chooses it.

MAGE's order is random. Ours go through whole blocks of time or bands of frequency, as a hidden token among visible
neighbours can be guessed by copying them (spans: SpecAugment, Park et al. 2019, arXiv 1904.08779).

Shapes: R rows x W columns of the token grid · V valid tokens.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

SHORTEST_BLOCK = 2  # columns

Strategy = Callable[[np.ndarray, Any, np.random.Generator], np.ndarray]
"""ok (R, W) bool, the settings of masking, a generator -> places (V,) of the valid tokens in the flat grid, in the
order in which they are hidden. Every valid token stands in it once; all randomness is the generator's."""


class BlockSettings(Protocol):
    """The settings that the strategies below read."""

    block_columns: int
    band_rows: int


def at_random(ok: np.ndarray, settings: BlockSettings, rng: np.random.Generator) -> np.ndarray:
    """Tokens in random order."""
    return rng.permutation(np.flatnonzero(ok))


def in_blocks_of_time(ok: np.ndarray, settings: BlockSettings, rng: np.random.Generator) -> np.ndarray:
    """Blocks of whole columns, one after another; tokens of a column in random order."""
    order, columns = at_random(ok, settings, rng), ok.shape[1]
    turn = places_in_blocks(columns, SHORTEST_BLOCK, settings.block_columns, rng)[order % columns]
    return order[np.argsort(turn, kind="stable")]


def in_bands_of_frequency(ok: np.ndarray, settings: BlockSettings, rng: np.random.Generator) -> np.ndarray:
    """Bands of whole rows, one after another; tokens of a row in random order."""
    order, (rows, columns) = at_random(ok, settings, rng), ok.shape
    turn = places_in_blocks(rows, 1, settings.band_rows, rng)[order // columns]
    return order[np.argsort(turn, kind="stable")]


def mixed(ok: np.ndarray, settings: BlockSettings, rng: np.random.Generator) -> np.ndarray:
    """One of the three above, drawn for each session."""
    strategies = (at_random, in_blocks_of_time, in_bands_of_frequency)
    return strategies[rng.integers(len(strategies))](ok, settings, rng)


def places_in_blocks(length: int, least: int, most: int, rng: np.random.Generator) -> np.ndarray:
    """Cut `length` lines into blocks of `least` to `most` and shuffle these: the new place (length,) of each line.

    One block at an edge may be cut short. Blocks go up or down: where the ratio cuts one, both ends are as likely kept.
    """
    sizes = rng.integers(least, most + 1, length // least + 2)
    block = np.repeat(rng.permutation(len(sizes)), sizes)[:length]
    places = np.empty(length, np.uint16)  # sorted by counting
    places[np.argsort(block, kind="stable")] = np.arange(length)
    return places if rng.random() < 0.5 else places[::-1]
