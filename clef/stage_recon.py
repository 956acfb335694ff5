"""stage=recon: masked reconstruction of a session's tokens (MAGE, Li et al. 2023, arXiv 2211.09117).

Per sample a mask ratio is drawn from a normal (0.55, 0.25) cut to [0.5, 1]; half of all valid tokens are dropped
before the encoder, all of them hidden ones; cross-entropy with label smoothing on every hidden token.

Shapes: B sessions · R x W token grid · N = R·W · M kept tokens.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from scipy.stats import truncnorm
from torch import Tensor
from torch.nn import functional as F

from clef.encoder import Encoder
from clef.stage import Batch, Objective, session_order
from tokenizer.store import Tokens


@dataclasses.dataclass
class ReconConfig:
    """Settings of stage=recon beside the loop's and the encoder's."""

    mask_mean: float = 0.55
    """Mean of the normal the mask ratio is drawn from."""
    mask_sd: float = 0.25
    """Its standard deviation."""
    mask_least: float = 0.5
    """Smallest mask ratio; also the share of tokens dropped before the encoder."""
    smoothing: float = 0.1
    """Label smoothing of the cross-entropy."""
    columns: int = 128
    """Longest stretch of a session in one sample, in columns of 10 s; a longer session gives a random stretch."""
    validation_sessions: int = 64
    """Held-out sessions the loss is watched on."""


class ReconObjective(Objective):
    """The encoder and decoder and their cross-entropy."""

    def __init__(self, encoder: Encoder, config: ReconConfig):
        super().__init__()
        self.encoder, self.config = encoder, config

    def forward(self, batch: Batch, totals: dict[str, float], progress: float) -> dict[str, Tensor]:
        logits, truth = self.encoder.predict(batch)
        logits = logits.float()
        smoothing = self.config.smoothing if self.training else 0.0
        loss = F.cross_entropy(logits, truth, reduction="sum", label_smoothing=smoothing) / totals["hidden"]
        right = (logits.argmax(-1) == truth).sum() / totals["hidden"]
        return {"loss": loss, "accuracy": right}

    def save_model(self, folder: Path) -> None:
        self.encoder.save_pretrained(folder / "encoder")


class MaskedSessions:
    """Sessions with hidden and dropped tokens: sample number -> masks, as a pure function of the seed."""

    def __init__(self, tokens: Tokens, config: ReconConfig, seed: int):
        self.config, self.seed = config, seed
        self.train = tokens.where(tokens.split == "train")
        self.held_out = tokens.where(tokens.split == "val")
        if not len(self.train):
            raise ValueError("tokens: no session has split train; there is nothing to learn from")
        self._validation: list[Batch] | None = None

    def batch(self, numbers: Sequence[int]) -> Batch:
        rows = [session_order(self.seed, n, len(self.train)) for n in numbers]
        generators = [np.random.default_rng((self.seed, 1, n)) for n in numbers]
        return self._masked(self.train, rows, generators)

    def validation(self) -> list[Batch]:
        """Held-out sessions with masks that never change."""
        if self._validation is None:
            rows = range(min(len(self.held_out), self.config.validation_sessions))
            parts = [list(rows[i : i + 16]) for i in range(0, len(rows), 16)]
            self._validation = [
                self._masked(self.held_out, part, [np.random.default_rng((0, 3, row)) for row in part])
                for part in parts
            ]
        return self._validation

    def _masked(self, source: Tokens, rows: list[int], generators: list[np.random.Generator]) -> Batch:
        stretches = [stretch(source.valid[r], self.config.columns, g) for r, g in zip(rows, generators, strict=True)]
        batch = cut(source, rows, stretches)
        ok = np.repeat(batch["valid"].numpy()[:, None], source.tokens.shape[1], 1).reshape(len(rows), -1)
        masks = [draw_masks(o, self.config, g) for o, g in zip(ok, generators, strict=True)]
        hidden, kept = (np.stack(m) for m in zip(*masks, strict=True))  # (B, N) bool each
        return batch | pack(kept) | {"hidden": torch.from_numpy(hidden), "counts": {"hidden": float(hidden.sum())}}


def draw_masks(ok: np.ndarray, config: ReconConfig, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Hidden and kept tokens of one session: ok (N,) bool -> hidden (N,), kept (N,) bool.

    "Half" is half of the valid tokens. Every dropped token is hidden; hidden ones that are kept enter as mask tokens.
    """
    low, high = ((edge - config.mask_mean) / config.mask_sd for edge in (config.mask_least, 1.0))
    ratio = truncnorm.ppf(rng.random(), low, high, config.mask_mean, config.mask_sd)
    order = rng.permutation(np.flatnonzero(ok))
    hidden, kept = np.zeros(len(ok), bool), ok.copy()
    hidden[order[: int(np.ceil(ratio * len(order)))]] = True
    kept[order[: int(config.mask_least * len(order))]] = False
    return hidden, kept


def pack(kept: np.ndarray) -> dict[str, Tensor]:
    """Kept tokens (B, N) bool -> their positions kept (B, M) int64 and kept_ok (B, M) bool, M the most in a row.

    Places past a row's own kept tokens point at tokens it does not keep, so that no position stands twice.
    """
    most = max(1, int(kept.sum(1).max()))
    order = np.argsort(~kept, axis=1, kind="stable")[:, :most]
    return {"kept": torch.from_numpy(order), "kept_ok": torch.from_numpy(np.take_along_axis(kept, order, 1))}


def stretch(valid: np.ndarray, columns: int, rng: np.random.Generator) -> slice:
    """A random stretch of at most `columns` columns inside the span of valid ones of a session (W,)."""
    span = np.flatnonzero(valid)
    first, last = (int(span[0]), int(span[-1]) + 1) if len(span) else (0, 1)
    start = int(rng.integers(first, max(first, last - columns) + 1))
    return slice(start, min(last, start + columns))


def cut(source: Tokens, rows: list[int], stretches: list[slice]) -> Batch:
    """Stretches of sessions side by side, padded to the longest: tokens (B, R, W) int64, valid (B, W) bool."""
    widest = max(s.stop - s.start for s in stretches)
    tokens = np.zeros((len(rows), source.tokens.shape[1], widest), np.int64)
    valid = np.zeros((len(rows), widest), bool)
    for i, (row, s) in enumerate(zip(rows, stretches, strict=True)):
        tokens[i, :, : s.stop - s.start] = source.tokens[row][:, s]
        valid[i, : s.stop - s.start] = source.valid[row][s]
    return {"tokens": torch.from_numpy(tokens), "valid": torch.from_numpy(valid)}
