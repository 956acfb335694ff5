"""Shares and their intervals against what is known of them."""

import numpy as np
import pytest

from benchmark.trials.accuracy import by_subject, over_subjects, wilson


@pytest.mark.parametrize(
    ("right", "trials", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 20, 0.0, 0.1611), (20, 20, 0.8389, 1.0), (50, 100, 0.4038, 0.5962)],
)
def test_wilson_as_published(right, trials, low, high):
    share = wilson(right, trials)
    assert (round(share.low, 4), round(share.high, 4), share.value) == (low, high, right / trials)


def test_subjects_are_drawn_with_all_of_their_trials():
    subject = np.repeat(["a", "b", "c", "d"], [10, 10, 10, 30])
    is_right = np.concatenate([np.ones(10), np.zeros(10), np.ones(10), np.ones(30)]).astype(bool)
    share = over_subjects(is_right, subject)
    assert (share.right, share.trials) == (50, 60) and share == over_subjects(is_right, subject)
    values = []  # every draw of four subjects, each as likely
    for draw in np.ndindex(4, 4, 4, 4):
        rows = np.concatenate([np.flatnonzero(subject == "abcd"[i]) for i in draw])
        values.append(is_right[rows].mean())
    expected = np.percentile(values, [2.5, 97.5])
    assert abs(share.low - expected[0]) < 0.1 and share.high == expected[1] == 1.0
    assert over_subjects(is_right[:10], subject[:10]) == wilson(10, 10)
    assert {name: (s.right, s.trials) for name, s in by_subject(is_right, subject).items()} == {
        **{"a": (10, 10), "b": (0, 10), "c": (10, 10), "d": (30, 30)}
    }
