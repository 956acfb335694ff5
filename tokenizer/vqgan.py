"""VQGAN over whole-session spectrograms: 19 channels of 128 x T dB in, 16 x T/10 codes out, and back.

Esser et al. 2021 (arXiv 2012.09841): encoder, codebook, decoder, and a patch discriminator while training. We differ:

- A spectrogram enters and leaves as 1 + 19 planes: the mean over channels, and each channel's deviation from it, both
  in units of their own spread per frequency. What differs between channels has a tenth of the variance of what they
  share; on a common scale it is the last thing a network of 13 bits per token would learn.
- The level of a session (tokenizer.level) is taken out before the network and put back after it: a gain of the
  amplifier changes no token. Networks of format 2 without this setting keep it (`level="none"`).
- One patch is one token: all work happens at the token grid. Blocks convolve each row over time (dilated, so that a
  token sees minutes) and mix all rows of a column: a shift-invariant network cannot know frequency, rows here can.
- Normalisation is per position over features (with GroupNorm, padding a session changed 88 % of its tokens), and
  invalid columns are zero at every layer: padding is exactly the same as the end of a session.

Shapes: B batch · C = 19 channels · P = 1 + C planes · F = 128 bins of 0.25 Hz · T frames of 1 s · R = 16 rows ·
W = T/10 columns · D width · E code dimension.
"""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tokenizer.base.hub import ModelPart, build, check_network, load_folder, save_folder
from tokenizer.base.limits import check_settings
from tokenizer.codebook import Codebook
from tokenizer.level import session_level
from tokenizer.quantisers import ProductCodebook, ScalarCodebook, scalar_dimension
from tokenizer.reference import Reference

KIND, FORMAT = "clef-vqgan", 2
"""Format 1 was another network (convolutions at full resolution): its weights fit no layer of this one."""
CHANNELS, BINS = 19, 128
PLANES = 1 + CHANNELS
FLOOR_DB = -40.0
GRIDS = ((8, 10), (16, 5), (4, 20))
"""Bins and frames in one token: 16 x 128, 8 x 256 and 32 x 64 tokens in a session of 1,280 s."""


@dataclasses.dataclass
class VQGANConfig:
    """Size and grid of the tokenizer network."""

    width: int = 192
    """Features of a position."""
    encoder_blocks: int = 3
    """Blocks before the codebook; each sees twice as far in time as the one before."""
    decoder_blocks: int = 4
    """Blocks after the codebook."""
    codes: int = 8192
    """Size of the codebook."""
    code_dimension: int = 32
    """Dimensions of a code vector; quantiser=scalar has its own."""
    quantiser: Literal["vector", "product", "scalar"] = "vector"
    """vector: one codebook; product: a codebook for each half of a vector; scalar: numbers rounded to a fixed grid."""
    bins_per_token: int = 8
    """Frequency bins (0.25 Hz) in one token."""
    frames_per_token: int = 10
    """Frames (1 s) in one token."""
    level: Literal["session", "none"] = "session"
    """session: the level of each session in dB is taken out and kept beside its tokens; none: tokens hold it."""
    reference: Reference = "recorded"
    """recorded: electrodes against what the recording has them against; average: against the mean of all of them."""

    @property
    def vector_length(self) -> int:
        """Numbers in the vector of a code."""
        return scalar_dimension(self.codes) if self.quantiser == "scalar" else self.code_dimension


LIMITS = {
    **{"width": (1, 4096), "encoder_blocks": (1, 64), "decoder_blocks": (1, 64)},
    **{"codes": (1, 65536), "code_dimension": (1, 512)},
}
"""Least and largest of each setting; tokens are stored in 16 bits."""
QUANTISERS = {"vector": Codebook, "product": ProductCodebook, "scalar": ScalarCodebook}


