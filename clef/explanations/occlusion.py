"""Attributions by occlusion: how far a target falls when tokens are left out, or an electrode is made like the others.

Zeiler and Fergus 2014 (arXiv 1311.2901). What is left out is taken for usual (`clef.explanations.path`), so drops need
no gradient and hold for any encoder:

- tokens: blocks of the grid do not enter the encoder. Invalid tokens would be taken out of the mean, so that the others
  of their row weigh more, and a steady row would lose nothing; the token that marks what is hidden in reconstruction
  would be averaged with its own state, which alignment has never seen.
- electrodes: in the spectrogram an electrode gets the mean of the others (of its own band, or at all frequencies), or a
  region its mirror image, and the session is encoded anew. The first asks what the electrode adds to the common
  spectrum, the second what the difference between left and right does.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clef.descriptions.places import LOBES, PAIRS, SIDES, side_of
from clef.explanations.path import Encoded
from clef.explanations.targets import Target, everything, value, values
from clef.model import Model
from tokenizer.cells import BANDS, HZ, channel_indices
from tokenizer.channels import CHANNELS

By = Literal["others", "mirror"]
MIRROR = {**dict(PAIRS), **{right: left for left, right in PAIRS}, "Fp1": "Fp2", "Fp2": "Fp1"}
ALL_HZ = (0.0, 32.0)


def blocks(columns: NDArray[np.bool_], rows: int, height: int, width: int) -> NDArray[np.bool_]:
    """Blocks of `height` x `width` tokens that tile the valid columns (W,): (M, R, W), the last ones smaller."""
    at = np.flatnonzero(columns)
    masks = []
    for first in range(0, rows, height):
        for begin in range(0, len(at), width):
            mask = np.zeros((rows, len(columns)), bool)
            mask[first : first + height, at[begin : begin + width]] = True
            masks.append(mask)
    return np.array(masks)


def without(model: Model, target: Target, one: Encoded, masks: NDArray[np.bool_], batch: int = 16) -> NDArray:
    """Drops (M,) of the target when the tokens of each of masks (M, R, W) are left out."""
    left_out = torch.as_tensor(masks, device=one.tokens.device)
    rest = values(model, target, one, everything(one) & ~left_out, batch)
    return value(model, target, one) - rest.double().cpu().numpy()


def on_tokens(model: Model, target: Target, one: Encoded, height: int = 1, width: int = 6) -> NDArray[np.float64]:
    """Drop of each block of the grid, shared evenly by its tokens: (R, W), 0 where tokens do not count."""
    masks = blocks(one.columns[0].cpu().numpy(), one.grid[0], height, width)
    drops = without(model, target, one, masks)
    return np.einsum("m,mrw->rw", drops / masks.sum((1, 2)), masks)


def on_rows(model: Model, target: Target, one: Encoded) -> NDArray[np.float64]:
    """Drop (R,) when a whole row of tokens, 2 Hz of the usual grid, is left out."""
    return without(model, target, one, np.eye(one.grid[0], dtype=bool)[:, :, None] & one.columns[0].cpu().numpy())


def on_columns(model: Model, target: Target, one: Encoded) -> NDArray[np.float64]:
    """Drop (W,) when all tokens of a column are left out; 0 where it does not count."""
    columns = one.columns[0].cpu().numpy()
    drops = np.zeros(len(columns))
    masks = np.eye(len(columns), dtype=bool)[columns][:, None].repeat(one.grid[0], 1)
    drops[columns] = without(model, target, one, masks)
    return drops


# ---- electrodes
def regions() -> dict[str, list[int]]:
    """Lobe and side -> its electrodes, midline left out; for mirroring, and for a place in words."""
    return {
        f"{side} {lobe}": channel_indices(tuple(name for name in names if side_of(name) == side))
        for lobe, names in LOBES.items()
        for side in SIDES
    }


def on_electrodes(
    model: Model,
    target: Target,
    one: Encoded,
    groups: Sequence[Sequence[int]],
    bands: Sequence[tuple[float, float]] = (ALL_HZ,),
    by: By = "others",
) -> NDArray[np.float64]:
    """Drop (G, K) when the electrodes of each of G groups lose what is their own in each of K bands (Hz).

    NaN for a group without a recorded electrode, and with by="mirror" for one without a recorded mirror image.
    """
    before = value(model, target, one)
    drops = np.full((len(groups), len(bands)), np.nan)
    for g, group in enumerate(groups):
        for k, (low, high) in enumerate(bands):
            spec = replaced(one, group, (low, high), by)
            if spec is not None:
                drops[g, k] = before - value(model, target, encoded_anew(model, one, spec))
    return drops


def by_band(model: Model, target: Target, one: Encoded) -> NDArray[np.float64]:
    """Drop (C, 4) of every electrode in each of `tokenizer.cells.BANDS`, made like the mean of the others."""
    return on_electrodes(model, target, one, [[c] for c in range(len(CHANNELS))], list(BANDS.values()))


def replaced(one: Encoded, group: Sequence[int], hz: tuple[float, float], by: By) -> Tensor | None:
    """The spectrogram with some electrodes replaced between two frequencies; None if nothing can take their place."""
    ok = one.channel_ok[0].tolist()
    own = [c for c in group if ok[c]]
    bins = torch.as_tensor((hz[0] <= HZ) & (hz[1] > HZ), device=one.spec.device)
    spec = one.spec.clone()
    if by == "others":
        others = [c for c in range(len(ok)) if ok[c] and c not in own]
        if not own or not others:
            return None
        spec[:, own] = torch.where(bins[:, None], one.spec[:, others].mean(1, keepdim=True), one.spec[:, own])
        return spec
    pairs = [(c, CHANNELS.index(MIRROR[CHANNELS[c]])) for c in own if CHANNELS[c] in MIRROR]
    pairs = [(c, m) for c, m in pairs if ok[m]]
    for c, m in pairs:
        spec[:, c] = torch.where(bins[:, None], one.spec[:, m], one.spec[:, c])
    return spec if pairs else None


@torch.no_grad()
def encoded_anew(model: Model, one: Encoded, spec: Tensor) -> Encoded:
    """The session with another spectrogram, at its own level."""
    tokens = model.vqgan.encode(spec, one.valid, one.channel_ok, one.level)
    return Encoded(spec, one.valid, one.channel_ok, one.level, tokens, one.columns)
