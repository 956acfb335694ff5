"""stage=tokenizer: learn the VQGAN on random crops of the training recordings, read on the fly.

Loss: L1 + L1 on each channel's deviation from the mean over channels (so that lateralised and focal activity is
not averaged away) + 0.1·(1 − correlation) + commitment + a small, late PatchGAN hinge. Invalid frames and missing
channels count nowhere.

Shapes: B crops · C = 19 channels · F = 128 bins · T frames of a crop · R, W rows and columns of the token grid.
"""

import dataclasses
import logging
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor

from clef.discriminator import Discriminator
from clef.stage import Batch, Objective, session_order
from tokenizer.progress import track
from tokenizer.readings import Reading, ReadingConfig, Spectrograms
from tokenizer.vqgan import VQGAN, VQGANConfig

log = logging.getLogger(__name__)


@dataclasses.dataclass
class TokenizerStageConfig:
    """Settings of stage=tokenizer beside the loop's and the network's."""

    crop_frames: int = 640
    """Seconds in a training crop; a multiple of 20."""
    crops_per_reading: int = 4
    """Crops taken each time a recording is read; more of them read less and repeat more."""
    deviation_weight: float = 1.0
    """Weight of the L1 on each channel's deviation from the mean over channels."""
    correlation_weight: float = 0.1
    """Weight of 1 − correlation between original and reconstruction of a crop."""
    commitment_weight: float = 0.25
    """Weight of the pull of encoder outputs towards their codes."""
    quantise_from: float = 0.1
    """Share of the steps after which codes are used; before it the network is a plain autoencoder."""
    gan_weight: float = 0.02
    """Weight of the adversarial term; 0 trains without a discriminator."""
    gan_start: float = 0.75
    """Share of the steps after which the adversarial term counts."""
    scale_sessions: int = 64
    """Training recordings read once at the start for mean and sd per frequency."""
    validation_sessions: int = 16
    """Held-out recordings the loss is watched on."""


class TokenizerObjective(Objective):
    """The VQGAN, its discriminator and their losses."""

    def __init__(self, vqgan: VQGAN, config: TokenizerStageConfig, seed: int):
        super().__init__()
        self.vqgan, self.config, self.seed = vqgan, config, seed
        self.discriminator = Discriminator() if config.gan_weight else None

    def forward(self, batch: Batch, totals: dict[str, float], progress: float) -> dict[str, Tensor]:
        valid, ok = batch["valid"], batch["channel_ok"]
        x = self.vqgan.scale(batch["spec"])
        out = self.vqgan(x, valid, ok, quantise=progress >= self.config.quantise_from)
        y = out["reconstruction"].float()
        counts = (valid[:, None, None] & ok[:, :, None, None]).float()  # (B, C, 1, T)
        terms = {
            "l1": _mean_per_frame((x - y).abs(), counts),
            "deviation": _mean_per_frame((_deviation(x, ok) - _deviation(y, ok)).abs(), counts),
            "decorrelation": (1 - _correlation(x, y, counts)) * valid.sum(1),
            "commitment": (out["commitment"] * out["counted"]).mean(1).sum(1) * self.vqgan.config.frames_per_token,
        }
        shares = {k: v.sum() / totals["frames"] for k, v in terms.items()}  # per valid frame
        c = self.config
        loss = shares["l1"] + c.deviation_weight * shares["deviation"] + c.correlation_weight * shares["decorrelation"]
        loss = loss + c.commitment_weight * shares["commitment"]
        if self.discriminator is not None and progress >= c.gan_start:
            share = valid.sum(1) / totals["frames"]  # (B,)
            judge, fooled = self.discriminator.hinge(x * counts, y * counts)
            shares |= {"judge": (judge * share).sum(), "fooled": (fooled * share).sum()}
            loss = loss + c.gan_weight * shares["fooled"] + shares["judge"]
        mae = _mean_per_frame(self.vqgan.sd_db[:, None] * (x - y).abs(), counts).sum() / totals["frames"]
        return {"loss": loss, **shares, "mae_db": mae}

    def after_step(self, step: int) -> dict[str, float]:
        return self.vqgan.codebook.learn(seed=self.seed * 1_000_003 + step)

    def save_model(self, folder: Path) -> None:
        self.vqgan.save_pretrained(folder / "tokenizer")


