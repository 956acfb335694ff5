"""False discovery rate against scipy, and that it is the promised one."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control, norm

from benchmark.scores.statistics.multiplicity import q_values


@pytest.mark.parametrize("seed", range(5))
def test_q_values_equal_scipy(seed):
    p = np.random.default_rng(seed).random(60) ** 3
    p[:10] = p[10:20]  # ties
    assert q_values(p) == pytest.approx(false_discovery_control(p), abs=1e-15)
    assert q_values(p[:1]) == p[:1] and q_values(p[:0]).shape == (0,)


def test_false_discoveries_are_at_the_promised_rate():
    """2,000 runs of 60 tests, a third of them with an effect: at most 5 % of what is called is none."""
    rng, share = np.random.default_rng(0), []
    for z in rng.standard_normal((2000, 60)) + np.where(np.arange(60) < 20, 3.0, 0.0):
        called = q_values(2 * norm.sf(np.abs(z))) < 0.05
        share.append(called[20:].sum() / max(1, called.sum()))
    assert 0.02 < np.mean(share) < 0.05


@pytest.mark.parametrize("p", [[0.1, np.nan], [1.1], [-0.1]])
def test_what_is_no_p_value_is_refused(p):
    with pytest.raises(ValueError, match="between 0 and 1"):
        q_values(np.array(p))
