"""The session Transformer: a MAGE-style encoder and decoder over the 16 x 128 tokens of a session.

Li et al. 2023 (arXiv 2211.09117). Training hides a random share of the tokens and drops half of all tokens
before the encoder; the decoder puts mask tokens in their place and predicts every hidden token. We differ:
invalid tokens (padding, gaps) neither attend nor are attended to nor count; a token's embedding is a linear
map of its code vector plus a learned one, so that codes that sound alike start alike. What is dropped or
invalid is not computed either: the sessions of a batch are packed, valid token after valid token.

Shapes: B batch · R rows · W columns · N = R·W tokens, row-major · M kept tokens · T packed tokens of all sessions ·
D width · K codes.
"""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from clef.network.attention import Kernel
from clef.network.pooling import pooled
from clef.network.transformer import Pack, Transformer, start_by_similarity
from tokenizer.base.hub import ModelPart, build, check_entry, check_network, load_folder, save_folder
from tokenizer.base.limits import SHARE, check_settings, is_whole


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
    dropout: float = 0.0
    """Share of features that each residual branch of stage=recon leaves out of a whole session while training."""
    pool: Literal["rows", "mean"] = "rows"
    """What heads are trained on: mean over valid time per frequency row (16·D wide), or over all tokens (D wide)."""


LIMITS = {
    **{"width": (2, 4096), "heads": (1, 256), "encoder_layers": (1, 128), "decoder_layers": (1, 128), "dropout": SHARE},
}
FORMAT = 1


