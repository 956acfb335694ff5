"""Poolings: how the vectors of a session's token grid become one vector.

Every pooling is plain statistics over valid time, with nothing to train, so that it serves the states of a trained
encoder, those of a fresh one and the tokenizer's code vectors alike. The mean alone hides what comes and goes: a burst
in one column of thirty hardly moves it, but it moves the standard deviation and the highest decile.

Shapes: B sessions · R rows x W columns · D width.
"""

import torch
from torch import Tensor

from clef.readout import POOLS

QUANTILES = (0.1, 0.5, 0.9)


def pooled(states: Tensor, valid: Tensor, pool: str) -> Tensor:
    """One vector per session of states (B, R, W, D), over valid columns (B, W): (B, `pooled_width`) float32.

    rows: mean over time of each row · rows+sd: those, then the standard deviation over time of each row ·
    quantiles: deciles 1, 5 and 9 over time of each row · mean: over time and rows. A session without a valid column
    gets zeros. Raises ValueError for any other pool.
    """
    check_pool(pool)
    if pool == "quantiles":
        return _quantiles(states, valid)
    share = valid.to(states.dtype) / valid.sum(1, keepdim=True).clamp_min(1)
    rows = torch.einsum("brwd,bw->brd", states, share)
    if pool == "mean":
        return rows.mean(1).float()
    if pool == "rows":
        return rows.flatten(1).float()
    spread = torch.einsum("brwd,bw->brd", (states - rows[:, :, None]).square(), share).sqrt()
    return torch.cat([rows.flatten(1), spread.flatten(1)], 1).float()


def _quantiles(states: Tensor, valid: Tensor) -> Tensor:
    hidden = states.float().masked_fill(~valid[:, None, :, None], torch.nan)
    at = torch.tensor(QUANTILES, device=states.device)
    return torch.nanquantile(hidden, at, dim=2).nan_to_num(0.0).transpose(0, 1).flatten(1)


def pooled_width(pool: str, rows: int, width: int) -> int:
    """Numbers that `pooled` makes of R = `rows` rows of D = `width` numbers."""
    return width * {"rows": rows, "rows+sd": 2 * rows, "quantiles": len(QUANTILES) * rows, "mean": 1}[pool]


def check_pool(pool: str) -> None:
    """Raise ValueError unless `pool` is a pooling."""
    if pool not in POOLS:
        raise ValueError(f"pool={pool}: expected {' or '.join(POOLS)}")
