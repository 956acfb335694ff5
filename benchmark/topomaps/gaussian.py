"""A match of rebuilt and true maps without a gradient: both are normal, and so is what the tokens have lost.

Of a map t and what its tokens give back, r, let the error t - r have covariance E and maps have covariance S, measured
on people of train. The question "which of these maps is it" is answered by the ratio p(t | r) / p(t), and

    log p(t | r) - log p(t) = rᵀE⁻¹t - ½ rᵀE⁻¹r - ½ tᵀ(E⁻¹ - S⁻¹)t + constant

is an inner product of a vector of r and one of t, as two towers have. Without p(t), maps near the middle of all, from
which rebuilt ones are never far, are the nearest of everybody: a hub (Radovanović et al. 2010, JMLR 11). In the other
direction p(t) is the same for all answers and changes nothing.

Shapes: n segments · M numbers of a map.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SHRINKAGE = 0.05
"""Weight of the mean variance in a covariance; people of train are few."""


@dataclasses.dataclass(frozen=True)
class GaussianMatch:
    """Vectors (n, M + 2) whose inner product is the ratio above.

    root (M, M): of E⁻¹ = root rootᵀ · precision, narrower (M, M): E⁻¹ and E⁻¹ - S⁻¹
    """

    root: Array
    precision: Array
    narrower: Array

    def of_rebuilt(self, rebuilt: Array) -> Array:
        """Vectors of what tokens give back (n, M)."""
        own = -0.5 * ((rebuilt @ self.precision) * rebuilt).sum(1, keepdims=True)
        return np.concatenate([rebuilt @ self.root, own, np.ones_like(own)], 1)

    def of_maps(self, maps: Array) -> Array:
        """Vectors of maps (n, M)."""
        own = -0.5 * ((maps @ self.narrower) * maps).sum(1, keepdims=True)
        return np.concatenate([maps @ self.root, np.ones_like(own), own], 1)


def fit_match(maps: Array, rebuilt: Array) -> GaussianMatch:
    """The match of centred maps and rebuilt ones (n, M) of people of train."""
    precision = np.linalg.inv(covariance(maps - rebuilt))
    narrower = precision - np.linalg.inv(covariance(maps))
    return GaussianMatch(np.linalg.cholesky(precision), precision, narrower)


def covariance(values: Array) -> Array:
    """Covariance (M, M), shrunk towards equal variances without correlation."""
    plain = np.cov(values.T)
    return (1 - SHRINKAGE) * plain + SHRINKAGE * np.trace(plain) / len(plain) * np.eye(len(plain))
