"""The session Transformer: a MAGE-style encoder and decoder over the 16 x 128 tokens of a session.

Li et al. 2023 (arXiv 2211.09117). Training hides a random share of the tokens and drops half of all tokens
before the encoder; the decoder puts mask tokens in their place and predicts every hidden token. We differ:
invalid tokens (padding, gaps) neither attend nor are attended to nor count; a token's embedding is a linear
map of its code vector plus a learned one, so that codes that sound alike start alike.

Shapes: B batch · R rows · W columns · N = R·W tokens, row-major · M kept tokens · D width · K codes.
"""

import dataclasses
import math
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from clef.attention import attend
from tokenizer.hub import ModelPart, load_folder, load_strictly, save_folder


@dataclasses.dataclass
class EncoderConfig:
    """Size of the session Transformer."""

    width: int = 128
    """Width D of every layer."""
    heads: int = 4
    """Attention heads."""
    encoder_layers: int = 4
    """Layers that see only the kept tokens."""
    decoder_layers: int = 2
    """Layers that see all tokens and predict the hidden ones."""
    pool: Literal["rows", "mean"] = "rows"
    """Session embedding: mean over valid time per frequency row (16·D wide), or over all tokens (D wide)."""


class Encoder(nn.Module, ModelPart, library_name="clef-eeg", tags=["eeg", "clef"], license="apache-2.0"):
    """Tokens -> contextual states -> session embedding; with a decoder for masked reconstruction."""

    def __init__(self, config: EncoderConfig, codes: Tensor, rows: int = 16):
        """codes: (K, E) code vectors of the tokenizer, kept fixed; rows: R of the token grid."""
        super().__init__()
        self.config, self.rows = config, rows
        width = config.width
        if width % config.heads or width % 2:
            raise ValueError(f"encoder.width={width}: must be even and a multiple of encoder.heads={config.heads}")
        self.about: dict[str, Any] = {}  # what it was trained on; travels in config.json
        self.register_buffer("codes", codes.clone().float())
        self.from_code = nn.Linear(codes.shape[1], width)
        self.free = nn.Embedding(len(codes), width)
        self.row = nn.Embedding(rows, width)
        self.hidden_token = nn.Parameter(torch.zeros(width))
        self.dropped_token = nn.Parameter(torch.zeros(width))
        self.encoder = Transformer(width, config.heads, config.encoder_layers)
        self.to_decoder = nn.Linear(width, width)
        self.decoder = Transformer(width, config.heads, config.decoder_layers)
        self.to_token = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.token_bias = nn.Parameter(torch.zeros(len(codes)))
        self.apply(_start_small)
        nn.init.normal_(self.row.weight, std=0.7)  # as strong as the sinusoids of time: rows are frequencies
        for special in (self.hidden_token, self.dropped_token):
            nn.init.normal_(special, std=0.02)

    def code_table(self) -> Tensor:
        """Embedding of every code (K, D): linear in the code vector, plus a learned one."""
        scaled = self.codes * math.sqrt(self.codes.shape[1])  # unit vectors -> unit variance per dimension
        return self.from_code(scaled) + self.free.weight

    def places(self, columns: int) -> Tensor:
        """Position of each token of an R x `columns` grid: (N, D); sine and cosine over time, learned over rows."""
        time = sinusoids(columns, self.config.width, self.row.weight.device)
        return (self.row.weight[:, None] + time[None]).flatten(0, 1)

    def forward(self, tokens: Tensor, valid: Tensor) -> Tensor:
        """States of all tokens, nothing hidden: tokens (B, R, W) int64, valid (B, W) bool -> (B, N, D)."""
        x = F.embedding(tokens.flatten(1), self.code_table()) + self.places(tokens.shape[2])
        return self.encoder(x, self.token_ok(valid))

    def token_ok(self, valid: Tensor) -> Tensor:
        """Valid columns (B, W) -> valid tokens (B, N), row-major."""
        return valid[:, None].expand(-1, self.rows, -1).flatten(1)

    def embed(self, tokens: Tensor, valid: Tensor, pool: str | None = None) -> Tensor:
        """Session embeddings: tokens (B, R, W) int64, valid (B, W) bool -> (B, R·D) or (B, D) float32."""
        return pooled(self(tokens, valid).unflatten(1, (self.rows, -1)), valid, pool or self.config.pool)

    def predict(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Logits of the hidden tokens, and what they are: (V, K) and (V,).

        batch: tokens (B, R, W) int64 · valid (B, W) · hidden (B, N) bool, all of them valid · kept (B, M) int64,
        positions that enter the encoder · kept_ok (B, M) bool, false where a row has fewer than M.
        """
        tokens, kept, hidden = batch["tokens"].flatten(1), batch["kept"], batch["hidden"]
        ok, place, table = self.token_ok(batch["valid"]), self.places(batch["tokens"].shape[2]), self.code_table()
        states = self.to_decoder(self.encode_kept(tokens, kept, batch["kept_ok"], place, table, hidden))
        full = self.dropped_token.to(states.dtype).expand(*tokens.shape, -1)  # (B, N, D)
        states = torch.where(batch["kept_ok"][..., None], states, self.dropped_token.to(states.dtype))
        full = full.scatter(1, kept[..., None].expand_as(states), states) + place
        found = self.to_token(self.decoder(full, ok)[hidden])  # (V, D)
        return found @ table.T / self.config.width**0.5 + self.token_bias, tokens[hidden]

    def encode_kept(self, tokens, kept, kept_ok, place, table, hidden: Tensor | None = None) -> Tensor:
        """States (B, M, D) of the tokens (B, N) at positions kept (B, M); hidden ones enter as the mask token."""
        seen = F.embedding(tokens.gather(1, kept), table)
        if hidden is not None:
            seen = torch.where(hidden.gather(1, kept)[..., None], self.hidden_token.to(seen.dtype), seen)
        return self.encoder(seen + place[kept], kept_ok)

    def embed_kept(self, tokens: Tensor, kept: Tensor, kept_ok: Tensor) -> Tensor:
        """`embed` from a part of the tokens: tokens (B, R, W), kept and kept_ok (B, M) -> (B, R·D) or (B, D)."""
        columns = tokens.shape[2]
        states = self.encode_kept(tokens.flatten(1), kept, kept_ok, self.places(columns), self.code_table())
        row = F.one_hot(kept // columns, self.rows).to(states.dtype) * kept_ok[..., None]  # (B, M, R)
        sums = torch.einsum("bmr,bmd->brd", row, states)
        if self.config.pool == "mean":
            return (sums.sum(1) / kept_ok.sum(1, keepdim=True).clamp_min(1)).float()
        return (sums / row.sum(1)[..., None].clamp_min(1)).flatten(1).float()

    @property
    def output(self) -> int:
        """Width of a session embedding."""
        return self.config.width * (self.rows if self.config.pool == "rows" else 1)

    def describe(self) -> dict[str, Any]:
        """The configuration as plain values, as stored beside the weights."""
        shape = {"codes": list(self.codes.shape), "rows": self.rows}
        return {"format": 1, "kind": "clef-encoder", **dataclasses.asdict(self.config), **shape, "about": self.about}

    def _save_pretrained(self, save_directory: Path) -> None:
        save_folder(save_directory, self.describe(), self.state_dict())

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> "Encoder":
        config, tensors = load_folder(model_id, "clef-encoder", options)
        model = cls.from_description(config)
        load_strictly(model, tensors, "encoder")
        return model.eval()

    @classmethod
    def from_description(cls, config: dict[str, Any]) -> "Encoder":
        """An untrained encoder of the size that `describe()` states."""
        size = EncoderConfig(**{f.name: config[f.name] for f in dataclasses.fields(EncoderConfig)})
        model = cls(size, torch.zeros(config["codes"]), config["rows"])
        model.about = config["about"]
        return model


class Transformer(nn.Module):
    """Pre-norm Transformer layers (Xiong et al. 2020, arXiv 2002.04745) and a final norm: (B, N, D) -> (B, N, D)."""

    def __init__(self, width: int, heads: int, layers: int):
        super().__init__()
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, ok: Tensor) -> Tensor:
        key_ok = None if bool(ok.all()) else ok
        for layer in self.layers:
            x = layer(x, key_ok)
        return self.norm(x)


class Layer(nn.Module):
    """Attention and a two-layer perceptron, each behind a norm and beside a residual."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm_a, self.norm_b = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, key_ok: Tensor | None) -> Tensor:
        x = x + self.out(attend(*self.qkv(self.norm_a(x)).chunk(3, -1), self.heads, key_ok))
        return x + self.mlp(self.norm_b(x))


def pooled(states: Tensor, valid: Tensor, pool: str) -> Tensor:
    """Mean of states (B, R, W, D) over valid columns (B, W): row by row (B, R·D), or over rows too (B, D)."""
    share = valid.to(states.dtype) / valid.sum(1, keepdim=True).clamp_min(1)
    rows = torch.einsum("brwd,bw->brd", states, share)
    return (rows.flatten(1) if pool == "rows" else rows.mean(1)).float()


def sinusoids(length: int, width: int, device: torch.device) -> Tensor:
    """Sine and cosine positions (length, width) (Vaswani et al. 2017, arXiv 1706.03762, section 3.5)."""
    rate = torch.exp(torch.arange(0, width, 2, device=device) * (-math.log(10000.0) / width))
    angle = torch.arange(length, device=device)[:, None] * rate
    return torch.cat([angle.sin(), angle.cos()], -1)


def _start_small(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
