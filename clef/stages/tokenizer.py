"""stage=tokenizer: learn the VQGAN on random crops of the training recordings, read on the fly.

Loss, in units of the spread per frequency (`VQGAN.split`): L1 of each channel + L1 of each channel's deviation from the
mean over channels, so that lateralised and focal activity is not averaged away; the same two on cells of one token
(2 Hz x 10 s), where the noise of the spectrogram is a third; L1 of what differs between channels throughout a crop;
0.1·(1 − correlation); commitment; and a small, late PatchGAN hinge. Invalid frames and missing channels count nowhere.
Some channels are hidden from the encoder and still asked for, so that a missing electrode does no harm.

Shapes: B crops · C = 19 channels · P = 1 + C planes · F = 128 bins · T frames of a crop · R, W rows and columns of the
token grid.
"""

import dataclasses
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from clef.stages.crops import Crops, CropsConfig
from clef.stages.inputs import Inputs, trained_on
from clef.stages.stage import Batch, Objective, Preview, Samples
from tokenizer.reading.read import ReadingConfig
from tokenizer.sessions import read_sessions
from tokenizer.vqgan import VQGAN, VQGANConfig

SLOWEST = 0.05
"""Pace of the codebook at the end of training."""


@dataclasses.dataclass
class TokenizerStageConfig(CropsConfig):
    """Settings of stage=tokenizer beside the loop's and the network's."""

    deviation_weight: float = 1.0
    """Weight of the inter-channel terms: L1 on each channel's deviation from the mean over channels; 0 is plain L1."""
    cell_weight: float = 1.0
    """Weight of the same terms on averages over 2 Hz x 10 s."""
    static_weight: float = 1.0
    """Weight of the L1 on deviations averaged over the whole crop; counts with deviation_weight."""
    peak_weight: float = 0.0
    """Weight of the L1 on the highest second of each token: the largest over 10 s of the mean over 2 Hz."""
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


class TokenizerObjective(Objective):
    """The VQGAN, its discriminator and their losses."""

    def __init__(self, vqgan: VQGAN, config: TokenizerStageConfig, seed: int):
        super().__init__()
        self.vqgan, self.config, self.seed = vqgan, config, seed
        self.discriminator = Discriminator() if config.gan_weight else None
        self.pace = 1.0

    def forward(self, batch: Batch, totals: dict[str, float], progress: float) -> dict[str, Tensor]:
        self.pace = codebook_pace(progress) if self.training else self.pace
        valid, ok = batch["valid"], batch["channel_ok"]
        seen, level = batch["channel_seen"], batch["level"]
        out = self.vqgan(batch["spec"], valid, seen, progress >= self.config.quantise_from, level)
        made, wanted = out["planes"].float(), self.vqgan.split(self.vqgan.levelled(batch["wanted"], level), ok)
        counts = (valid[:, None, None] & ok[:, :, None, None]).float()  # (B, C, 1, T)
        x, y = self._channels(wanted) * counts, self._channels(made) * counts
        deviation = (wanted - made)[:, 1:] * counts
        terms = {
            "l1": _mean_per_frame(x - y, counts),
            "deviation": _mean_per_frame(deviation, counts),
            "decorrelation": (1 - _correlation(x, y, counts)) * valid.sum(1),
            "commitment": (out["commitment"] * out["counted"]).mean(1).sum(1) * self.vqgan.config.frames_per_token,
        }
        terms |= self._cell_terms(x - y, deviation, counts)
        if self.config.peak_weight:
            terms["peak"] = self._peak_term(x, y, counts)
        shares = {k: v.sum() / totals["frames"] for k, v in terms.items()}  # per valid frame
        c = self.config
        loss = shares["l1"] + c.deviation_weight * shares["deviation"] + c.correlation_weight * shares["decorrelation"]
        loss = loss + c.cell_weight * (shares["cell_l1"] + c.deviation_weight * shares["cell_deviation"])
        loss = loss + c.deviation_weight * c.static_weight * shares["static"]
        if c.peak_weight:
            loss = loss + c.peak_weight * shares["peak"]
        loss = loss + c.commitment_weight * shares["commitment"]
        if self.discriminator is not None and progress >= c.gan_start:
            share = valid.sum(1) / totals["frames"]  # (B,)
            judge, fooled = self.discriminator.hinge(x, y)
            shares |= {"judge": (judge * share).sum(), "fooled": (fooled * share).sum()}
            loss = loss + c.gan_weight * shares["fooled"] + shares["judge"]
        mae = _mean_per_frame(self.vqgan.sd_db[:, None] * (x - y), counts).sum() / totals["frames"]
        return {"loss": loss, **shares, "mae_db": mae}

    def _channels(self, planes: Tensor) -> Tensor:
        """Planes (B, P, F, T) -> channels (B, C, F, T) in units of their sd per frequency."""
        return planes[:, :1] + planes[:, 1:] * (self.vqgan.deviation_db / self.vqgan.sd_db)[:, None]

    def _cell_terms(self, error: Tensor, deviation: Tensor, counts: Tensor) -> dict[str, Tensor]:
        """The terms on averages over one token, and over a crop; errors (B, C, F, T) are zero where nothing counts."""
        frames = self.vqgan.cell[1]
        whole = (_cells(counts, (1, frames)) == 1).float()  # (B, C, 1, W)
        cells, between = (_cells(e, self.vqgan.cell) * whole for e in (error, deviation))  # (B, C, R, W)
        columns = whole.sum(-1, keepdim=True)
        static = between.sum(-1, keepdim=True) / columns.clamp_min(1) * columns  # (B, C, R, 1)
        return {
            "cell_l1": frames * _mean_per_frame(cells, whole),
            "cell_deviation": frames * _mean_per_frame(between, whole),
            "static": frames * _mean_per_frame(static, (columns > 0).float()),
        }

    def _peak_term(self, x: Tensor, y: Tensor, counts: Tensor) -> Tensor:
        """|difference of the highest seconds| of each token of channels (B, C, F, T), summed over frames (B,)."""
        bins, frames = self.vqgan.cell
        whole = (_cells(counts, (1, frames)) == 1).float()
        peaks = [_cells(v, (bins, 1)).unflatten(3, (-1, frames)).amax(-1) for v in (x, y)]
        return frames * _mean_per_frame((peaks[0] - peaks[1]) * whole, whole)

    def after_step(self, step: int) -> dict[str, float]:
        return self.vqgan.codebook.learn(self.seed * 1_000_003 + step, self.pace)

    def save_model(self, folder: Path) -> None:
        self.vqgan.save_pretrained(folder / "tokenizer")


