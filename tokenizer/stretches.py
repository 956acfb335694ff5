"""Stretches of tokenised sessions, cut from a store in memory and padded side by side.

Shapes: B sessions · R rows x W columns of tokens.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch

from tokenizer.base.files import fingerprint
from tokenizer.store import Tokens

MINUTE = 6
"""Columns of 10 s."""


def valid_spans(valid: np.ndarray) -> np.ndarray:
    """Columns from the first valid one to the last, of each session: (n, W) bool -> (n,) int."""
    first, from_end = valid.argmax(1), valid[:, ::-1].argmax(1)
    return np.where(valid.any(1), valid.shape[1] - from_end - first, 1)


def stretch(valid: np.ndarray, columns: int, rng: np.random.Generator) -> slice:
    """A random stretch of at most `columns` columns inside the span of valid ones of a session (W,)."""
    span = np.flatnonzero(valid)
    first, last = (int(span[0]), int(span[-1]) + 1) if len(span) else (0, 1)
    start = int(rng.integers(first, max(first, last - columns) + 1))
    return slice(start, min(last, start + columns))


def cut(source: Tokens, rows: Sequence[int], stretches: list[slice]) -> dict[str, torch.Tensor]:
    """Stretches of sessions side by side, padded to the longest: tokens (B, R, W) int64, valid (B, W) bool."""
    widest = max(s.stop - s.start for s in stretches)
    tokens = np.zeros((len(rows), source.tokens.shape[1], widest), np.int64)
    valid = np.zeros((len(rows), widest), bool)
    for i, (row, s) in enumerate(zip(rows, stretches, strict=True)):
        tokens[i, :, : s.stop - s.start] = source.tokens[row][:, s]
        valid[i, : s.stop - s.start] = source.valid[row][s]
    return {"tokens": torch.from_numpy(tokens), "valid": torch.from_numpy(valid)}


def shuffled_minutes(sessions: Tokens, seed: int = 0) -> Tokens:
    """The same sessions with their minutes in random order: blocks of `MINUTE` columns change places.

    What an embedding loses by it is what it knew of the order of events. The order follows from the seed and the
    session's name alone.
    """
    tokens, valid = sessions.tokens.copy(), sessions.valid.copy()
    for row, name in enumerate(sessions.session_id):
        used = np.flatnonzero(valid[row])
        if len(used):
            order = minutes_order(used[0], used[-1] + 1, seed, str(name))
            place = slice(used[0], used[-1] + 1)
            tokens[row, :, place], valid[row, place] = tokens[row][:, order], valid[row, order]
    return dataclasses.replace(sessions, tokens=tokens, valid=valid)


def minutes_order(first: int, stop: int, seed: int, name: str) -> np.ndarray:
    """Columns `first` to `stop` in the order of shuffled minutes: (stop − first,) int."""
    blocks = np.split(np.arange(first, stop), np.arange(MINUTE, stop - first, MINUTE))
    rng = np.random.default_rng(int(fingerprint(str(seed), name)[:12], 16))
    return np.concatenate([blocks[i] for i in rng.permutation(len(blocks))])
