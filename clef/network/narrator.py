"""The narrator: a small causal Transformer that writes a text on a stretch of EEG, word piece by word piece.

    tokens of a window -> frozen session encoder -> states (M, N, D) -> memory (M, N, W) <- attended to by the text

Vaswani et al. 2017, the decoder, pre-norm. It reads the encoder's states of the stretch and of the stretches before,
each with a learned embedding of how long ago it was and of its frequency row, and where the model is aligned with
reports the window's projection at the report head as one more vector of the memory. The text has its own byte-pair
encoding, learned on the training texts; one id more begins and ends it. Generation is greedy.

Shapes: M stretches · N tokens of a window · L ids of a text · D encoder width · W own width · V ids.
"""

import dataclasses
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from clef.network.bpe import Bpe
from clef.network.transformer import Layer
from tokenizer.base.hub import ModelPart, build, check_entry, check_network, load_folder, save_folder
from tokenizer.base.limits import check_settings, is_whole


@dataclasses.dataclass
class NarratorConfig:
    """Size of the network that writes narratives, and what it reads."""

    width: int = 256
    """Width W of every layer."""
    layers: int = 4
    """Layers, each of which attends to the text so far and to the EEG."""
    heads: int = 8
    """Attention heads per layer; divides the width."""
    words: int = 1024
    """Most ids of the byte-pair encoding learned on the training texts; more than 256."""
    length: int = 128
    """Most ids of one text; the rest is cut."""
    min_count: int = 5
    """A word is learned from if at least so many training subjects have it in texts: a rarer one may be a name."""
    history: int = 2
    """Stretches before its own that a text is written from; 0: its own alone."""


LIMITS = {
    **{"width": (2, 4096), "layers": (1, 64), "heads": (1, 256), "words": (257, 65536), "length": (1, 4096)},
    **{"min_count": (1, 1 << 31), "history": (0, 64)},
}
FORMAT = 1
ENTRIES = ("bpe", "states", "rows", "projection", "scope")
"""Keys of config.json beside those of `NarratorConfig`."""
Kept = tuple[Tensor, Tensor]
"""Keys and values (M, H, ·, W/H)."""


class NarratorLayer(Layer):
    """A layer of the session encoder whose text attends to what is before it, and then to the memory."""

    def __init__(self, width: int, heads: int):
        super().__init__(width, heads)
        self.norm_m = nn.LayerNorm(width)
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.out_m = nn.Linear(width, width)

    def forward(self, x: Tensor, memory: Kept, mask: Tensor, before: Kept | None = None) -> tuple[Tensor, Kept]:
        """x (M, L, W), memory of `read`, mask (M, 1, 1, N) bool -> (M, L, W), and keys and values of the text so far.

        before: keys and values of the ids before these, in which case L is 1.
        """
        query, key, value = (self._split(part) for part in self.qkv(self.norm_a(x)).chunk(3, -1))
        if before is not None:
            key, value = torch.cat([before[0], key], 2), torch.cat([before[1], value], 2)
        own = F.scaled_dot_product_attention(query, key, value, is_causal=before is None)
        x = x + self.out(self._joined(own))
        seen = F.scaled_dot_product_attention(self._split(self.query(self.norm_m(x))), *memory, attn_mask=mask)
        x = x + self.out_m(self._joined(seen))
        return x + self.mlp(self.norm_b(x)), (key, value)

    def read(self, memory: Tensor) -> Kept:
        """Keys and values of the memory (M, N, W)."""
        key, value = self.key_value(memory).chunk(2, -1)
        return self._split(key), self._split(value)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def _joined(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2).flatten(2)