def codebook_pace(progress: float) -> float:
    """How far codes move in a step after a share of training: less and less in its second half, at least `SLOWEST`."""
    return max(SLOWEST, min(1.0, 2 * (1 - progress)))


def _mean_per_frame(error: Tensor, counts: Tensor) -> Tensor:
    """Error (B, C, F, T), counts (B, C, 1, T) -> sum over frames of the mean |error| over channels and bins (B,)."""
    channels = counts.amax(-1).sum(1).clamp_min(1)  # (B, 1)
    return (error.abs() * counts).mean(2).sum((1, 2)) / channels[:, 0]


def _cells(x: Tensor, cell: tuple[int, int]) -> Tensor:
    """Averages over cells of (bins, frames): (B, C, F, T) -> (B, C, F / bins, T / frames)."""
    return x.unflatten(3, (-1, cell[1])).unflatten(2, (-1, cell[0])).mean((3, 5))


def _correlation(x: Tensor, y: Tensor, counts: Tensor) -> Tensor:
    """Pearson correlation over the counted cells of each crop (B,)."""
    n = (counts.sum((1, 2, 3)) * x.shape[2]).clamp_min(1)
    x, y = ((v - ((v * counts).sum((1, 2, 3)) / n)[:, None, None, None]) * counts for v in (x, y))
    product = (x * y).sum((1, 2, 3))
    return product / (x.square().sum((1, 2, 3)) * y.square().sum((1, 2, 3))).clamp_min(1e-6).sqrt()


# ---- the discriminator
class Discriminator(nn.Module):
    """A small PatchGAN: scaled spectrogram (B, C, F, T) -> realness of each patch (B, 1, F/16, T/16).

    Isola et al. 2017 (arXiv 1611.07004); hinge losses of Lim & Ye 2017 (arXiv 1705.02894). Only training needs it, so
    it is no part of the tokenizer.
    """

    def __init__(self, channels: int = 19, width: int = 32):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 4, 4),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 2 * width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 3, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)

    def frozen(self, x: Tensor) -> Tensor:
        """The same, but gradients reach only x: the generator must not teach its judge."""
        return functional_call(self, {n: p.detach() for n, p in self.named_parameters()}, (x,))

    def hinge(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Losses of judge and generator (B,), means over patches; the judge sees a detached reconstruction."""
        judge = F.relu(1 - self(real)) + F.relu(1 + self(fake.detach()))  # (B, 1, F/16, T/16)
        return judge.mean((1, 2, 3)) / 2, -self.frozen(fake).mean((1, 2, 3))


# ---- the stage
def build(
    inputs: Inputs, reading: ReadingConfig, vqgan: VQGANConfig, tokenizer_stage: TokenizerStageConfig
) -> tuple[Objective, Samples]:
    """The VQGAN with the scale of the training recordings, and crops of them.

    Raises ValueError if crops are no whole number of tokens long, or if there is no recording to learn from.
    """
    frames, least = tokenizer_stage.crop_frames, vqgan.frames_per_token
    if least < 1 or frames < least or frames % least:
        raise ValueError(f"tokenizer_stage.crop_frames={frames}: must be a multiple of vqgan.frames_per_token={least}")
    sessions = read_sessions(inputs.cohort)
    samples = Crops(inputs.cohort, sessions, tokenizer_stage, reading, inputs.seed, vqgan.reference)
    network = make_vqgan(vqgan, samples)
    network.about = {"stage": "tokenizer", "trained_on": trained_on(sessions["subject_id"], sessions["split"])}
    return TokenizerObjective(network, tokenizer_stage, inputs.seed), samples


def make_vqgan(config: VQGANConfig, samples: Crops) -> VQGAN:
    """A fresh VQGAN with the scale of the training recordings."""
    vqgan = VQGAN(config)
    vqgan.set_scale(*samples.scale(config.level == "session"))
    return vqgan


def preview(settings: dict[str, Any]) -> Preview:
    """The size of the network; its speed depends on how fast recordings are read, so it takes some to time a step."""
    count = sum(p.numel() for p in VQGAN(settings["vqgan"]).parameters())
    return Preview([f"parameters: {count / 1e6:.1f} M in the tokenizer"])
