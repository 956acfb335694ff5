"""The picture of an archive: sessions of many dimensions as points on a plane, the same ones for the same seed.

Principal components, or t-SNE (van der Maaten & Hinton 2008, JMLR 9:2579) begun at them. Of more than `ARRANGED`
sessions a seeded draw is arranged by t-SNE, and each other one is put at the median of its five nearest among those.

Shapes: n sessions · D width.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clef.pages.nearest import closest, unit

Method = Literal["tsne", "pca"]
ARRANGED, FIRST, ANCHORS = 5_000, 50, 5
"""Sessions that t-SNE arranges (its time grows faster than their number), components it is given, neighbours that place
the others."""
FEW = 10
"""Fewer sessions than this are shown by their principal components."""


def project(vectors: NDArray[np.float32], method: Method, seed: int) -> NDArray[np.float32]:
    """Points (n, 2) of embeddings (n, D), compared by cosine; both axes have one scale and lie between 0 and 1."""
    vectors = unit(vectors)
    points = components(vectors, 2, seed) if method == "pca" or len(vectors) < FEW else _tsne(vectors, seed)
    low, span = points.min(0), max(np.ptp(points, axis=0).max(), 1e-9)
    return ((points - low) / span).astype(np.float32)


def components(vectors: NDArray[np.float32], count: int, seed: int) -> NDArray[np.float32]:
    """The first principal components (n, count) of vectors (n, D); zeros beyond those there are."""
    from sklearn.decomposition import PCA

    if len(vectors) < 2:
        return np.zeros((len(vectors), count), np.float32)
    few = min(count, *vectors.shape)
    return np.pad(PCA(few, random_state=seed).fit_transform(vectors), ((0, 0), (0, count - few)))


def _tsne(vectors: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    from sklearn.manifold import TSNE

    first = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:ARRANGED])
    small = components(vectors[first], FIRST, seed)
    tsne = TSNE(2, perplexity=min(30, (len(first) - 1) / 3), init="pca", random_state=seed)
    points = np.empty((len(vectors), 2), np.float32)
    points[first] = tsne.fit_transform(small)
    rest = np.setdiff1d(np.arange(len(vectors)), first)
    points[rest] = np.median(points[first[closest(vectors[rest], vectors[first], ANCHORS)]], axis=1)
    return points
