"""The spaces that a probe may choose among."""

import numpy as np
import pytest

from benchmark.scores.probing.whitening import draw_rows, fit_whitening


def correlated(n, width, seed=0):
    rng = np.random.default_rng(seed)
    spread = np.exp(rng.normal(0, 3, width))  # columns in whatever units
    return (rng.standard_normal((n, 40)) @ rng.standard_normal((40, width)) + rng.standard_normal((n, width))) * spread


@pytest.mark.parametrize(("n", "width"), [(300, 500), (500, 200)])
def test_whitened_components_are_uncorrelated_and_of_spread_one(n, width):
    x = correlated(n, width)
    full, wide, narrow = fit_whitening(x).spaces(x)
    assert (full.components, wide.components, narrow.components) == (0, 128, 32)
    assert np.allclose(full.z.mean(0), 0) and np.allclose(full.z.std(0), 1)
    for space in (wide, narrow):
        assert np.allclose(space.z.T @ space.z / n, np.eye(space.components), atol=1e-6)
    assert np.allclose(wide.z[:, :32], narrow.z)
    assert np.allclose(full.along_axes @ full.along_axes[:9].T, full.z @ full.z[:9].T)  # the same inner products
    if width < n:  # all axes are known, and along them columns are uncorrelated
        cross = full.along_axes.T @ full.along_axes / n
        assert np.allclose(cross, np.diag(np.diag(cross)), atol=1e-6)


@pytest.mark.parametrize(("n", "width"), [(300, 500), (500, 200)])
def test_components_are_those_of_a_singular_value_decomposition(n, width):
    x = correlated(n, width)
    z = (x - x.mean(0)) / x.std(0)
    theirs = np.linalg.svd(z, full_matrices=False)[0][:, :32] * np.sqrt(n)
    ours = fit_whitening(x).spaces(x)[2].z
    assert np.abs(np.abs((ours * theirs).mean(0)) - 1).max() < 1e-6


@pytest.mark.parametrize(
    ("n", "width", "components"), [(300, 32, [0]), (300, 33, [0, 32]), (30, 500, [0]), (40, 500, [0, 32]), (5, 3, [0])]
)
def test_a_width_not_below_the_columns_or_the_rank_is_left_out(n, width, components):
    x = np.random.default_rng(1).standard_normal((n, width))
    assert [space.components for space in fit_whitening(x).spaces(x)] == components


def test_constant_columns_are_left_out():
    x = np.random.default_rng(2).standard_normal((50, 4))
    x[:, 1] = 7.0
    assert fit_whitening(x).spaces(x)[0].z.shape == (50, 3)
    (space,) = fit_whitening(np.ones((5, 3))).spaces(np.full((2, 3), 4.0))
    assert (space.z == 0).all()


def test_of_many_rows_some_are_drawn():
    assert draw_rows(10).tolist() == list(range(10))
    drawn = draw_rows(1000, 100, seed=3)
    assert len(set(drawn)) == 100 and (np.diff(drawn) > 0).all() and (drawn == draw_rows(1000, 100, seed=3)).all()
