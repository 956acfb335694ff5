"""What stage=align asks of a session encoder; `clef.network.encoder.Encoder` is one.

Another network that turns tokens into a session embedding can be aligned once it has these members: it is also a
`torch.nn.Module`, so that it can be moved, trained and saved in checkpoints like any other.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from torch import Tensor, nn


@runtime_checkable
class SessionEncoder(Protocol):
    """A module from tokens to one vector per session. Shapes: B sessions · R x W token grid · M kept tokens."""

    output: int
    """Width D of a session embedding."""

    def embed_kept(self, tokens: Tensor, kept: Tensor, kept_ok: Tensor) -> Tensor:
        """Session embeddings from a part of the tokens: (B, R, W) int64, (B, M) int64, (B, M) bool -> (B, D) float32.

        kept: row-major positions of the tokens that are looked at · kept_ok: false where a session has fewer than M
        """

    def embedding_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters that `embed_kept` depends on; alignment trains these and leaves all others as they are."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """All parameters."""

    def save_pretrained(self, save_directory: Path) -> None:
        """Write the encoder as one part of a model folder."""


class PartEncoder(SessionEncoder, Protocol):
    """What `align.multiple_instance` asks beside it."""

    def embed_parts(
        self, tokens: Tensor, kept: Tensor, kept_ok: Tensor, part: Tensor, parts: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """`embed_kept` of the whole and of P parts: with part (B, W) int64 -> (B, D), (B, P, D) and (B, P) bool.

        part: which part a column belongs to · the bool is false where nothing of a part is kept
        """
