"""Two twins of a recording: independent of each other, and of its spectrum."""

import numpy as np
import pytest

from tests.benchmark.fidelity.helpers import RATE, SECONDS, session
from tokenizer.twins import SHIFT, twins


def test_twins_are_independent_of_each_other_and_of_one_spectrum():
    rng = np.random.default_rng(0)
    power = 10 ** (0.3 * np.sin(2 * np.pi * np.arange(SECONDS * RATE) / RATE / 150))  # rises and falls every 150 s
    shared = 0.4 * rng.standard_normal(len(power)) + 0.9 * rng.standard_normal((19, len(power)))
    course = session(5 * np.sqrt(power) * shared)
    a, b = twins(course)
    assert np.abs([np.corrcoef(x, y)[0, 1] for x, y in zip(a.signal, b.signal, strict=True)]).max() < 0.01
    later = course.signal[:, SHIFT * RATE :]
    assert np.allclose((a.signal - b.signal) / np.sqrt(2), later, atol=1e-4)
    assert np.mean(a.signal**2) == pytest.approx(np.mean(course.signal**2), rel=0.02)


def test_a_second_of_a_twin_is_real_where_both_of_its_parts_are():
    valid = np.ones(60, np.float32)
    valid[20] = 0
    a, b = twins(session(np.ones((19, 60 * RATE)), valid))
    assert np.flatnonzero(a.valid == 0).tolist() == [20 - SHIFT, 20] and np.array_equal(a.valid, b.valid)