class Crops:
    """Random crops of the training recordings: sample number -> crop, as a pure function of the seed."""

    def __init__(
        self, cohort: str, sessions: pl.DataFrame, config: TokenizerStageConfig, reading: ReadingConfig, seed: int
    ):
        self.config, self.seed = config, seed
        self.train = Spectrograms(cohort, sessions.filter(pl.col("split") == "train"), reading)
        held_out = sessions.filter(pl.col("split") == "val").head(config.validation_sessions)
        self.held_out = Spectrograms(cohort, held_out, reading)
        if not len(self.train):
            raise ValueError(f"cohort={cohort}: no session has split train; there is nothing to learn from")
        self._validation: list[Batch] | None = None
        self._recent: OrderedDict[int, Reading] = OrderedDict()

    def batch(self, numbers: Sequence[int]) -> Batch:
        return collate([self._crop(n) for n in numbers])

    def _crop(self, number: int) -> Reading:
        turn = number // self.config.crops_per_reading
        reading = self._read(session_order(self.seed, turn, len(self.train)))
        rng = np.random.default_rng((self.seed, 1, number))
        return crop(reading, self.config.crop_frames, rng.random())

    def _read(self, row: int) -> Reading:
        """One recording serves all crops of its turn; it is not kept longer."""
        if row not in self._recent:
            self._recent[row] = self.train[row]
            if self._recent[row].reason:
                log.warning("left out %s: %s", self.train.rows[row]["session_id"], self._recent[row].reason)
            while len(self._recent) > 2:
                self._recent.popitem(last=False)
        return self._recent[row]

    def validation(self) -> list[Batch]:
        """The start of each held-out recording, read once and kept."""
        if self._validation is None:
            readings = [self.held_out[i] for i in range(len(self.held_out))]
            crops = [crop(r, self.config.crop_frames, 0.0) for r in readings if not r.reason]
            self._validation = [collate(crops[i : i + 8]) for i in range(0, len(crops), 8)]
        return self._validation

    def scale(self) -> tuple[Tensor, Tensor]:
        """Mean and sd of dB per frequency bin (128,) over some training recordings, valid frames and channels only.

        Raises ValueError if none of them can be read.
        """
        rows = np.random.default_rng((self.seed, 2)).permutation(len(self.train))[: self.config.scale_sessions]
        sums = torch.zeros(3, 128, dtype=torch.float64)
        reasons = []
        for row in track(rows.tolist(), "mean and sd per frequency"):
            reading = self.train[row]
            if reading.reason:
                reasons.append(reading.reason)
                continue
            cells = reading.spec[reading.channel_ok][:, :, reading.valid].double()  # (C', F, T')
            n = torch.full((128,), cells[:, 0].numel(), dtype=torch.float64)
            sums += torch.stack([cells.sum((0, 2)), cells.square().sum((0, 2)), n])
        if not sums[2].all():
            raise ValueError(f"none of {len(rows)} training recordings could be read; the first: {reasons[0]}")
        mean = sums[0] / sums[2]
        sd = (sums[1] / sums[2] - mean.square()).clamp_min(1e-6).sqrt()
        return mean.float(), sd.float()


def crop(reading: Reading, frames: int, where: float) -> Reading:
    """`frames` frames of a reading from the share `where` of what is possible; padded and invalid past its end."""
    start = round(where * max(0, reading.spec.shape[-1] - frames))
    spec, valid = reading.spec[..., start : start + frames], reading.valid[start : start + frames]
    missing = frames - spec.shape[-1]
    pad = torch.nn.functional.pad
    return Reading(pad(spec, (0, missing)), pad(valid, (0, missing)), reading.channel_ok)


def collate(crops: list[Reading]) -> Batch:
    """Crops of one length -> spec (B, 19, 128, T), valid (B, T), channel_ok (B, 19) and the number of valid frames."""
    batch: dict[str, Any] = {k: torch.stack([getattr(c, k) for c in crops]) for k in ("spec", "valid", "channel_ok")}
    return batch | {"counts": {"frames": float(batch["valid"].sum())}}


def _mean_per_frame(error: Tensor, counts: Tensor) -> Tensor:
    """Error (B, C, F, T), counts (B, C, 1, T) -> sum over frames of the mean over channels and bins (B,)."""
    channels = counts.amax(-1).sum(1).clamp_min(1)  # (B, 1)
    return (error * counts).mean(2).sum((1, 2)) / channels[:, 0]


def _deviation(x: Tensor, ok: Tensor) -> Tensor:
    """Each channel's deviation from the mean over the channels there are: (B, C, F, T)."""
    share = ok.float() / ok.float().sum(1, keepdim=True).clamp_min(1)
    return x - torch.einsum("bcft,bc->bft", x, share)[:, None]


def _correlation(x: Tensor, y: Tensor, counts: Tensor) -> Tensor:
    """Pearson correlation over the counted cells of each crop (B,)."""
    n = (counts.sum((1, 2, 3)) * x.shape[2]).clamp_min(1)
    x, y = ((v - ((v * counts).sum((1, 2, 3)) / n)[:, None, None, None]) * counts for v in (x, y))
    product = (x * y).sum((1, 2, 3))
    return product / (x.square().sum((1, 2, 3)) * y.square().sum((1, 2, 3))).clamp_min(1e-6).sqrt()


def make_vqgan(config: VQGANConfig, samples: Crops) -> VQGAN:
    """A fresh VQGAN with the scale of the training recordings."""
    vqgan = VQGAN(config)
    vqgan.set_scale(*samples.scale())
    return vqgan
