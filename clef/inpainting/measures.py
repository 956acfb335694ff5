"""Measures of a fill, beside simple guesses: the share of tokens guessed right, and the error of cells in dB.

A cell is the mean over 2 Hz x 10 s of one channel (tokenizer.cells). It counts if all of it was hidden and valid and
its channel carried a signal. Errors are against the decoded tokens of the original: what the codes do not keep is not
the encoder's to fill. Beside them, from the visible cells of the same channel and row:

- median: their median over time, the recording's own spectrum without time.
- nearest: a copy of the nearest visible cell in time.
- training mean: the mean spectrum of the tokenizer's training recordings, the same for everyone; for a band that is
  hidden in the whole recording the other two do not exist.

Shapes: C = 19 channels · R x W token grid · T frames, a multiple of 10 · cells (C, 16, W').
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenizer.cells import BINS_PER_CELL, FRAMES_PER_CELL, ROWS, Array, cells

Mask = NDArray[np.bool_]


def all_cells(spec: NDArray[np.float32]) -> Array:
    """Cells of every column, valid or not: (C, 128, T) dB -> (C, 16, T / 10)."""
    return cells(spec, np.ones(spec.shape[-1], bool))


def cell_mask(tokens: Mask, bins: int, frames: int) -> Mask:
    """Which cells lie wholly in tokens that are true: (R, W) with `bins` and `frames` per token -> (16, W')."""
    fine = tokens.repeat(bins, 0).repeat(frames, 1)
    return fine.reshape(ROWS, BINS_PER_CELL, -1, FRAMES_PER_CELL).all((1, 3))


def median_guess(x: Array, visible: Mask) -> Array:
    """Each channel and row's median over its visible cells, NaN without any: (C, 16, W'), (16, W') -> (C, 16, W')."""
    guess = np.full(x.shape, np.nan)
    for row in np.flatnonzero(visible.any(1)):
        guess[:, row] = np.median(x[:, row, visible[row]], axis=-1, keepdims=True)
    return guess


def nearest_guess(x: NDArray, visible: Mask) -> Array:
    """The nearest visible cell in time, the earlier of two: (…, R, W), (R, W) -> (…, R, W), NaN without any."""
    guess, columns = np.full(x.shape, np.nan), np.arange(x.shape[-1])
    for row in np.flatnonzero(visible.any(1)):
        shown = np.flatnonzero(visible[row])
        guess[..., row, :] = x[..., row, shown[np.abs(columns[:, None] - shown).argmin(1)]]
    return guess


def training_guess(x: Array, mean_db: NDArray[np.float32]) -> Array:
    """The training recordings' mean per bin (128,) dB as cells like x (C, 16, W')."""
    return np.broadcast_to(mean_db.reshape(ROWS, BINS_PER_CELL).mean(1)[:, None], x.shape).astype(np.float64)


def cell_error(x: Array, y: Array, where: Mask, channel_ok: Mask) -> float | None:
    """Mean |x − y| in dB over cells `where` (16, W') of the channels that are ok; None if a guess is missing."""
    apart = np.abs(x - y)[channel_ok][:, where]
    return float(apart.mean()) if apart.size and np.isfinite(apart).all() else None


def share_right(truth: NDArray[np.int64], guess: NDArray, hidden: Mask) -> float | None:
    """Share of hidden tokens guessed right: (R, W) each; None if a guess is missing (NaN)."""
    guess = guess[hidden]
    return None if np.isnan(guess.astype(np.float64)).any() else float((truth[hidden] == guess).mean())


def commonest_guess(tokens: NDArray[np.int64], visible: Mask) -> Array:
    """The commonest visible token of each row: (R, W), (R, W) -> (R, W), NaN without any."""
    guess = np.full(tokens.shape, np.nan)
    for row in np.flatnonzero(visible.any(1)):
        guess[row] = np.bincount(tokens[row, visible[row]]).argmax()
    return guess


def token_numbers(tokens: NDArray, filled: NDArray, log_p: NDArray, valid: Mask, hidden: Mask) -> dict[str, Any]:
    """Share of hidden tokens guessed right by each way of guessing, and the cross-entropy of one pass in nats.

    tokens, filled (R, W) int64 · log_p (V, K) of the hidden tokens in one pass · valid (W,) · hidden (R, W) bool
    """
    visible, truth, likeliest = valid & ~hidden, tokens[hidden], tokens.copy()
    likeliest[hidden] = log_p.argmax(-1)
    guesses = {
        "filled": filled,
        "likeliest": likeliest,
        "nearest": nearest_guess(tokens, visible),
        "commonest": commonest_guess(tokens, visible),
    }
    return {
        "right": {name: share_right(tokens, guess, hidden) for name, guess in guesses.items()},
        "cross_entropy_nats": float(-log_p[np.arange(len(truth)), truth].mean(dtype=np.float64)),
        "uniform_nats": math.log(log_p.shape[1]),
    }


def cell_numbers(
    original: NDArray, guesses: dict[str, NDArray], mean_db: NDArray, valid: Mask, hidden: Mask, channel_ok: Mask
) -> dict[str, float | None]:
    """Mean error in dB of the hidden cells, by way of guessing; None where there is nothing to guess from.

    original, guesses: decoded (C, 128, T) dB · mean_db (128,) · valid (W,) · hidden (R, W) bool · channel_ok (C,)
    """
    bins, frames = 128 // len(hidden), original.shape[2] // hidden.shape[1]
    where, visible = cell_mask(hidden, bins, frames), cell_mask(valid & ~hidden, bins, frames)
    x = all_cells(original)
    simple = {"median": median_guess(x, visible), "nearest": nearest_guess(x, visible)}
    every = {name: all_cells(guess) for name, guess in guesses.items()} | simple
    every["training mean"] = training_guess(x, mean_db)
    return {name: cell_error(x, y, where, channel_ok) for name, y in every.items()}
