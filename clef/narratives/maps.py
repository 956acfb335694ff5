"""Maps of sessions as their tokens give them back: band power at each electrode, every ten seconds.

The tokenizer decodes tokens, and the maps are those of the spectrogram that comes of it (`tokenizer.maps`): no
recording is needed, and a map says what the tokens hold. Each stretch is decoded by itself: the decoder looks some
columns ahead, and a text must not know what comes after its stretch.

Shapes: W columns of 10 s · Q = 76 numbers of a map · m stretches of k columns.
"""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clef.narratives.texts import COLUMNS, PartScope
from tokenizer.base.progress import track
from tokenizer.cells import FRAMES_PER_CELL
from tokenizer.maps import NUMBERS, band_maps
from tokenizer.store import Tokens
from tokenizer.vqgan import VQGAN

AT_ONCE = 32
"""Stretches that are decoded together."""
LEAST_SD = 1e-3
"""dB; of a number that hardly varies, nothing is made."""


class SessionMaps:
    """The maps of sessions in memory: each session's are made when it is first asked for, and kept."""

    def __init__(self, source: Tokens, vqgan: VQGAN, scope: PartScope):
        """Raises ValueError with one line if the tokens are of other stretches than 10 s."""
        if vqgan.config.frames_per_token != FRAMES_PER_CELL:
            raise ValueError(
                f"narrator.maps=true: maps are of {FRAMES_PER_CELL} s, and a token of this tokenizer of "
                f"{vqgan.config.frames_per_token} s; take narrator.maps=false, or tokens of a tokenizer of "
                f"{FRAMES_PER_CELL} s (vqgan.frames_per_token)"
            )
        self.source, self.vqgan, self.length = source, vqgan.eval(), COLUMNS[scope]
        self.kept: dict[int, NDArray[np.float32]] = {}

    def of(self, row: int) -> NDArray[np.float32]:
        """Maps (W, Q) dB of a session; NaN for a missing electrode, and throughout where a column is invalid."""
        if row not in self.kept:
            self.kept[row] = self._made(row)
        return self.kept[row]

    def scale(self, rows: Iterable[int]) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (Q,) dB of each number over all maps of these sessions; 0 and 1 of no number."""
        maps = np.concatenate([self.of(row) for row in track(list(rows), "maps")]).astype(np.float64)
        known = ~np.isnan(maps)
        count, numbers = known.sum(0).clip(1), np.where(known, maps, 0)
        mean = numbers.sum(0) / count
        sd = np.sqrt(np.where(known, (numbers - mean) ** 2, 0).sum(0) / count)
        return torch.from_numpy(mean).float(), torch.from_numpy(np.where(sd > LEAST_SD, sd, 1)).float()

    def _made(self, row: int) -> NDArray[np.float32]:
        tokens, valid, ok = self.source.tokens[row], self.source.valid[row], self.source.channel_ok[row]
        short, k = -len(valid) % self.length, self.length
        tokens = np.pad(tokens, ((0, 0), (0, short))).reshape(len(tokens), -1, k).swapaxes(0, 1)  # (m, R, k)
        columns = np.pad(valid, (0, short)).reshape(-1, k)
        maps = np.full((*columns.shape, NUMBERS), np.nan, np.float32)
        known = np.flatnonzero(columns.any(1))
        for first in range(0, len(known), AT_ONCE):
            some = known[first : first + AT_ONCE]
            maps[some] = self._decoded(tokens[some], columns[some], ok).reshape(-1, k, NUMBERS)
        maps[~columns] = np.nan
        return maps.reshape(-1, NUMBERS)[: len(valid)]

    @torch.inference_mode()
    def _decoded(
        self, tokens: NDArray[np.uint16], columns: NDArray[np.bool_], ok: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Maps (m k, Q) of stretches (m, R, k), one after another."""
        device = self.vqgan.mean_db.device
        valid = torch.from_numpy(columns.repeat(FRAMES_PER_CELL, 1)).to(device)
        spec = self.vqgan.decode(torch.from_numpy(tokens.astype(np.int64)).to(device), valid)  # (m, C, F, 10 k)
        return band_maps(spec.permute(1, 2, 0, 3).flatten(2).cpu().numpy(), channel_ok=ok)
