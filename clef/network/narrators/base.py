"""What all narrators are: readers of a memory, which is all that a text is written from, in one row of vectors.

    states of a window (M, N, D), its projection, its maps -> memory (M, N + 1 + columns, W)

The frozen session encoder's states of the stretch and of the stretches before, each with a learned embedding of how
long ago it was and of its frequency row; where the model is aligned with reports the window's projection at the report
head as one more vector; and, if wanted, the map of band power of each column of 10 s (tokenizer.maps) with how long ago
it was. Maps are standardised by the training maps; a missing electrode has their mean and a mark.

What writes is a subclass: a decoder of ours (`clef.network.narrators.decoder`), or a local language model.

Shapes: M stretches · N tokens of a window · L ids of a text · D encoder width · W own width · V ids · P numbers of the
projection · Q numbers of a map.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from tokenizer.base.hub import ModelPart, check_entry, check_network, save_folder
from tokenizer.base.limits import check_settings, is_whole
from tokenizer.channels import CHANNELS
from tokenizer.maps import BANDS, NUMBERS


@dataclasses.dataclass
class NarratorConfig:
    """Size of the network that writes narratives, and what it reads."""

    width: int = 256
    """Width W of every layer."""
    layers: int = 4
    """Layers, each of which attends to the text so far (with text=hf, to the prompts so far) and to the EEG."""
    heads: int = 8
    """Attention heads per layer; divides the width."""
    words: int = 1024
    """Most ids of the byte-pair encoding learned on the training texts; more than 256. With text=hf there is none."""
    length: int = 128
    """Most ids of one text, of the language model's with text=hf; the rest is cut."""
    min_count: int = 5
    """A word is learned from if at least so many training subjects have it in texts: a rarer one may be a name."""
    history: int = 2
    """Stretches before its own that a text is written from; 0: its own alone."""
    maps: bool = False
    """Read the map of band power of each 10 s, too (19 electrodes x 4 bands), as the tokens give it back. A session's
    maps are made when it is first drawn, 0.05 s of a core for 7 minutes, and kept in memory, 13 kB for 7 minutes."""
    prompts: int = 16
    """Vectors that a language model (text=hf) reads in front of a text, however long the window is."""


LIMITS = {
    **{"width": (2, 4096), "layers": (1, 64), "heads": (1, 256), "words": (257, 65536), "length": (1, 4096)},
    **{"min_count": (1, 1 << 31), "history": (0, 64), "prompts": (1, 1024)},
}
FORMAT = 1
ENTRIES = ("states", "rows", "projection", "scope")
"""What a memory is made of: keys of config.json beside those of `NarratorConfig`."""
Scope = Literal["minute", "segment"]


