"""Tiers of energy: exact k-means in one dimension."""

from itertools import product

import numpy as np
import pytest

from clef.descriptions.tiers import tiers_of


def test_three_clear_groups():
    level = np.array([1.0, 9, 1.2, 5, 9.1, 5.1, np.nan, 0.9])
    tiers = tiers_of(level)
    assert tiers.tier.tolist() == [0, 2, 0, 1, 2, 1, -1, 0] and tiers.highest.tolist() == [1, 4]
    assert tiers.span == pytest.approx(9.05 - 1.0333, abs=0.01)


def test_no_other_grouping_scatters_less():
    level = np.random.default_rng(0).standard_normal(7)
    own = tiers_of(level).tier

    def scatter(groups):
        parts = [level[np.array(groups) == k] for k in range(3)]
        return sum(((p - p.mean()) ** 2).sum() for p in parts) if all(map(len, parts)) else np.inf

    assert scatter(own) == pytest.approx(min(scatter(groups) for groups in product(range(3), repeat=7)))


def test_too_few_electrodes_have_no_tiers():
    assert tiers_of(np.array([1.0, 2, 3, 4, 5, np.nan])) is None