class Encoder(nn.Module, ModelPart, library_name="clef-eeg", tags=["eeg", "clef"], license="apache-2.0"):
    """Tokens -> contextual states -> session embedding; with a decoder for masked reconstruction."""

    attention: Kernel = "auto"
    """The attention kernel; a choice of this process, not of the model, so it is not saved."""

    def __init__(self, config: EncoderConfig, codes: Tensor, rows: int = 16):
        """codes: (K, E) code vectors of the tokenizer, kept fixed; rows: R of the token grid."""
        super().__init__()
        self.config, self.rows = config, rows
        check_settings(config, LIMITS, "encoder")
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
        self.encoder = Transformer(width, config.heads, config.encoder_layers, config.dropout)
        self.to_decoder = nn.Linear(width, width)
        self.decoder = Transformer(width, config.heads, config.decoder_layers, config.dropout, config.encoder_layers)
        self.to_token = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.out_of_code = nn.Linear(2 * codes.shape[1], width, bias=False)
        self.token_bias = nn.Parameter(torch.zeros(len(codes)))
        self.apply(_start_small)
        start_by_similarity([*self.encoder.layers, *self.decoder.layers])
        nn.init.zeros_(self.out_of_code.weight)
        nn.init.normal_(self.row.weight, std=0.7)  # as strong as the sinusoids of time: rows are frequencies
        for special in (self.hidden_token, self.dropped_token):
            nn.init.normal_(special, std=0.02)

    # ---- tokens and their places
    def code_table(self) -> Tensor:
        """Embedding of every code (K, D): linear in the code vector, plus a learned one."""
        scaled = self.codes * math.sqrt(self.codes.shape[1])  # unit vectors -> unit variance per dimension
        return self.from_code(scaled) + self.free.weight

    @torch.no_grad()
    def start_from(self, shares: np.ndarray) -> None:
        """Guess each code as often as it occurs in training, before anything is learned: shares (K,), all above 0."""
        self.token_bias.copy_(torch.from_numpy(np.log(shares)))

    def out_table(self, table: Tensor) -> Tensor:
        """What a state is multiplied with for the logits (K, D), from `code_table`.

        Beside the embedding of a code a map of its vector and of the vector's squares: so the logits of one state can
        be a Gaussian density over the space of code vectors, which no table linear in them gives.
        """
        scaled = self.codes * math.sqrt(self.codes.shape[1])
        features = torch.cat([scaled, scaled.square()], 1)
        return table / self.config.width**0.5 + self.out_of_code(features)

    def places(self, at: Tensor, columns: int) -> Tensor:
        """Positions (T, D) of places `at` (T,) on R x `columns` grids: sine and cosine over time, learned over rows.

        Time may be of any length; places past the first grid, as those of a batch laid flat, start over.
        """
        time = sinusoids(columns, self.config.width, at.device)
        return self.row(at // columns % self.rows) + time[at % columns]

    def token_ok(self, valid: Tensor) -> Tensor:
        """Valid columns (B, W) -> valid tokens (B, N), row-major."""
        return valid[:, None].expand(-1, self.rows, -1).flatten(1)

    # ---- states and embeddings
    def layer_names(self) -> list[str]:
        """What `states` and `embed` take as `layer`: each layer, and both stacks after their final norm."""
        stacks = ("encoder", self.config.encoder_layers), ("decoder", self.config.decoder_layers)
        return [f"{name}.{i}" for name, layers in stacks for i in range(layers)] + ["encoder", "decoder"]

    def check_layer(self, layer: str) -> None:
        """Raise ValueError unless `layer` is one of `layer_names`."""
        if layer not in self.layer_names():
            raise ValueError(f"layer={layer}: there is no such layer; there are: {', '.join(self.layer_names())}")

    def forward(self, tokens: Tensor, valid: Tensor, layer: str = "encoder") -> Tensor:
        """States of all tokens, nothing hidden: tokens (B, R, W) int64, valid (B, W) bool -> (B, N, D).

        Invalid tokens have the state 0. `layer`: "encoder" is what the final norm gives, "encoder.3" what leaves the
        fourth layer, "decoder" and "decoder.0" the same of the decoder. Raises ValueError for any other name.
        """
        self.check_layer(layer)
        stack, _, number = layer.partition(".")
        stop = int(number) if number else None
        at, lengths = packed_places(self.token_ok(valid))
        packed = Pack(lengths, self.attention)
        seen = F.embedding(tokens.flatten()[at], self.code_table())
        place = self.places(at, tokens.shape[2])
        states = self.encoder(seen + place, packed, stop if stack == "encoder" else None)
        if stack == "decoder":
            states = self.decoder(self.to_decoder(states) + place, packed, stop)
        return unpacked(states, at, tokens).flatten(1, 2)

    def embed(self, tokens: Tensor, valid: Tensor, pool: str | None = None, layer: str = "encoder") -> Tensor:
        """Session embeddings: tokens (B, R, W) int64, valid (B, W) bool -> (B, …) float32, as `pooled` makes them."""
        states = self(tokens, valid, layer).unflatten(1, (self.rows, -1))
        return pooled(states, valid, pool or self.config.pool)

    def embed_kept(self, tokens: Tensor, kept: Tensor, kept_ok: Tensor) -> Tensor:
        """`embed` from a part of the tokens: tokens (B, R, W), kept and kept_ok (B, M) -> (B, R·D) or (B, D)."""
        states, ones = self._kept_states(tokens, kept, kept_ok)
        return self._mean(states.sum(2), ones.sum(2))

    def embed_parts(
        self, tokens: Tensor, kept: Tensor, kept_ok: Tensor, part: Tensor, parts: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """`embed_kept`, and the same of each part of a session's columns, all of them from the states of the whole.

        part: (B, W) int64, which of the `parts` P a column belongs to. Returns session (B, R·D or D), parts (B, P, …)
        and ok (B, P) bool, false where nothing of a part is kept.
        """
        states, ones = self._kept_states(tokens, kept, kept_ok)
        member = F.one_hot(part, parts).to(states.dtype)  # (B, W, P)
        sums, counts = (torch.einsum("brwd,bwp->bprd", x, member) for x in (states, ones))
        session = self._mean(states.sum(2), ones.sum(2))
        return session, self._mean(sums, counts), counts.sum((2, 3)) > 0

    def _kept_states(self, tokens: Tensor, kept: Tensor, kept_ok: Tensor) -> tuple[Tensor, Tensor]:
        """States of the kept tokens (B, R, W, D), zero elsewhere, and where they are (B, R, W, 1), one or zero."""
        at, lengths = packed_places(kept_ok, kept, self.rows * tokens.shape[2])
        seen = F.embedding(tokens.flatten()[at], self.code_table())
        states = self.encoder(seen + self.places(at, tokens.shape[2]), Pack(lengths, self.attention))
        return unpacked(states, at, tokens), unpacked(states.new_ones(len(at), 1), at, tokens)

    def _mean(self, sums: Tensor, counts: Tensor) -> Tensor:
        """Sums (…, R, D) and counts (…, R, 1) over time -> embeddings (…, R·D) or (…, D) float32."""
        if self.config.pool == "mean":
            return (sums.sum(-2) / counts.sum(-2).clamp_min(1)).float()
        return (sums / counts.clamp_min(1)).flatten(-2).float()

    def embedding_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters that embeddings depend on: all but the decoder's and the special tokens of reconstruction."""
        for part in (self.from_code, self.free, self.row, self.encoder):
            yield from part.parameters()

    # ---- masked reconstruction
    def predict(self, batch: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """Logits of the hidden tokens, and what they are: (V, K) and (V,).

        batch: tokens (B, R, W) int64 · valid (B, W) · hidden (B, N) bool, all of them valid · kept (B, M) int64,
        positions that enter the encoder · kept_ok (B, M) bool, false where a row has fewer than M · seed (B,) int64,
        optional: without it there is no dropout · what `plan` adds, optional: saves a GPU from waiting for it.
        """
        batch = batch if "asked" in batch else batch | plan(batch)
        tokens, columns = batch["tokens"].flatten(), batch["tokens"].shape[2]
        table, seed = self.code_table(), batch.get("seed")
        seen = F.embedding(tokens[batch["seen"]], table)
        seen = torch.where(batch["seen_hidden"][:, None], self.hidden_token.to(seen.dtype), seen)
        seen = seen + self.places(batch["seen"], columns)
        states = self.to_decoder(self.encoder(seen, Pack(batch["seen_lengths"], self.attention, seed)))
        full = self.dropped_token.to(states.dtype).expand(len(batch["real"]), -1)
        full = full.index_copy(0, batch["seen_in_real"], states) + self.places(batch["real"], columns)
        full = self.decoder(full, Pack(batch["real_lengths"], self.attention, seed))
        states = self.to_token(full[batch["asked_in_real"]])  # (V, D)
        return F.linear(states, self.out_table(table), self.token_bias), tokens[batch["asked"]]

    # ---- saving
    @property
    def output(self) -> int:
        """Width of a session embedding as heads take it, by `config.pool`."""
        return self.config.width * (self.rows if self.config.pool == "rows" else 1)

    def describe(self) -> dict[str, Any]:
        """The configuration as plain values, as stored beside the weights."""
        shape = {"codes": list(self.codes.shape), "rows": self.rows}
        return {
            "format": FORMAT,
            "kind": "clef-encoder",
            **dataclasses.asdict(self.config),
            **shape,
            "about": self.about,
        }

    def _save_pretrained(self, save_directory: Path) -> None:
        save_folder(save_directory, self.describe(), self.state_dict())

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> "Encoder":
        config, tensors = load_folder(model_id, "clef-encoder", options)
        name = Path(model_id).name
        check_network(config, EncoderConfig, LIMITS, FORMAT, name, ("codes", "rows"))
        codes, rows = config.get("codes"), config.get("rows")
        fits = isinstance(codes, list) and len(codes) == 2 and all(map(is_whole, codes, (1, 1), (65536, 512)))
        check_entry(fits, name, "codes", codes, "up to 65536 codes of up to 512 dimensions")
        check_entry(is_whole(rows, 1, 128), name, "rows", rows, "a whole number from 1 to 128")
        sizes = EncoderConfig(**{f.name: config[f.name] for f in dataclasses.fields(EncoderConfig) if f.name in config})
        least = 12 * sizes.width**2 * (sizes.encoder_layers + sizes.decoder_layers) + codes[0] * (
            codes[1] + sizes.width
        )
        model = build(lambda: cls.from_description(config), tensors, least, "encoder")
        model.about = config.get("about", {})
        return model

    @classmethod
    def from_description(cls, config: dict[str, Any]) -> "Encoder":
        """An untrained encoder of the size that `describe()` states; what it does not state is at its default."""
        known = {f.name: config[f.name] for f in dataclasses.fields(EncoderConfig) if f.name in config}
        model = cls(EncoderConfig(**known), torch.zeros(config["codes"]), config["rows"])
        model.about = config.get("about", {})
        return model


def packed_places(ok: Tensor, kept: Tensor | None = None, tokens: int = 0) -> tuple[Tensor, list[int]]:
    """Places (T,) of the true ones of ok (B, N) in the batch laid flat, and how many each session has.

    With `kept` (B, M), ok (B, M) says which of those positions among a session's `tokens` are meant.
    """
    lengths = ok.sum(1).tolist()
    if kept is None:
        return ok.flatten().nonzero()[:, 0], lengths
    start = tokens * torch.arange(len(ok), device=ok.device)[:, None]
    return (kept + start)[ok], lengths


def unpacked(states: Tensor, at: Tensor, tokens: Tensor) -> Tensor:
    """Packed states (T, D) at their places `at` (T,) among the tokens (B, R, W), zero elsewhere: (B, R, W, D)."""
    full = states.new_zeros(tokens.numel(), states.shape[-1])
    return full.index_copy(0, at, states).unflatten(0, tokens.shape)


def plan(batch: dict[str, Any]) -> dict[str, Any]:
    """Where the tokens of a masked batch stand once packed; made on the CPU it spares a GPU its waits.

    Places in the batch laid flat (B·N): seen (the encoder's tokens), real (the decoder's), asked (the hidden ones);
    seen_in_real and asked_in_real among the real ones; seen_hidden bool; seen_lengths and real_lengths, lists of B.
    """
    ok = batch["valid"][:, None].expand(batch["tokens"].shape).flatten(1)
    seen, seen_lengths = packed_places(batch["kept_ok"], batch["kept"], ok.shape[1])
    real, real_lengths = packed_places(ok)
    asked = batch["hidden"].flatten().nonzero()[:, 0]
    among_real = ok.flatten().cumsum(0) - 1
    return {
        **{"seen": seen, "seen_lengths": seen_lengths, "seen_hidden": batch["hidden"].flatten()[seen]},
        **{"real": real, "real_lengths": real_lengths, "asked": asked},
        **{"seen_in_real": among_real[seen], "asked_in_real": among_real[asked]},
    }


def sinusoids(length: int, width: int, device: torch.device) -> Tensor:
    """Sine and cosine positions (length, width) (Vaswani et al. 2017, arXiv 1706.03762, section 3.5)."""
    rate = torch.exp(torch.arange(0, width, 2, device=device) * (-math.log(10000.0) / width))
    angle = torch.arange(length, device=device)[:, None] * rate
    return torch.cat([angle.sin(), angle.cos()], -1)


def _start_small(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
