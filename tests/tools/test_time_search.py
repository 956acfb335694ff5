"""The timing of a search: as many laps as queries, over an index of unit vectors."""

import numpy as np

from tools.time_search import TimeSearch, random_index, time_queries


def test_every_query_is_timed_over_unit_vectors():
    config = TimeSearch(sessions=500, width=16, queries=3, top=2)
    index = random_index(config)
    wall, cpu = time_queries(index, config)
    assert wall.shape == (3,) == cpu.shape and (wall > 0).all()
    np.testing.assert_allclose(np.linalg.norm(index.vectors.float().numpy(), axis=1), 1, atol=2e-3)
