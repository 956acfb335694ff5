"""Multi-head attention with a key mask: one function for every Transformer in CLEF.

PyTorch's scaled_dot_product_attention is the reference. Shapes: B batch · N tokens · D width · H heads.
"""

from torch import Tensor
from torch.nn import functional as F


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int, key_ok: Tensor | None) -> Tensor:
    """Attention of q (B, N, D) over k, v (B, M, D); keys where key_ok (B, M) is false are not attended to."""
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))  # (B, H, N, D/H)
    mask = None if key_ok is None else key_ok[:, None, None, :]
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)
