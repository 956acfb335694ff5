"""The order in which an epoch shows its sessions: each once, drawn anew from (seed, epoch).

A sample number is an epoch and a place in it, so that a resumed run and any number of processes see the same samples.
"""

from functools import lru_cache

import numpy as np

POOL = 4096  # sessions that are sorted by length together
RUN = 64  # neighbours in number with like lengths


def session_order(seed: int, number: int, sessions: int) -> int:
    """Which of `sessions` sample `number` shows: each once per epoch, in an order drawn anew."""
    epoch, place = divmod(number, sessions)
    return int(_epoch_order(seed, epoch, sessions)[place])


@lru_cache(maxsize=4)
def _epoch_order(seed: int, epoch: int, sessions: int) -> np.ndarray:
    return np.random.default_rng((seed, 0, epoch)).permutation(sessions)


def length_order(seed: int, epoch: int, lengths: np.ndarray) -> np.ndarray:
    """The order of an epoch: each session (n,) once, neighbours of like length, drawn anew from (seed, epoch).

    A fresh permutation is cut into pools of 4,096 sessions; each is sorted by length and cut into runs of 64, and the
    runs of all pools are shuffled. Runs begin at sample numbers that 64 divides, in every epoch, as batches do.
    """
    rng, n = np.random.default_rng((seed, 0, epoch)), len(lengths)
    order = rng.permutation(n)
    pool = np.arange(n) // POOL
    there_and_back = np.where(pool % 2, -lengths[order], lengths[order])  # like lengths where two pools meet
    order = order[np.lexsort((there_and_back, pool))]
    first = min(n, -epoch * n % RUN)
    last = first + (n - first) // RUN * RUN
    return np.concatenate([order[:first], rng.permutation(order[first:last].reshape(-1, RUN)).ravel(), order[last:]])
