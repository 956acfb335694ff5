"""The picture of an archive: groups stay apart, the same seed gives the same points, the many are placed as well."""

import numpy as np
import pytest

from clef.pages import projection
from clef.pages.projection import project


def groups(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    group = np.arange(n) % 3
    return (10 * np.eye(3, 12)[group] + random.standard_normal((n, 12))).astype(np.float32), group


def apart(points: np.ndarray, group: np.ndarray) -> bool:
    centres = np.stack([points[group == g].mean(0) for g in range(3)])
    return bool((np.linalg.norm(points[:, None] - centres, axis=2).argmin(1) == group).mean() > 0.98)


@pytest.mark.parametrize("method", ("tsne", "pca"))
def test_groups_stay_apart_and_points_are_the_same_again(method):
    vectors, group = groups(60)
    points = project(vectors, method, seed=1)
    assert points.shape == (60, 2) and points.min() >= 0 and points.max() <= 1 and apart(points, group)
    assert np.array_equal(points, project(vectors, method, seed=1))


def test_those_that_are_not_arranged_lie_beside_those_that_are(monkeypatch):
    monkeypatch.setattr(projection, "ARRANGED", 40)
    vectors, group = groups(200)
    assert apart(project(vectors, "tsne", seed=0), group)


@pytest.mark.parametrize("n", (1, 2, 5, 10))
def test_a_few_sessions_have_a_place_too(n):
    points = project(groups(n)[0], "tsne", seed=0)
    assert points.shape == (n, 2) and np.isfinite(points).all()
