"""Shares of right answers with 95 % intervals: of one subject's trials, and of all with subjects drawn anew.

Of one subject Wilson's interval (1927, doi 10.1080/01621459.1927.10502953), which takes trials as independent. Of
several the percentiles of a bootstrap over subjects, each with all of its trials: what other subjects would give.

Shapes: n trials · U subjects.
"""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from benchmark.scores.statistics.auroc import interval

Z = 1.959964
RESAMPLES = 1000


@dataclasses.dataclass(frozen=True)
class Share:
    """How many of how many, and the interval of the share."""

    right: int
    trials: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself."""
        return self.right / self.trials

    def as_plain(self) -> dict[str, float]:
        """Plain values."""
        return dataclasses.asdict(self) | {"share": self.value}


def wilson(right: int, trials: int) -> Share:
    """A share with Wilson's interval."""
    share, weight = right / trials, Z**2 / trials
    middle, half = share + weight / 2, Z * math.sqrt(share * (1 - share) / trials + weight / (4 * trials))
    return Share(right, trials, (middle - half) / (1 + weight), (middle + half) / (1 + weight))


def over_subjects(is_right: NDArray[np.bool_], subject: NDArray[np.str_], seed: int = 0) -> Share:
    """The share of all trials (n,), with the interval for other subjects; of one subject alone Wilson's."""
    _, of = np.unique(subject, return_inverse=True)
    right, trials = np.bincount(of, is_right), np.bincount(of)
    if len(trials) == 1:
        return wilson(int(right[0]), int(trials[0]))
    users = len(trials)
    drawn = np.random.default_rng(seed).multinomial(users, np.full(users, 1 / users), RESAMPLES)
    return Share(int(right.sum()), len(is_right), *interval((drawn @ right) / (drawn @ trials)))


def by_subject(is_right: NDArray[np.bool_], subject: NDArray[np.str_]) -> dict[str, Share]:
    """The share of each subject's trials, in the order of the subjects."""
    return {
        str(name): wilson(int(is_right[subject == name].sum()), int((subject == name).sum()))
        for name in np.unique(subject)
    }
