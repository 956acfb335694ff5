"""The time of a query over the index of an archive: random unit vectors, wall clock and processor time.

    python -m tools.time_search                          # 260,000 sessions of 512 numbers
    python -m tools.time_search sessions=20000 threads=1

Encoding the words is not part of it. On a busy machine the wall clock says more of the others than of the search: the
processor time is that of all threads together. Run it on an idle machine.
"""

import logging
import os
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from clef.embeddings import Embeddings
from clef.search.index import Index
from tokenizer.base.cli import program

log = logging.getLogger(__name__)


@dataclass
class TimeSearch:
    """Settings of tools.time_search."""

    sessions: int = 260_000
    """Sessions in the index."""
    width: int = 512
    """Numbers of a vector."""
    queries: int = 40
    """Queries that are timed, after one that warms up."""
    top: int = 20
    """Hits of a query."""
    threads: int = 0
    """Threads of PyTorch; 0 leaves them as they are."""
    seed: int = 0
    """Seed of the vectors."""


def main(config: TimeSearch) -> None:
    """Time, and print one line each."""
    if config.threads:
        torch.set_num_threads(config.threads)
    wall, cpu = (1000 * seconds for seconds in time_queries(random_index(config), config))
    load = os.getloadavg()[0]
    log.info("%d x %d, top %d, %d threads, load %.1f", config.sessions, config.width, config.top,
             torch.get_num_threads(), load)  # fmt: skip
    log.info("wall clock: median %.0f ms, least %.0f, most %.0f", np.median(wall), wall.min(), wall.max())
    log.info("processor time of all threads: median %.0f ms", np.median(cpu))


def random_index(config: TimeSearch) -> Index:
    """An index of random unit vectors."""
    vectors = np.random.default_rng(config.seed).standard_normal((config.sessions, config.width), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Index(Embeddings([f"session-{i}" for i in range(config.sessions)], vectors, "random"))


def time_queries(index: Index, config: TimeSearch) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wall clock and processor time of each query in s; a query is a session's vector, which finds itself."""
    rows = np.random.default_rng(config.seed).integers(len(index), size=config.queries + 1).tolist()
    laps = []
    for row in rows:
        vector, wall, cpu = index.vector(row), time.perf_counter(), time.process_time()
        hits = index.nearest(vector, config.top)
        laps.append((time.perf_counter() - wall, time.process_time() - cpu))
        assert hits.rows[0] == row
    return np.array(laps[1:])[:, 0], np.array(laps[1:])[:, 1]


if __name__ == "__main__":
    program(TimeSearch, main, "tools.time_search")
