"""Which tokens of a session are hidden and which enter the encoder (MAGE, Li et al. 2023, arXiv 2211.09117).

A mask ratio is drawn from a normal (0.55, 0.25) cut to [0.5, 1]. A strategy (`clef.stages.hiding`) puts the valid
tokens in an order; the first `ratio` of them are hidden, and the first half, all of them hidden, is dropped before the
encoder.

Shapes: B sessions · R rows x W columns · N = R·W tokens, row-major · M kept tokens.
"""

import dataclasses
from typing import Literal

import numpy as np
import torch
from scipy.special import ndtr, ndtri
from torch import Tensor

from clef.stages import hiding
from clef.stages.hiding import SHORTEST_BLOCK, Strategy

STRATEGIES: dict[str, Strategy] = {
    "random": hiding.at_random,
    "time": hiding.in_blocks_of_time,
    "frequency": hiding.in_bands_of_frequency,
    "mixed": hiding.mixed,
}


@dataclasses.dataclass
class MaskConfig:
    """How many tokens are hidden, and which."""

    masking: Literal[tuple(STRATEGIES)] = "random"
    """random tokens (MAGE), blocks of columns (time), bands of rows (frequency), or one of these per sample (mixed)."""
    mask_mean: float = 0.55
    """Mean of the normal the mask ratio is drawn from."""
    mask_sd: float = 0.25
    """Its standard deviation."""
    mask_least: float = 0.5
    """Smallest mask ratio; also the share of tokens dropped before the encoder."""
    block_columns: int = 16
    """Longest block of masking=time, in columns (10 s each on the 16 x 128 grid); lengths are drawn from 2 up to it."""
    band_rows: int = 4
    """Widest band of masking=frequency, in rows (2 Hz each on the 16 x 128 grid); widths are drawn from 1 up to it."""

    def check(self) -> None:
        """Raise ValueError for settings no mask can be drawn with."""
        if not 0 <= self.mask_least < 1:
            raise ValueError(f"recon.mask_least={self.mask_least}: must be at least 0 and below 1")
        if not self.mask_sd > 0:
            raise ValueError(f"recon.mask_sd={self.mask_sd}: must be above 0")
        if self.block_columns < SHORTEST_BLOCK:
            raise ValueError(f"recon.block_columns={self.block_columns}: must be at least {SHORTEST_BLOCK}")
        if self.band_rows < 1:
            raise ValueError(f"recon.band_rows={self.band_rows}: must be at least 1")


def draw_masks(
    ok: np.ndarray, config: MaskConfig, rng: np.random.Generator, quantile: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Hidden and kept tokens of one session: ok (R, W) bool -> hidden (R, W), kept (R, W) bool.

    Exactly the mask ratio of the valid tokens, rounded up, is hidden; the ratio is drawn, or the given quantile of its
    distribution. "Half" is half of the valid tokens. Every dropped token is hidden; hidden ones that are kept enter as
    mask tokens. The last column or row to be hidden is hidden in part, at random places, where the ratio asks for it.
    """
    ratio = mask_ratio(rng.random() if quantile is None else quantile, config)
    order = STRATEGIES[config.masking](ok, config, rng)
    hidden, kept = np.zeros(ok.shape, bool), ok.copy()
    hidden.flat[order[: int(np.ceil(ratio * len(order)))]] = True
    kept.flat[order[: int(config.mask_least * len(order))]] = False
    return hidden, kept


def mask_ratio(quantile: float, config: MaskConfig) -> float:
    """A quantile of the normal (mask_mean, mask_sd) cut to [mask_least, 1]: scipy's truncnorm.ppf, but fast."""
    low, high = ((edge - config.mask_mean) / config.mask_sd for edge in (config.mask_least, 1.0))
    side = -1.0 if low > 0 else 1.0  # in the upper tail the distribution function is all ones
    below, above = ndtr(side * low), ndtr(side * high)
    ratio = config.mask_mean + config.mask_sd * side * ndtri(below + quantile * (above - below))
    return float(min(max(ratio, config.mask_least), 1.0))


def kept_positions(kept: np.ndarray) -> dict[str, Tensor]:
    """Kept tokens (B, N) bool -> their positions kept (B, M) int64 and kept_ok (B, M) bool, M the most in a row.

    Places past a row's own kept tokens point at tokens it does not keep, so that no position stands twice.
    """
    most = max(1, int(kept.sum(1).max()))
    order = np.argsort(~kept, axis=1, kind="stable")[:, :most]
    return {"kept": torch.from_numpy(order), "kept_ok": torch.from_numpy(np.take_along_axis(kept, order, 1))}
