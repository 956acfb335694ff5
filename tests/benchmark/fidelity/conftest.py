"""A recording whose true course is known, shared by the tests of what tokens keep."""

import numpy as np
import pytest

from tests.benchmark.fidelity.helpers import RATE, SECONDS, session


@pytest.fixture(scope="session")
def course():
    """Noise whose level rises and falls by 3 dB every 150 s, in 19 electrodes that share some of it."""
    rng, t = np.random.default_rng(0), np.arange(SECONDS * RATE) / RATE
    power = 10 ** (0.3 * np.sin(2 * np.pi * t / 150))
    shared = 0.4 * rng.standard_normal(len(t)) + 0.9 * rng.standard_normal((19, len(t)))
    return session(5 * np.sqrt(power) * shared), power
