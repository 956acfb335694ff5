"""Set weights."""

import numpy as np

from benchmark.tasksets.weights import member_weights


def test_every_set_weighs_the_same_on_both_sides():
    label = np.array([True, False, False, False, True, False])
    weights = member_weights(label, np.array(list("aaabcc"))[[0, 1, 2, 5, 4, 3]])
    assert np.allclose(weights, [1, 0.5, 0.5, 1, 1, 1])
