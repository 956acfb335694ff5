"""Windows: the stretch that a text is on and those right before it, as tokens side by side.

Nothing behind the stretch is in its window: a narrative does not depend on what comes later, and one without history
knows its stretch alone.

Shapes: M stretches · R rows x W columns of tokens, padded to the longest window · Q numbers of a map.
"""

from collections.abc import Sequence
from typing import Any

import torch

from clef.narratives.maps import SessionMaps
from clef.narratives.texts import COLUMNS, PartScope
from tokenizer.maps import NUMBERS
from tokenizer.store import Tokens
from tokenizer.stretches import cut


def windows(
    source: Tokens,
    places: Sequence[tuple[int, int]],
    scope: PartScope,
    history: int,
    maps: SessionMaps | None = None,
) -> dict[str, Any]:
    """Windows of stretches (row, number): tokens (M, R, W) int64, valid (M, W) bool, ago (M, W) int64.

    ago: how many stretches before its own each column lies; 0 where there is none · maps: of the same source, if maps
    (M, W, Q) float32 are wanted, too; NaN where there is none.
    """
    length, last = COLUMNS[scope], source.valid.shape[1]
    slices = [slice(max(0, n - history) * length, min(last, (n + 1) * length)) for _, n in places]
    batch = cut(source, [row for row, _ in places], slices)
    width = batch["valid"].shape[1]
    own = torch.tensor([(n - max(0, n - history)) for _, n in places])[:, None]  # its place in its window
    batch["ago"] = (own - torch.arange(width) // length).clamp(min=0)
    if maps is not None:
        batch["maps"] = torch.full((len(places), width, NUMBERS), torch.nan)
        for i, ((row, _), columns) in enumerate(zip(places, slices, strict=True)):
            some = torch.from_numpy(maps.of(row)[columns])
            batch["maps"][i, : len(some)] = some
    return batch
