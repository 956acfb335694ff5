"""Poolings: plain statistics over valid time, and what comes and goes shows in all but the mean."""

import numpy as np
import pytest
import torch

from clef.network.pooling import QUANTILES, pooled, pooled_width
from clef.readout import POOLS

R, W, D = 3, 12, 5


def states(seed=0):
    valid = torch.ones(2, W, dtype=torch.bool)
    valid[0, 3], valid[1, 7:] = False, False
    return torch.randn(2, R, W, D, generator=torch.Generator().manual_seed(seed)), valid


def plain(pool, states, valid):
    """One session at a time, with numpy."""
    out = []
    for session, ok in zip(states.numpy(), valid.numpy(), strict=True):
        kept = session[:, ok]
        parts = {
            "rows": [kept.mean(1)],
            "rows+sd": [kept.mean(1), kept.std(1)],
            "quantiles": [np.quantile(kept, q, axis=1) for q in QUANTILES],
            "mean": [kept.mean((0, 1))],
        }
        out.append(np.concatenate([part.ravel() for part in parts[pool]]))
    return np.stack(out)


@pytest.mark.parametrize("pool", POOLS)
def test_each_is_what_numpy_says_of_the_valid_columns(pool):
    values, valid = states()
    got = pooled(values, valid, pool)
    assert got.shape == (2, pooled_width(pool, R, D)) and got.dtype == torch.float32
    np.testing.assert_allclose(got.numpy(), plain(pool, values, valid), atol=1e-5)
    other = torch.where(valid[:, None, :, None], values, torch.tensor(1e6))
    torch.testing.assert_close(pooled(other, valid, pool), got)
    nobody = pooled(values, torch.zeros_like(valid), pool)
    assert nobody.eq(0).all(), "a session without a valid column"


def test_two_courses_with_one_mean_are_told_apart():
    steady, coming = torch.zeros(1, 1, W, 1), torch.zeros(1, 1, W, 1)
    steady += 1.0
    coming[..., : W // 4, :] = 4.0
    valid = torch.ones(1, W, dtype=torch.bool)
    torch.testing.assert_close(pooled(steady, valid, "rows"), pooled(coming, valid, "rows"))
    for pool in ("rows+sd", "quantiles"):
        assert (pooled(steady, valid, pool) - pooled(coming, valid, pool)).abs().max() > 1


def test_another_name_is_refused():
    with pytest.raises(ValueError, match=r"pool=max: expected rows or rows\+sd or quantiles or mean"):
        pooled(*states(), "max")
