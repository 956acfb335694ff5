"""The deletion test: does a target fall faster when the highest attributed tokens go first than when random ones do?

Petsiuk, Das and Saenko 2018 (arXiv 1806.07421); Samek et al. 2017 (doi 10.1109/TNNLS.2016.2599820: area over the
curve). Tokens are left out in steps of growing shares; what is left out is taken for usual. Two controls delete as many
tokens: random ones, and those of the same attribution with its rows exchanged and its columns shifted at random, which
are as clustered as the ones that are tested: taking out whole rows alone is no merit.

    area = mean over the steps of (target of the whole session − target of what is left)

The larger the area, the more faithful the attribution. Shapes: S steps · N draws · R rows · W columns.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from clef.explanations.path import Encoded
from clef.explanations.targets import Target, everything, value, values
from clef.model import Model

SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Shares of the tokens that are left out."""


@dataclass(frozen=True)
class Deletion:
    """The target after each step: guided (S,) by the attribution, random (N, S), moved (N, S); `whole` before any."""

    shares: tuple[float, ...]
    whole: float
    guided: NDArray[np.float64]
    random: NDArray[np.float64]
    moved: NDArray[np.float64]

    @property
    def area(self) -> float:
        """Of the attribution."""
        return float((self.whole - self.guided).mean())

    @property
    def random_area(self) -> float:
        """Mean over the draws of random tokens."""
        return float((self.whole - self.random).mean())

    @property
    def moved_area(self) -> float:
        """Mean over the draws of the attribution somewhere else."""
        return float((self.whole - self.moved).mean())


def delete(
    model: Model,
    target: Target,
    one: Encoded,
    attribution: NDArray,
    draws: int = 8,
    seed: int = 0,
    controls: Deletion | None = None,
) -> Deletion:
    """Delete by an attribution (R, W) of a session's tokens.

    controls: another test of the same session, whose value and random deletions are taken.
    """
    rng, columns = np.random.default_rng(seed), one.columns[0].cpu().numpy()
    guided = _after(model, target, one, [attribution])[0]
    moved = _after(model, target, one, list(_elsewhere(attribution, columns, draws, rng)))
    if controls is not None:
        return Deletion(SHARES, controls.whole, guided, controls.random, moved)
    noise = [rng.random(attribution.shape) for _ in range(draws)]
    return Deletion(SHARES, value(model, target, one), guided, _after(model, target, one, noise), moved)


def _elsewhere(
    attribution: NDArray, columns: NDArray[np.bool_], draws: int, rng: np.random.Generator
) -> Iterator[NDArray]:
    """The same attribution with its rows in another order and its valid columns shifted round."""
    for _ in range(draws):
        other = attribution[rng.permutation(len(attribution))].copy()
        other[:, columns] = np.roll(other[:, columns], rng.integers(columns.sum()), axis=1)
        yield other


def _after(model: Model, target: Target, one: Encoded, orders: list[NDArray]) -> NDArray[np.float64]:
    """The target (len(orders), S) when the tokens of the highest values of each order (R, W) are left out."""
    counted = everything(one)[0].cpu().numpy()
    kept = np.array([counted & ~highest(order, counted, share) for order in orders for share in SHARES])
    left = values(model, target, one, torch.as_tensor(kept, device=one.tokens.device))
    return left.double().cpu().numpy().reshape(len(orders), len(SHARES))


def highest(order: NDArray, counted: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    """The share of the counted tokens (R, W) with the highest values, of equal ones the first."""
    places = np.flatnonzero(counted)
    ranked = places[np.argsort(-order.flat[places], kind="stable")]
    mask = np.zeros(counted.size, bool)
    mask[ranked[: round(share * len(places))]] = True
    return mask.reshape(counted.shape)
