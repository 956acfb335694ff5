"""Stretches of tokenised sessions, cut from a store in memory and padded side by side.

Shapes: B sessions · R rows x W columns of tokens.
"""

from collections.abc import Sequence

import numpy as np
import torch

from tokenizer.store import Tokens


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
