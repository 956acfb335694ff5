"""The Gaussian match: its inner product is the ratio of densities, and it does not fall for hubs."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from benchmark.protocols.ranking import rank_items
from benchmark.topomaps.gaussian import covariance, fit_match
from benchmark.topomaps.scoring import near


@pytest.fixture(scope="module")
def drawn():
    """Maps, and rebuilt ones that lost half: what is expected of a map, given noise as large as itself."""
    rng = np.random.default_rng(0)
    maps = rng.standard_normal((600, 12)) @ rng.standard_normal((12, 12))
    noisy = maps + rng.standard_normal((600, 12)) @ rng.standard_normal((12, 12)) * 0.6
    rebuilt = noisy @ np.linalg.lstsq(noisy, maps, rcond=None)[0]
    return maps - maps.mean(0), rebuilt - rebuilt.mean(0)


def test_the_inner_product_is_the_ratio_of_densities(drawn):
    maps, rebuilt = drawn
    match = fit_match(maps, rebuilt)
    scores = match.of_rebuilt(rebuilt[:9]) @ match.of_maps(maps[:7]).T
    error, prior = (multivariate_normal(np.zeros(12), covariance(each)) for each in (maps - rebuilt, maps))
    ratio = np.array([[error.logpdf(t - r) - prior.logpdf(t) for t in maps[:7]] for r in rebuilt[:9]])
    assert np.ptp(ratio - scores) < 1e-6


def test_it_finds_more_than_distance_does_where_rebuilt_maps_are_tamer(drawn):
    maps, rebuilt = drawn
    match, keys = fit_match(maps, rebuilt), np.arange(len(maps))
    matched = rank_items(match.of_rebuilt(rebuilt), keys, match.of_maps(maps), keys)
    by_distance, candidates = near(rebuilt, maps)
    assert matched.recall(1) > rank_items(by_distance, keys, candidates, keys).recall(1) + 0.1