class BaseNarrator(nn.Module, ModelPart):
    """What a narrator reads; its subclasses write."""

    kind = ""
    """What config.json calls it."""

    def __init__(self, config: NarratorConfig, states: int, rows: int, projection: int = 0, scope: Scope = "minute"):
        """states: width D of the encoder · rows: R of the token grid · projection: width at the report head, 0: none.

        scope: what a text is on, minute or segment.
        """
        super().__init__()
        check_settings(config, LIMITS, "narrator")
        if config.width % config.heads:
            raise ValueError(f"narrator.width={config.width}: must be a multiple of narrator.heads={config.heads}")
        self.config, self.states, self.rows, self.projection, self.scope = config, states, rows, projection, scope
        self.about: dict[str, Any] = {}  # what it was trained on; travels in config.json
        width = config.width
        self.to_memory = nn.Linear(states, width)
        self.row, self.ago = nn.Embedding(rows, width), nn.Embedding(config.history + 1, width)
        for table in (self.row, self.ago):
            nn.init.normal_(table.weight, std=0.5)  # places as strong as states
        self.from_projection = nn.Linear(projection, width) if projection else None
        self.from_map = nn.Linear(NUMBERS + len(CHANNELS), width) if config.maps else None
        if self.from_map is not None:
            nn.init.zeros_(self.from_map.weight[:, NUMBERS:])  # where none is missing in training, a mark says nothing
            self.register_buffer("map_mean", torch.zeros(NUMBERS))
            self.register_buffer("map_sd", torch.ones(NUMBERS))

    # ---- reading
    def memory(
        self, states: Tensor, ok: Tensor, ago: Tensor, projection: Tensor | None = None, maps: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """What texts attend to, and which of it is there: (M, N', W) and (M, 1, 1, N') bool.

        states (M, N, D), row-major · ok (M, N) bool · ago (M, columns) int64 · projection (M, P): of the window ·
        maps (M, columns, Q) dB, NaN where an electrode is missing, and throughout where a column is invalid
        """
        columns = ago.shape[1]
        row = self.row.weight.repeat_interleave(columns, 0)  # (R, W) -> (N, W)
        parts, there = [self.to_memory(states) + row + self.ago(ago).repeat(1, self.rows, 1)], [ok]
        if self.from_projection is not None:
            parts.append(self.from_projection(projection)[:, None])
            there.append(ok.new_ones(len(ok), 1))
        if self.from_map is not None:
            parts.append(self.from_map(self._standard(maps)) + self.ago(ago))
            there.append(~maps.isnan().all(-1))
        return torch.cat(parts, 1), torch.cat(there, 1)[:, None, None]

    def _standard(self, maps: Tensor) -> Tensor:
        """Maps (M, columns, Q) dB in units of the training maps' spread, beside which electrodes are missing: Q + C."""
        missing = maps.isnan()
        numbers = ((maps - self.map_mean) / self.map_sd).masked_fill(missing, 0.0)
        return torch.cat([numbers, missing.unflatten(-1, (len(BANDS), -1)).all(-2).to(maps.dtype)], -1)

    # ---- writing
    def encode(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        """Texts -> ids (M, L) int64 with the one that ends them, and mask (M, L) bool, L the longest text's."""
        raise NotImplementedError  # abstract

    def forward(self, ids: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        """Logits (M, L, V) of each id of `encode` from those before it; memory and mask as `memory` gives them."""
        raise NotImplementedError  # abstract

    def write(self, memory: Tensor, mask: Tensor) -> list[str]:
        """The likeliest continuation, id by id, until the one that ends a text: M texts."""
        raise NotImplementedError  # abstract

    def language_parameters(self) -> list[nn.Parameter]:
        """What is trained of a network that was trained before."""
        return []

    def ready(self) -> None:
        """Have what writing takes beside the weights. Raises ValueError (one line) if it is not to be had."""

    @property
    def writer(self) -> str:
        """What writes, in words."""
        return "own decoder"

    # ---- saving
    def entries(self) -> dict[str, Any]:
        """What a subclass is made of, as plain values."""
        raise NotImplementedError  # abstract

    def describe(self) -> dict[str, Any]:
        """The configuration as plain values, as stored beside the weights."""
        entries = {key: getattr(self, key) for key in ENTRIES} | {"about": self.about}
        return {"format": FORMAT, "kind": self.kind, **dataclasses.asdict(self.config), **self.entries(), **entries}

    def _save_pretrained(self, save_directory: Path) -> None:
        save_folder(save_directory, self.describe(), self.state_dict())


def check_narrator(config: dict[str, Any], name: str, others: tuple[str, ...]) -> NarratorConfig:
    """The settings in the config.json of a narrator, whose subclass adds the keys `others`.

    Raises ValueError (one line) unless it describes a memory. name: of its model folder.
    """
    check_network(config, NarratorConfig, LIMITS, FORMAT, name, (*ENTRIES, *others))
    for key, least, most in (("states", 1, 4096), ("rows", 1, 128), ("projection", 0, 4096)):
        fits = is_whole(config.get(key), least, most)
        check_entry(fits, name, key, config.get(key), f"a whole number from {least} to {most}")
    check_entry(config.get("scope") in ("minute", "segment"), name, "scope", config.get("scope"), "minute, segment")
    return NarratorConfig(**{f.name: config[f.name] for f in dataclasses.fields(NarratorConfig) if f.name in config})


@torch.no_grad()
def greedy(step: Callable[[Tensor, int], Tensor], begin: Tensor, end: int, most: int) -> list[list[int]]:
    """The likeliest id at each place, until `end` or `most` of them: the ids of M texts.

    step: ids (M,) of a place, and its number -> logits (M, V) of the next · begin (M,): what stands before a text
    """
    last, open_, ids = begin, torch.ones_like(begin, dtype=torch.bool), []
    for place in range(most):
        last = step(last, place).argmax(-1)
        open_ = open_ & (last != end)
        if not open_.any():
            break
        ids.append(torch.where(open_, last, -1))
    rows = torch.stack(ids, 1).tolist() if ids else [[]] * len(begin)
    return [[i for i in row if i >= 0] for row in rows]
