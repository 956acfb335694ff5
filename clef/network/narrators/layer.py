"""A layer of a Transformer that attends to what is before it, and then to a memory. Vaswani et al. 2017, pre-norm.

Shapes: M stretches · L places · N vectors of the memory · W width · H heads.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from clef.network.transformer import Layer

Kept = tuple[Tensor, Tensor]
"""Keys and values (M, H, ·, W/H)."""


class NarratorLayer(Layer):
    """A layer of the session encoder whose places attend to those before them, and then to the memory."""

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
