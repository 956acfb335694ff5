"""Segments with a known answer: maps drawn by chance, and rebuilt ones that are equal, noisy or somebody else's."""

import numpy as np

from benchmark.topomaps.segments import Segments
from tokenizer.maps import NUMBERS

CODES = np.random.default_rng(5).standard_normal((64, 4))
"""Vectors of 64 codes."""
EACH = 20
"""Segments of a person."""


def make(people=12, noise=0.0, seed=0, shuffled=False, sites=("A", "B")):
    """Segments of people, 20 each; half of them test, a quarter val. Rebuilt maps are true ones with noise."""
    rng = np.random.default_rng(seed)
    n, person = people * EACH, np.repeat(np.arange(people), EACH)
    maps = rng.standard_normal((people, NUMBERS))[person] + rng.standard_normal((n, NUMBERS))
    rebuilt = maps + noise * rng.standard_normal(maps.shape)
    if shuffled:
        rebuilt = rebuilt[rng.permutation(n)]
    part = np.array(["train", "val", "test", "test"])[person // 2 % 4]  # people of both sites in each
    site = np.array(sites)[person % len(sites)]
    tokens = rng.integers(0, len(CODES), (n, 16))
    return Segments(*(each.astype(np.float32) for each in (maps, maps, rebuilt)), tokens, person, person, site, part)
