"""Set weights: each set counts as one case and one control."""

import numpy as np
import pytest

from benchmark.tasksets.weights import member_weights


def test_controls_share_the_weight_of_one():
    label = np.array([True, False, False, False, True, False])
    weights = member_weights(label, np.array(["b", "b", "a", "b", "a", "b"]))
    assert weights == pytest.approx([1, 1 / 3, 1, 1 / 3, 1, 1 / 3])
    assert weights[label].sum() == pytest.approx(weights[~label].sum())
    assert len(member_weights(label[:0], np.empty(0, int))) == 0
