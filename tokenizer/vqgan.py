"""VQGAN over whole-session spectrograms: 19 channels of 128 x T dB in, 16 x T/10 codes out, and back.

Esser et al. 2021 (arXiv 2012.09841). We differ: EEG channels are the input planes; the first layer is a
strided patch, so that most work happens at 1/20 of the resolution; normalisation is per position over
features (with GroupNorm, padding a session changed 88 % of its tokens); invalid frames are zero at every
layer, so padding is exactly the same as the end of the session; a learned row bias tells the shift-invariant
network which frequency it looks at.

Shapes: B batch · C = 19 channels · F = 128 bins of 0.25 Hz · T frames of 1 s · R = 16 rows · W = T/10 columns ·
E code dimension.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tokenizer.hub import ModelPart, load_folder, load_strictly, save_folder
from tokenizer.quantizer import Codebook

CHANNELS, BINS = 19, 128
FLOOR_DB = -40.0


@dataclasses.dataclass
class VQGANConfig:
    """Size and grid of the tokenizer network."""

    width: int = 64
    """Features at the first resolution (32 rows); twice as many at the token grid."""
    blocks: int = 2
    """Residual blocks at each of the two resolutions, in the encoder and again in the decoder."""
    codes: int = 8192
    """Size of the codebook."""
    code_dimension: int = 32
    """Dimensions of a code vector."""
    bins_per_token: int = 8
    """Frequency bins (0.25 Hz) in one token."""
    frames_per_token: int = 10
    """Frames (1 s) in one token."""


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
        self.patch = (4, 5)
        self.step = (c.bins_per_token // 4, c.frames_per_token // 5)
        if BINS % c.bins_per_token or c.bins_per_token % 4 or c.frames_per_token % 5 or c.frames_per_token < 5:
            raise ValueError(
                f"bins_per_token={c.bins_per_token}, frames_per_token={c.frames_per_token}: expected 4, 8, 16, … bins "
                f"(a divisor of {BINS}) and a multiple of 5 frames"
            )
        rows, wide = BINS // 4, 2 * c.width
        self.stem = nn.Conv2d(2 * CHANNELS, c.width, self.patch, self.patch)
        self.stem_row = nn.Parameter(torch.zeros(1, c.width, rows, 1))
        self.fine_in = nn.ModuleList(Block(c.width) for _ in range(c.blocks))
        self.down = nn.Conv2d(c.width, wide, self.step, self.step)
        self.coarse_in = nn.ModuleList(Block(wide) for _ in range(c.blocks))
        self.to_code = nn.Sequential(Norm(wide), nn.Conv2d(wide, c.code_dimension, 1))
        self.codebook = Codebook(c.codes, c.code_dimension)
        self.from_code = nn.Conv2d(c.code_dimension, wide, 1)
        self.code_row = nn.Parameter(torch.zeros(1, wide, BINS // c.bins_per_token, 1))
        self.coarse_out = nn.ModuleList(Block(wide) for _ in range(c.blocks))
        self.up = nn.ConvTranspose2d(wide, c.width, self.step, self.step)
        self.fine_out = nn.ModuleList(Block(c.width) for _ in range(c.blocks))
        self.head = nn.Sequential(Norm(c.width), nn.ConvTranspose2d(c.width, CHANNELS, self.patch, self.patch))
        # statistics of the training recordings per bin, in dB; set once by `set_scale`
        self.register_buffer("mean_db", torch.zeros(BINS))
        self.register_buffer("sd_db", torch.ones(BINS))

    # ---- dB <-> network units
    def set_scale(self, mean_db: Tensor, sd_db: Tensor) -> None:
        """Set the per-frequency mean and sd (128,) in dB that scale every input."""
        self.mean_db.copy_(mean_db)
        self.sd_db.copy_(sd_db)

    def scale(self, spec: Tensor) -> Tensor:
        """dB (B, C, F, T) -> zero mean, unit sd per frequency."""
        return (spec - self.mean_db[:, None]) / self.sd_db[:, None]

    def unscale(self, x: Tensor) -> Tensor:
        """The inverse of `scale`: (B, C, F, T) -> dB."""
        return x * self.sd_db[:, None] + self.mean_db[:, None]

    # ---- network
    def features(self, x: Tensor, valid: Tensor, channel_ok: Tensor) -> tuple[Tensor, Tensor]:
        """Scaled x (B, C, F, T), valid (B, T) bool, channel_ok (B, C) bool -> z (B, R, W, E), counted (B, R, W).

        T must be a multiple of `frames_per_token`. A token counts if at least half of its frames are valid.
        """
        ok = channel_ok[:, :, None, None].to(x.dtype)
        x = torch.cat([x * ok, ok.expand_as(x)], 1) * valid[:, None, None].to(x.dtype)
        fine, coarse = self._masks(valid, x.dtype)
        h = (self.stem(x) + self.stem_row) * fine
        for block in self.fine_in:
            h = block(h, fine)
        h = self.down(h) * coarse
        for block in self.coarse_in:
            h = block(h, coarse)
        z = self.to_code(h).permute(0, 2, 3, 1)  # (B, E, R, W) -> (B, R, W, E)
        return z, coarse[:, 0].bool().expand(-1, z.shape[1], -1)

    def reconstruct(self, code: Tensor, valid: Tensor) -> Tensor:
        """Code vectors (B, R, W, E) -> scaled spectrogram (B, C, F, 10 W); valid (B, 10 W) bool."""
        fine, coarse = self._masks(valid, code.dtype)
        code = code * self.config.code_dimension**0.5  # unit vectors -> unit variance per dimension
        h = (self.from_code(code.permute(0, 3, 1, 2)) + self.code_row) * coarse
        for block in self.coarse_out:
            h = block(h, coarse)
        h = self.up(h) * fine
        for block in self.fine_out:
            h = block(h, fine)
        return self.head(h)

    def forward(self, x: Tensor, valid: Tensor, channel_ok: Tensor, quantise: bool = True) -> dict[str, Tensor]:
        """Training pass on scaled crops: reconstruction (B, C, F, T), indices, commitment and counted (B, R, W)."""
        z, counted = self.features(x, valid, channel_ok)
        code, index, commitment = self.codebook(z, counted, quantise)
        return {
            "reconstruction": self.reconstruct(code, valid),
            "index": index,
            "commitment": commitment,
            "counted": counted,
        }

    def _masks(self, valid: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Valid frames at the two resolutions: (B, 1, 1, T/5) and (B, 1, 1, T/10), 1 where at least half is valid."""
        share = valid.float()[:, None]  # (B, 1, T)
        pooled = [F.avg_pool1d(share, n) for n in (self.patch[1], self.config.frames_per_token)]
        return tuple((p >= 0.5).to(dtype)[:, :, None] for p in pooled)

    # ---- public surface
    @torch.no_grad()
    def encode(self, spec: Tensor, valid: Tensor | None = None, channel_ok: Tensor | None = None) -> Tensor:
        """Spectrogram (B, 19, 128, T) dB -> tokens (B, 16, T/10) int64.

        valid (B, T) bool, default all; channel_ok (B, 19) bool, default: channels that are not at the floor
        throughout. T must be a multiple of 10. Raises ValueError for another shape.
        """
        if spec.ndim != 4 or spec.shape[1:3] != (CHANNELS, BINS) or spec.shape[3] % self.config.frames_per_token:
            raise ValueError(
                f"spectrogram of shape {tuple(spec.shape)}; expected (B, {CHANNELS}, {BINS}, T) "
                f"with T a multiple of {self.config.frames_per_token}"
            )
        if valid is None:
            valid = torch.ones(spec.shape[0], spec.shape[3], dtype=torch.bool, device=spec.device)
        if channel_ok is None:
            channel_ok = (spec > FLOOR_DB).any(-1).any(-1)
        z, _ = self.features(self.scale(spec), valid, channel_ok)
        return self.codebook.nearest(self.codebook.direction(z))

    @torch.no_grad()
    def decode(self, tokens: Tensor) -> Tensor:
        """Tokens (B, 16, W) int64 -> spectrogram (B, 19, 128, 10 W) dB."""
        code = self.codebook.vectors[tokens]
        valid = torch.ones(len(tokens), tokens.shape[2] * self.config.frames_per_token, device=code.device)
        return self.unscale(self.reconstruct(code, valid.bool()))

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of a whole session of 1,280 s, e.g. (16, 128)."""
        return BINS // self.config.bins_per_token, 1280 // self.config.frames_per_token

    def describe(self) -> dict[str, Any]:
        """The configuration as plain values, as stored beside the weights."""
        return {"format": 1, "kind": "clef-vqgan", **dataclasses.asdict(self.config), "about": self.about}

    def _save_pretrained(self, save_directory: Path) -> None:
        save_folder(save_directory, self.describe(), self.state_dict())

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> "VQGAN":
        config, tensors = load_folder(model_id, "clef-vqgan", options)
        return cls.from_parts(config, tensors)

    @classmethod
    def from_parts(cls, config: dict[str, Any], tensors: dict[str, Tensor]) -> "VQGAN":
        """A tokenizer from its `describe()` and its tensors; every tensor must fit."""
        names = {f.name for f in dataclasses.fields(VQGANConfig)}
        model = cls(VQGANConfig(**{k: v for k, v in config.items() if k in names}))
        model.about = config.get("about", {})
        load_strictly(model, tensors, "tokenizer")
        return model.eval()

    def to_bytes(self) -> tuple[str, bytes]:
        """Configuration (JSON) and weights (safetensors), as kept inside a token store."""
        from safetensors.torch import save

        return json.dumps(self.describe(), sort_keys=True), save(
            {k: v.contiguous() for k, v in self.state_dict().items()}
        )


class Norm(nn.Module):
    """Layer norm over features, at each position on its own: (B, D, H, W) -> (B, D, H, W)."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Block(nn.Module):
    """Residual block: norm, 3 x 3 convolution, GELU, 1 x 1 convolution; zero where the mask is zero."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = Norm(width)
        self.mix = nn.Conv2d(width, width, 3, padding=1)
        self.out = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        h = self.norm(x) * mask
        return x + self.out(F.gelu(self.mix(h))) * mask