class Narrator(nn.Module, ModelPart, library_name="clef-eeg", tags=["eeg", "clef"], license="apache-2.0"):
    """Texts from the states of a session encoder; owns its byte-pair encoding."""

    def __init__(self, config: NarratorConfig, bpe: Bpe, states: int, rows: int, projection: int = 0, scope="minute"):
        """states: width D of the encoder · rows: R of the token grid · projection: width at the report head, 0: none.

        scope: what a text is on, minute or segment.
        """
        super().__init__()
        check_settings(config, LIMITS, "narrator")
        if config.width % config.heads:
            raise ValueError(f"narrator.width={config.width}: must be a multiple of narrator.heads={config.heads}")
        self.config, self.bpe, self.rows, self.scope = config, bpe, rows, scope
        self.states, self.projection = states, projection
        self.about: dict[str, Any] = {}  # what it was trained on; travels in config.json
        width, self.end = config.width, len(bpe)
        self.to_memory = nn.Linear(states, width)
        self.row, self.ago = nn.Embedding(rows, width), nn.Embedding(config.history + 1, width)
        self.from_projection = nn.Linear(projection, width) if projection else None
        self.words = nn.Embedding(len(bpe) + 1, width)
        self.positions = nn.Parameter(torch.zeros(config.length, width))
        self.layers = nn.ModuleList(NarratorLayer(width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        for table, spread in ((self.words, 0.02), (self.row, 0.5), (self.ago, 0.5)):  # places as strong as states
            nn.init.normal_(table.weight, std=spread)
        nn.init.normal_(self.positions, std=0.02)

    # ---- texts
    def encode(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        """Texts -> ids (M, L) int64 with the one that ends them, and mask (M, L) bool, L the longest text's."""
        ids, mask = self.bpe.encode(texts, self.config.length)
        lengths = mask.sum(1)
        short = torch.nonzero(lengths < self.config.length)[:, 0]
        ids[short, lengths[short]], mask[short, lengths[short]] = self.end, True
        longest = int(mask.sum(1).max()) if len(texts) else 0
        return ids[:, :longest], mask[:, :longest]

    # ---- networks
    def memory(self, states: Tensor, ok: Tensor, ago: Tensor, projection: Tensor | None) -> tuple[Tensor, Tensor]:
        """What texts attend to, and which of it is there: (M, N, W) and (M, 1, 1, N) bool.

        states (M, N, D), row-major · ok (M, N) bool · ago (M, columns) int64 · projection (M, P): of the window
        """
        columns = ago.shape[1]
        row = self.row.weight.repeat_interleave(columns, 0)  # (R, W) -> (N, W)
        memory = self.to_memory(states) + row + self.ago(ago).repeat(1, self.rows, 1)
        if self.from_projection is not None:
            memory = torch.cat([memory, self.from_projection(projection)[:, None]], 1)
            ok = torch.cat([ok, ok.new_ones(len(ok), 1)], 1)
        return memory, ok[:, None, None]

    def forward(self, ids: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        """Logits (M, L, V) of each id of `encode` from those before it; memory and mask as `memory` gives them."""
        begin = torch.full_like(ids[:, :1], self.end)
        x = self.words(torch.cat([begin, ids[:, :-1]], 1)) + self.positions[: ids.shape[1]]
        for layer in self.layers:
            x, _ = layer(x, layer.read(memory), mask)
        return self._logits(x)

    @torch.no_grad()
    def write(self, memory: Tensor, mask: Tensor) -> list[str]:
        """The likeliest continuation, id by id, until the one that ends a text: M texts."""
        read = [layer.read(memory) for layer in self.layers]
        before: list[Kept | None] = [None] * len(self.layers)
        last = torch.full((len(memory),), self.end, device=memory.device)
        open_, ids = torch.ones_like(last, dtype=torch.bool), []
        for position in range(self.config.length):
            x = (self.words(last) + self.positions[position])[:, None]
            for i, layer in enumerate(self.layers):
                x, before[i] = layer(x, read[i], mask, before[i])
            last = self._logits(x)[:, 0].argmax(-1)
            open_ = open_ & (last != self.end)
            if not open_.any():
                break
            ids.append(torch.where(open_, last, 0))  # 0 is padding, which is no part of a text
        return [self.bpe.decode(row) for row in (torch.stack(ids, 1).tolist() if ids else [[]] * len(memory))]

    def _logits(self, x: Tensor) -> Tensor:
        return F.linear(self.norm(x), self.words.weight)

    # ---- saving
    def describe(self) -> dict[str, Any]:
        """The configuration as plain values, as stored beside the weights."""
        entries = {"bpe": self.bpe.to_json(), "states": self.states, "rows": self.rows}
        entries |= {"projection": self.projection, "scope": self.scope, "about": self.about}
        return {"format": FORMAT, "kind": "clef-narrator", **dataclasses.asdict(self.config), **entries}

    def _save_pretrained(self, save_directory: Path) -> None:
        save_folder(save_directory, self.describe(), self.state_dict())

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> "Narrator":
        config, tensors = load_folder(model_id, "clef-narrator", options)
        name = Path(model_id).name
        check_network(config, NarratorConfig, LIMITS, FORMAT, name, ENTRIES)
        for key, least, most in (("states", 1, 4096), ("rows", 1, 128), ("projection", 0, 4096)):
            fits = is_whole(config.get(key), least, most)
            check_entry(fits, name, key, config.get(key), f"a whole number from {least} to {most}")
        check_entry(config.get("scope") in ("minute", "segment"), name, "scope", config.get("scope"), "minute, segment")
        try:
            bpe = Bpe.from_json(config.get("bpe"))
        except ValueError as error:
            check_entry(False, name, "bpe", str(error), "a byte-pair encoding")
        known = {f.name: config[f.name] for f in dataclasses.fields(NarratorConfig) if f.name in config}
        sizes, entries = NarratorConfig(**known), [config[key] for key in ENTRIES[1:]]
        least = 16 * sizes.width**2 * sizes.layers + sizes.length * sizes.width
        model = build(lambda: cls(sizes, bpe, *entries), tensors, least, "narrator")
        model.about = config.get("about", {})
        return model
