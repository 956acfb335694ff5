"""Stacks: training sets of like size put side by side in padded arrays, each rotated onto the span of its own rows.

A solution of a penalised linear model lies in the span of its training rows. So n rows of any width become at most n
coordinates with the same inner products, from the eigenvectors of their Gram matrix: u = zᵀA/√λ, where
A λ Aᵀ = z zᵀ. Small training sets (a few labelled people) are then cheap at any width, and many fit into one array.

Shapes: S sets · K weightings · n rows · r coordinates; the padding has weight 0 and coordinate 0.
"""

import dataclasses
from collections.abc import Iterable

import numpy as np

from benchmark.scores.probing.whitening import Space

SMALL = 128  # training rows up to which sets are stacked; larger ones keep numpy busy on their own
BUCKET = 16


@dataclasses.dataclass
class Draw:
    """Rows that a probe may be fitted on, and which of them are held out in turn to choose by.

    fit: (m,) row numbers · held_out: masks (m,) · chosen_on: in words · seed: of what a probe draws itself
    """

    fit: np.ndarray
    held_out: list[np.ndarray]
    chosen_on: str
    seed: int = 0


@dataclasses.dataclass
class Block:
    """One space of one embedding with the draws that share a training set.

    gram: (n, U) inner products of all rows with some, of which the training rows are the columns place (m,)
    turned: the rotation, once it was made: coordinates (m, m) of the training rows, and from Gram columns to them
    """

    space: Space
    draws: list[int]
    fit: np.ndarray
    gram: np.ndarray | None = None
    place: np.ndarray | None = None
    turned: tuple[np.ndarray, np.ndarray] | None = None


@dataclasses.dataclass
class Stack:
    """Blocks side by side: coordinates z (S, n, r) of their training rows, and used (S, n) bool, false for padding."""

    blocks: list[Block]
    z: np.ndarray
    used: np.ndarray
    turns: np.ndarray | None
    """(S, n, n) from Gram columns to coordinates; None for a lone block whose rows are taken as they are."""

    def put(self, values: list[np.ndarray]) -> np.ndarray:
        """Values (m,) of each block's training rows as one array (S, n), the padding 0."""
        out = np.zeros(self.used.shape, values[0].dtype)
        for row, value in zip(out, values, strict=True):
            row[: len(value)] = value
        return out

    def rows(self) -> np.ndarray:
        """Coordinates (S, N, r) of all rows of the task."""
        if self.turns is None:
            return self.blocks[0].space.along_axes[None]
        every = []
        for block, turn in zip(self.blocks, self.turns, strict=True):
            every.append(block.gram[:, block.place] @ turn[: len(block.place)])
        return np.stack(every)


def make_blocks(spaces: list[Space], draws: list[Draw]) -> list[Block]:
    """A block for each space and each training set, draws of the same set together."""
    sets: dict[bytes, list[int]] = {}
    for i, draw in enumerate(draws):
        sets.setdefault(draw.fit.tobytes(), []).append(i)
    blocks = [Block(space, same, draws[same[0]].fit) for space in spaces for same in sets.values()]
    for space in spaces:
        _share_gram([block for block in blocks if block.space is space])
    return blocks


def _share_gram(blocks: list[Block]) -> None:
    """One Gram matrix for all small training sets of a space, one for each large one that is wider than long."""
    small = [block for block in blocks if len(block.fit) <= SMALL]
    if small:
        some = np.unique(np.concatenate([block.fit for block in small]))
        gram = small[0].space.z @ small[0].space.z[some].T
        for block in small:
            block.gram, block.place = gram, np.searchsorted(some, block.fit)
    for block in blocks:
        z = block.space.z
        if len(block.fit) > SMALL and z.shape[1] >= len(block.fit):
            block.gram, block.place = z @ z[block.fit].T, np.arange(len(block.fit))


def make_stacks(blocks: Iterable[Block]) -> list[Stack]:
    """Stacks of blocks with like numbers of rows and draws; a large block stands alone."""
    buckets: dict[tuple[int, ...], list[Block]] = {}
    for i, block in enumerate(blocks):
        small = len(block.fit) <= SMALL
        key = (len(block.draws), -(-len(block.fit) // BUCKET)) if small else (-1, i)
        buckets.setdefault(key, []).append(block)
    return [_stack(same) for same in buckets.values()]


def _stack(blocks: list[Block]) -> Stack:
    if blocks[0].gram is None:
        z = blocks[0].space.along_axes[blocks[0].fit][None]
        return Stack(blocks, z, np.ones(z.shape[:2], bool), None)
    sizes = np.array([len(block.fit) for block in blocks])
    z, turns = np.zeros((2, len(blocks), max(sizes), max(sizes)))
    for i, (block, size) in enumerate(zip(blocks, sizes, strict=True)):
        block.turned = block.turned or _turn(block.gram[np.ix_(block.fit, block.place)])
        z[i, :size, :size], turns[i, :size, :size] = block.turned
    return Stack(blocks, z, np.arange(max(sizes)) < sizes[:, None], turns)


def _turn(gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates (m, m) of rows with Gram matrix (m, m), and the matrix from inner products with them to those."""
    size, axes = np.linalg.eigh(gram)
    kept = size > 1e-12 * max(size[-1], 1e-300)
    root = np.sqrt(np.where(kept, size, 1.0))
    return axes * np.where(kept, root, 0.0), axes * np.where(kept, 1 / root, 0.0)
