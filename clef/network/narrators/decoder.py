"""The narrator of ours: a small causal Transformer that writes a text on a stretch of EEG, word piece by word piece.

    tokens of a window -> frozen session encoder -> states (M, N, D) -> memory (M, N, W) <- attended to by the text

Vaswani et al. 2017, the decoder, pre-norm. The text has its own byte-pair encoding, learned on the training texts; one
id more begins and ends it. Generation is greedy.

Shapes: M stretches · N vectors of the memory · L ids of a text · W own width · V ids.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from clef.network.bpe import Bpe
from clef.network.narrators.base import ENTRIES, BaseNarrator, NarratorConfig, check_narrator, greedy
from clef.network.narrators.layer import Kept, NarratorLayer
from tokenizer.base.hub import build, check_entry, load_folder


class Narrator(BaseNarrator, library_name="clef-eeg", tags=["eeg", "clef"], license="apache-2.0"):
    """Texts from the states of a session encoder; owns its byte-pair encoding."""

    kind = "clef-narrator"

    def __init__(self, config: NarratorConfig, bpe: Bpe, states: int, rows: int, projection: int = 0, scope="minute"):
        """The last four as `BaseNarrator` takes them."""
        super().__init__(config, states, rows, projection, scope)
        self.bpe, self.end = bpe, len(bpe)
        self.words = nn.Embedding(len(bpe) + 1, config.width)
        self.positions = nn.Parameter(torch.zeros(config.length, config.width))
        self.layers = nn.ModuleList(NarratorLayer(config.width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        nn.init.normal_(self.words.weight, std=0.02)
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

        def step(last: Tensor, place: int) -> Tensor:
            x = (self.words(last) + self.positions[place])[:, None]
            for i, layer in enumerate(self.layers):
                x, before[i] = layer(x, read[i], mask, before[i])
            return self._logits(x)[:, 0]

        begin = torch.full((len(memory),), self.end, device=memory.device)
        return [self.bpe.decode(ids) for ids in greedy(step, begin, self.end, self.config.length)]

    def _logits(self, x: Tensor) -> Tensor:
        return F.linear(self.norm(x), self.words.weight)

    # ---- saving
    def entries(self) -> dict[str, Any]:
        """Its byte-pair encoding."""
        return {"bpe": self.bpe.to_json()}

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> "Narrator":
        config, tensors = load_folder(model_id, cls.kind, options)
        name = Path(model_id).name
        sizes = check_narrator(config, name, ("bpe",))
        try:
            bpe = Bpe.from_json(config.get("bpe"))
        except ValueError as error:
            check_entry(False, name, "bpe", str(error), "a byte-pair encoding")
        least = 16 * sizes.width**2 * sizes.layers + sizes.length * sizes.width
        model = build(lambda: cls(sizes, bpe, *(config[key] for key in ENTRIES)), tensors, least, "narrator")
        model.about = config.get("about", {})
        return model