class VQGAN(
    nn.Module,
    ModelPart,
    library_name="clef-eeg",
    tags=["eeg", "tokenizer", "clef"],
    license="apache-2.0",
):
    """Encoder, codebook and decoder. `encode` and `decode` speak dB; scaling is inside."""

    def __init__(self, config: VQGANConfig | None = None):
        super().__init__()
        self.config = c = config or VQGANConfig()
        self.about: dict[str, Any] = {}  # which subjects it was trained on; travels in config.json
        check_settings(c, LIMITS, "vqgan")
        self.cell = (c.bins_per_token, c.frames_per_token)
        if self.cell not in GRIDS:
            raise ValueError(
                f"bins_per_token={c.bins_per_token}, frames_per_token={c.frames_per_token}: expected one of "
                + ", ".join(f"{bins} and {frames}" for bins, frames in GRIDS)
            )
        rows, patch = BINS // c.bins_per_token, PLANES * c.bins_per_token * c.frames_per_token
        self.stem = nn.Linear(patch + CHANNELS, c.width)  # with the patch: which channels there are
        self.stem_row = nn.Parameter(torch.zeros(rows, 1, c.width))
        self.encoder = nn.ModuleList(Block(c.width, rows, 2 ** (i % 4)) for i in range(c.encoder_blocks))
        self.to_code = nn.Sequential(nn.LayerNorm(c.width), nn.Linear(c.width, c.vector_length))
        self.codebook = QUANTISERS[c.quantiser](c.codes, c.vector_length)
        self.from_code = nn.Linear(c.vector_length, c.width)
        self.code_row = nn.Parameter(torch.zeros(rows, 1, c.width))
        self.decoder = nn.ModuleList(Block(c.width, rows, 2 ** (i % 4)) for i in range(c.decoder_blocks))
        self.head = nn.Sequential(nn.LayerNorm(c.width), nn.Linear(c.width, patch))
        # statistics of the training recordings per bin, in dB; set once by `set_scale`
        self.register_buffer("mean_db", torch.zeros(BINS))
        self.register_buffer("sd_db", torch.ones(BINS))
        self.register_buffer("deviation_db", torch.ones(BINS))
        if c.level == "session":
            self.register_buffer("mean_level", torch.zeros(()))

    # ---- dB <-> planes
    def set_scale(self, mean_db: Tensor, sd_db: Tensor, deviation_db: Tensor, mean_level: Tensor | float = 0.0) -> None:
        """Set mean and sd of a channel, and sd of its deviation from the mean over channels: (128,) each, in dB.

        Of spectrograms without their level, unless level="none"; `mean_level`: the mean of these levels, in dB.
        """
        self.mean_db.copy_(mean_db)
        self.sd_db.copy_(sd_db)
        self.deviation_db.copy_(deviation_db)
        if self.config.level == "session":
            self.mean_level.fill_(float(mean_level))

    def levelled(self, spec: Tensor, level: Tensor) -> Tensor:
        """Spectrograms (B, C, F, T) dB without their level (B,) dB, as `split` takes them; level="none" keeps it."""
        if self.config.level == "none":
            return spec
        return spec - level.to(spec).nan_to_num(0.0)[:, None, None, None]  # NaN: nothing in it is valid

    def put_back(self, spec: Tensor, level: Tensor | None) -> Tensor:
        """The inverse of `levelled`: the mean level of the training recordings where one is NaN or none is given."""
        if self.config.level == "none":
            return spec
        level = self.mean_level.expand(len(spec)) if level is None else level.to(spec)
        return spec + torch.where(level.isnan(), self.mean_level, level)[:, None, None, None]

    def split(self, spec: Tensor, channel_ok: Tensor) -> Tensor:
        """dB (B, C, F, T), channel_ok (B, C) bool -> planes (B, P, F, T): the mean, then each channel's deviation."""
        ok = channel_ok[:, :, None, None].to(spec.dtype)
        mean = (spec * ok).sum(1, keepdim=True) / ok.sum(1, keepdim=True).clamp_min(1)
        # a missing channel's deviation is 0, as if it were the mean: the network is told apart from it by channel_ok
        common = (mean - self.mean_db[:, None]) / self.sd_db[:, None]
        return torch.cat([common, (spec - mean) * ok / self.deviation_db[:, None]], 1)

    def join(self, planes: Tensor) -> Tensor:
        """The inverse of `split` for the channels there are: (B, P, F, T) -> dB (B, C, F, T)."""
        common = planes[:, :1] * self.sd_db[:, None] + self.mean_db[:, None]
        return common + planes[:, 1:] * self.deviation_db[:, None]

    # ---- network
    def features(self, spec: Tensor, valid: Tensor, channel_ok: Tensor) -> tuple[Tensor, Tensor]:
        """dB (B, C, F, T), valid (B, T) bool, channel_ok (B, C) bool -> z (B, R, W, E), counted (B, R, W) bool.

        `spec` is without its level (`levelled`). T must be a multiple of `frames_per_token`. A token counts if at least
        half of its frames are valid.
        """
        planes = self.split(spec, channel_ok) * valid[:, None, None]
        mask = self._mask(valid)
        patches = self._patches(planes)
        ok = channel_ok[:, None, None].to(planes.dtype).expand(*patches.shape[:3], -1)
        h = (self.stem(torch.cat([patches, ok], -1)) + self.stem_row) * mask
        for block in self.encoder:
            h = block(h, mask)
        return self.to_code(h), mask[..., 0].bool().expand(h.shape[:3])

    def reconstruct(self, code: Tensor, valid: Tensor) -> Tensor:
        """Code vectors (B, R, W, E) -> planes (B, P, F, T); valid (B, T) bool."""
        mask = self._mask(valid)
        code = code * code.shape[-1] ** 0.5  # unit vectors -> unit variance per dimension
        h = (self.from_code(code) + self.code_row) * mask
        for block in self.decoder:
            h = block(h, mask)
        bins, frames = self.cell
        cells = self.head(h).unflatten(-1, (PLANES, bins, frames))  # (B, R, W, P, bins, frames)
        return cells.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)

    def forward(
        self, spec: Tensor, valid: Tensor, channel_ok: Tensor, quantise: bool = True, level: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Training pass on crops in dB: planes (B, P, F, T), indices, commitment and counted (B, R, W).

        level (B,): of the whole session that a crop is from, in dB; by default that of the crop.
        """
        level = self.level(spec, valid, channel_ok) if level is None else level
        z, counted = self.features(self.levelled(spec, level), valid, channel_ok)
        code, index, commitment = self.codebook(z, counted, quantise)
        return {
            "planes": self.reconstruct(code, valid),
            "index": index,
            "commitment": commitment,
            "counted": counted,
        }

    def _patches(self, planes: Tensor) -> Tensor:
        """(B, P, F, T) -> (B, R, W, P · bins · frames), one row of numbers per token."""
        bins, frames = self.cell
        cells = planes.unflatten(3, (-1, frames)).unflatten(2, (-1, bins))  # (B, P, R, bins, W, frames)
        return cells.permute(0, 2, 4, 1, 3, 5).flatten(3)

    def _mask(self, valid: Tensor) -> Tensor:
        """Frames (B, T) -> columns (B, 1, W, 1): 1 where at least half of the frames are valid."""
        share = valid.float().unflatten(1, (-1, self.config.frames_per_token)).mean(-1)
        return (share >= 0.5).to(self.mean_db.dtype)[:, None, :, None]

    # ---- public surface
    @torch.no_grad()
    def encode(
        self,
        spec: Tensor,
        valid: Tensor | None = None,
        channel_ok: Tensor | None = None,
        level: Tensor | None = None,
    ) -> Tensor:
        """Spectrogram (B, 19, 128, T) dB -> tokens (B, 16, T/10) int64, 0 in invalid columns.

        valid (B, T) bool, channel_ok (B, 19) bool, by default the frames and the channels that are not at the floor
        (−40 dB) throughout. level (B,) dB, of which these frames are a part; by default their own (`level`). T must be
        a multiple of 10. Raises ValueError for another shape.

        Sessions pass one by one, each up to its last valid column: matrix products of another shape may round
        otherwise, and a token would depend on what else is in the batch or on the padding.
        """
        valid, channel_ok = self._known(spec, valid, channel_ok)
        width = self.config.frames_per_token
        level = self.level(spec, valid, channel_ok) if level is None else level
        tokens = torch.zeros(len(spec), self.grid[0], spec.shape[3] // width, dtype=torch.int64, device=spec.device)
        for one, frames in self._stretches(spec, valid):
            bare = self.levelled(spec[one, ..., frames], level[one])
            z, counted = self.features(bare, valid[one, frames].to(spec.device), channel_ok[one])
            end = z.shape[2]
            tokens[one, :, :end] = self.codebook.nearest(self.codebook.direction(z)) * counted
        return tokens

    @torch.no_grad()
    def level(self, spec: Tensor, valid: Tensor | None = None, channel_ok: Tensor | None = None) -> Tensor:
        """Level of each session (B,) in dB (tokenizer.level); NaN if nothing is valid. Arguments as of `encode`."""
        valid, channel_ok = self._known(spec, valid, channel_ok)
        level = torch.full((len(spec),), torch.nan, device=spec.device)
        for one, frames in self._stretches(spec, valid):
            level[one] = session_level(spec[one, ..., frames], valid[one, frames].to(spec.device), channel_ok[one])
        return level

    def _known(self, spec: Tensor, valid: Tensor | None, channel_ok: Tensor | None) -> tuple[Tensor, Tensor]:
        """`valid`, where it lies, and `channel_ok` on the device of `spec`; by default what is not at the floor."""
        width = self.config.frames_per_token
        if spec.ndim != 4 or spec.shape[1:3] != (CHANNELS, BINS) or spec.shape[3] % width:
            raise ValueError(
                f"spectrogram of shape {tuple(spec.shape)}; expected (B, {CHANNELS}, {BINS}, T) "
                f"with T a multiple of {width}"
            )
        if valid is None:
            valid = (spec > FLOOR_DB).any(1).any(1)
        if channel_ok is None:
            channel_ok = (spec > FLOOR_DB).any(-1).any(-1)
        return valid, channel_ok.to(spec.device)

    def _stretches(self, spec: Tensor, valid: Tensor) -> Iterator[tuple[slice, slice]]:
        """Each session of a batch that has a valid column, and its frames up to the last of them.

        `valid` on the processor keeps a graphics card from being waited for.
        """
        for i, end in enumerate(self._ends(valid) if spec.shape[3] else []):
            if end:
                yield slice(i, i + 1), slice(end * self.config.frames_per_token)

    def _ends(self, valid: Tensor) -> list[int]:
        """Where the last valid column of each session ends, from its frames (B, T); 0 if it has none."""
        return (self._mask(valid)[:, 0, :, 0].flip(1).cumsum(1) > 0).sum(1).tolist()

    @torch.no_grad()
    def decode(self, tokens: Tensor, valid: Tensor | None = None, level: Tensor | None = None) -> Tensor:
        """Tokens (B, 16, W) int64 -> spectrogram (B, 19, 128, 10 W) dB; valid (B, 10 W) bool, default all.

        level (B,) dB, put back; where it is NaN or not given, the mean level of the training recordings.
        """
        if valid is None:
            frames = tokens.shape[2] * self.config.frames_per_token
            valid = torch.ones(len(tokens), frames, dtype=torch.bool, device=tokens.device)
        return self.put_back(self.join(self.reconstruct(self.codebook.vectors[tokens], valid)), level)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of a whole session of 1,280 s, e.g. (16, 128)."""
        return BINS // self.config.bins_per_token, 1280 // self.config.frames_per_token

    def describe(self) -> dict[str, Any]:
        """The configuration as plain values, as stored beside the weights."""
        config = dataclasses.asdict(self.config)
        if self.config.level == "none":
            del config["level"]  # as models from before this setting say it: their fingerprints stay
        for name, usual in (("quantiser", "vector"), ("reference", "recorded")):
            if config[name] == usual:
                del config[name]
        return {"format": FORMAT, "kind": KIND, **config, "about": self.about}

    def _save_pretrained(self, save_directory: Path) -> None:
        save_folder(save_directory, self.describe(), self.state_dict())

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> "VQGAN":
        config, tensors = load_folder(model_id, KIND, options)
        return cls.from_parts(config, tensors, Path(model_id).name)

    @classmethod
    def from_parts(cls, config: dict[str, Any], tensors: dict[str, Tensor], name: str = "tokenizer") -> "VQGAN":
        """A tokenizer from its `describe()` and its tensors; every tensor must fit. `name` is for ValueErrors."""
        check_network(config, VQGANConfig, LIMITS, FORMAT, name)
        names = {f.name for f in dataclasses.fields(VQGANConfig)}
        network = VQGANConfig(**{"level": "none"} | {k: v for k, v in config.items() if k in names})
        least = 5 * network.width**2 * (network.encoder_blocks + network.decoder_blocks)
        least += network.codes * network.code_dimension if network.quantiser == "vector" else 0
        model = build(lambda: cls(network), tensors, least, "tokenizer")
        model.about = config.get("about", {})
        return model

    def to_bytes(self) -> tuple[str, bytes]:
        """Configuration (JSON) and weights (safetensors), as kept inside a token store."""
        from safetensors.torch import save

        return json.dumps(self.describe(), sort_keys=True), save(
            {k: v.contiguous() for k, v in self.state_dict().items()}
        )


class Block(nn.Module):
    """Residual block at the token grid: over time and over rows, then a two-layer network at each position."""

    def __init__(self, width: int, rows: int, dilation: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.time = nn.Conv2d(width, width, (1, 5), padding=(0, 2 * dilation), dilation=(1, dilation), groups=width)
        self.rows = nn.Parameter(0.02 * torch.randn(rows, rows))  # small: a block starts nearly as the identity
        self.mix = nn.Linear(width, width)
        self.position = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, R, W, D), mask (B, 1, W, 1): zero where the mask is zero."""
        # masked again: the norm gives invalid positions, which are zero, its offset, and neighbours would see it
        h = self.norm(x) * mask
        over_time = self.time(h.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        # a free matrix between rows, no convolution: it knows which frequency a row is
        over_rows = torch.einsum("qr,brwd->bqwd", self.rows, h)
        x = x + self.mix(F.gelu(over_time + over_rows)) * mask
        return x + self.position(x) * mask
