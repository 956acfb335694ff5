"""Whitened principal components: the widths that a probe may choose among, fitted without labels on training rows.

    z = (x − mean) / sd         u_k = z · v_k / sqrt(λ_k),   λ_1 ≥ λ_2 ≥ …, v_k the eigenpairs of the correlation of z

A linear probe is not indifferent to the width and scale of what it reads: a few informative directions among
thousands of others are regularised away with them. Every embedding is offered in the same widths, so that its own
width decides less. Moments and axes come from unlabelled rows of people who are not scored.
"""

import dataclasses
from functools import cached_property

import numpy as np
import scipy.linalg

WIDTHS = (128, 32)
MOST_AXES = 1024  # columns up to which all axes are computed, not only those of the widths
MOST_ROWS = 4000  # 128 axes are settled by then, and the eigenproblem stays within a second


@dataclasses.dataclass
class Space:
    """Rows of one task as a probe may read them: z (n, d) float64, and how many components; 0 stands for all.

    axes: (d, d) orthonormal principal axes of z, where they are known.
    """

    z: np.ndarray
    components: int
    axes: np.ndarray | None = None

    @cached_property
    def along_axes(self) -> np.ndarray:
        """z (n, d) along its principal axes: the same to a linear probe, and quicker to fit."""
        return self.z if self.axes is None else self.z @ self.axes


@dataclasses.dataclass
class Whitening:
    """Means and sd of the L columns that vary, `live` (D,) bool, and axes (L, r), scaled by 1/√λ.

    basis: (L, L), all axes unscaled, where they are few enough.
    """

    mean: np.ndarray
    sd: np.ndarray
    live: np.ndarray
    axes: np.ndarray
    basis: np.ndarray | None = None

    def spaces(self, x: np.ndarray) -> list[Space]:
        """x (n, D) standardised, then in each width of `WIDTHS` that is smaller than D and the rank."""
        z = np.asarray(x, np.float64) if self.live.all() else np.asarray(x, np.float64)[:, self.live]
        z = (z - self.mean) / self.sd
        widths = [width for width in WIDTHS if width < self.axes.shape[1]]  # as many axes as the rank, or one too many
        return [Space(z, 0, self.basis), *(Space(z @ self.axes[:, :width], width) for width in widths)]


def fit_whitening(x: np.ndarray) -> Whitening:
    """Moments and up to max(WIDTHS) + 1 principal axes of rows x (n, D). Columns that do not vary are left out."""
    x = np.asarray(x, np.float64)
    mean, sd = x.mean(0), x.std(0)
    live = sd > 1e-9 * np.maximum(np.abs(mean), 1e-9)  # a constant column says nothing and would divide by zero
    if not live.any():  # nothing varies: one column of zeros, on which every probe is the same
        return Whitening(np.zeros(1), np.full(1, np.inf), np.arange(x.shape[1]) == 0, np.zeros((1, 0)))
    z = (x[:, live] - mean[live]) / sd[live]
    return Whitening(mean[live], sd[live], live, *_axes(z, max(WIDTHS) + 1))


def _axes(z: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray | None]:
    """The first `most` principal axes of centred rows z (n, D), each divided by the spread along it; and all."""
    n, width = z.shape
    wide, few = width > n, width <= min(n, MOST_AXES)
    product = (z @ z.T if wide else z.T @ z) / n
    first = 0 if few else max(len(product) - most, 0)
    size, basis = scipy.linalg.eigh(product, subset_by_index=[first, len(product) - 1])
    kept = np.flatnonzero(size > 1e-9 * size[-1])[::-1][:most]
    size, vectors = size[kept], basis[:, kept]
    # an eigenvector u of z zᵀ / n gives the axis zᵀ u / sqrt(n λ): the smaller of the two eigenproblems is solved
    return z.T @ vectors / (np.sqrt(n) * size) if wide else vectors / np.sqrt(size), basis if few else None


def draw_rows(count: int, most: int = MOST_ROWS, seed: int = 0) -> np.ndarray:
    """Which of `count` rows the axes are fitted on: all, or `most` of them drawn by the seed, in order."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))
