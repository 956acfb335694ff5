"""Width and regularisation chosen on held-out rows, then a probe refitted with them.

For each draw of labelled people the space (all dimensions, 128 or 32 whitened components) and C are chosen together, by
the probe's own loss on rows held out in turn, cases and controls of equal weight. C = c / d in a space of d columns, so
that the same grid of c means the same regularisation at any width. The held-out scores at the choice then give the
threshold and the calibration.
"""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import expit

from benchmark.scores.probing import logistic, mlp, ridge
from benchmark.scores.probing.calibration import best_threshold, fit_platt
from benchmark.scores.probing.logistic import Decide
from benchmark.scores.probing.stacks import Block, Draw, Stack, make_blocks, make_stacks
from benchmark.scores.probing.whitening import Space

GRID = tuple(10.0**k for k in range(-3, 3))
PATIENCE = 2  # C's in a row that may be worse than the best before weaker regularisation is given up
ROUGH, EXACT = 1e-3, 1e-6
"""Tolerances of the solver: for choosing, and for the probe that scores."""
PROBES = ("logistic", "ridge", "mlp")


@dataclasses.dataclass
class Fitted:
    """A probe of one draw: scores, calibrated probabilities and calls (n,) of all rows, and what was chosen."""

    scores: np.ndarray
    probability: np.ndarray
    called: np.ndarray
    c: float | None
    """In scikit-learn's terms, on the columns of the chosen space; None for a probe without one."""
    components: int
    chosen_on: str


@dataclasses.dataclass
class Choice:
    """The best of a block for one draw: its loss, c and the held-out scores of its training rows."""

    block: Block
    loss: float
    c: float
    held_out: np.ndarray


def fit_probes(
    readings: list[list[Space]], y: np.ndarray, weight: np.ndarray, draws: list[Draw], probe: str = "logistic"
) -> list[list[Fitted]]:
    """A probe for each embedding and draw: [embedding][draw].

    readings: the spaces of each embedding, rows (n, d) · y: (n,) bool · weight: (n,) set weights.
    Raises ValueError for a draw of one class only.
    """
    if any(y[draw.fit].all() or not y[draw.fit].any() for draw in draws):
        raise ValueError("a probe needs both cases and controls to be trained on")
    of_reading = [make_blocks(spaces, draws) for spaces in readings]
    best: dict[tuple[int, int], Choice] = {}
    owner = {id(block): e for e, blocks in enumerate(of_reading) for block in blocks}
    for stack in make_stacks(block for blocks in of_reading for block in blocks):
        for i, choice in _choices(stack, y, weight, draws, probe):
            key = (owner[id(choice.block)], i)
            if key not in best or round(choice.loss, 9) < round(best[key].loss, 9):
                best[key] = choice
    fitted = _refit(best, y, weight, draws, probe)
    return [[fitted[e, i] for i in range(len(draws))] for e in range(len(readings))]


def balance(y: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Weights (…, n) in proportion to `share` within each class, of which each gets half of the whole."""
    total, case = share.sum(-1, keepdims=True), (share * y).sum(-1, keepdims=True)
    return share * total / 2 / np.maximum(np.where(y, case, total - case), 1e-300)


def _path(probe: str, z: np.ndarray, y: np.ndarray, weights: np.ndarray, strengths: np.ndarray, seeds: np.ndarray,
          tolerance: float) -> Iterator[Decide]:  # fmt: skip
    """Models at each strength (G, S, K); a probe without regularisation has one."""
    if probe == "logistic":
        yield from map(logistic.linear, logistic.fit_path(z, y, weights, strengths, tolerance))
    elif probe == "ridge":
        yield from map(logistic.linear, ridge.fit_path(z, y, weights, strengths))
    else:
        yield mlp.fit(z, y, weights, seeds)


def _loss(probe: str) -> Callable[[np.ndarray], np.ndarray]:
    return ridge.squared_loss if probe == "ridge" else logistic.log_loss


def _choices(
    stack: Stack, y: np.ndarray, weight: np.ndarray, draws: list[Draw], probe: str
) -> Iterator[tuple[int, Choice]]:
    """The best c of every block of a stack for each of its draws."""
    label, share = stack.put([y[b.fit] for b in stack.blocks]), stack.put([weight[b.fit] for b in stack.blocks])
    held = _held_out(stack, draws)  # (S, J, F, n)
    sets, count, folds, n = held.shape
    flat = held.reshape(sets, count * folds, n)
    wide = label[:, None]
    weights, tested = balance(wide, share[:, None] * ~flat), balance(wide, share[:, None] * flat)
    strengths = np.array([[c / block.space.z.shape[1] for block in stack.blocks] for c in GRID])
    each = np.broadcast_to(strengths[..., None], (len(GRID), sets, count * folds))
    seeds = np.repeat([[draws[i].seed for i in block.draws] for block in stack.blocks], folds, axis=1)
    sign, losses, margins = np.where(wide, 1.0, -1.0), [], []
    for decide in _path(probe, stack.z, label, weights, each, seeds, ROUGH):
        scores = decide(stack.z)
        losses.append((tested * _loss(probe)(sign * scores)).reshape(sets, count, -1).sum(2))
        margins.append((flat * scores).reshape(held.shape).sum(2))
        if (len(losses) - np.argmin(losses, axis=0) > PATIENCE).all():
            break
    table = np.round(losses, 9)
    for s, block in enumerate(stack.blocks):
        for j, i in enumerate(block.draws):
            g = int(np.argmin(table[:, s, j]))
            # without held-out rows (one matched set) there is nothing to choose by: the middle of the grid
            c = strengths[g if draws[i].held_out else len(GRID) // 2, s]
            yield i, Choice(block, float(table[g, s, j]), c, margins[g][s, j, : len(block.fit)])


def _held_out(stack: Stack, draws: list[Draw]) -> np.ndarray:
    """Masks (S, J, F, n): for each of the J draws of a block the rows held out in turn; a turn of nobody counts 0."""
    folds = max(len(draws[i].held_out) for block in stack.blocks for i in block.draws)
    out = np.zeros((len(stack.blocks), len(stack.blocks[0].draws), folds, stack.used.shape[1]), bool)
    for s, block in enumerate(stack.blocks):
        for j, i in enumerate(block.draws):
            for f, mask in enumerate(draws[i].held_out):
                out[s, j, f, : len(mask)] = mask
    return out


def _refit(
    best: dict[tuple[int, int], Choice], y: np.ndarray, weight: np.ndarray, draws: list[Draw], probe: str
) -> dict[tuple[int, int], Fitted]:
    """The probes that score: fitted on all rows of each draw with what was chosen for it."""
    platt = _calibrate(best, y, weight, draws)
    lone = {(e, i): dataclasses.replace(choice.block, draws=[i]) for (e, i), choice in best.items()}
    key_of = {id(block): key for key, block in lone.items()}
    fitted = {}
    for stack in make_stacks(lone.values()):
        keys = [key_of[id(block)] for block in stack.blocks]
        label = stack.put([y[b.fit] for b in stack.blocks])
        weights = balance(label, stack.put([weight[b.fit] for b in stack.blocks]))[:, None]
        strengths = np.array([best[key].c for key in keys])[None, :, None]
        seeds = np.array([[draws[i].seed] for _, i in keys])
        decide = next(_path(probe, stack.z, label, weights, strengths, seeds, EXACT))
        for key, scores in zip(keys, decide(stack.rows())[:, 0], strict=True):
            slope, offset, threshold = platt[key]
            c = None if probe == "mlp" else float(best[key].c)
            probability = expit(slope * scores + offset)
            components, chosen_on = best[key].block.space.components, draws[key[1]].chosen_on
            fitted[key] = Fitted(scores, probability, scores > threshold, c, components, chosen_on)
    return fitted


def _calibrate(
    best: dict[tuple[int, int], Choice], y: np.ndarray, weight: np.ndarray, draws: list[Draw]
) -> dict[tuple[int, int], tuple[float, float, float]]:
    """Slope, offset and threshold for each embedding and draw; 1, 0 and 0 where nothing was held out."""
    given = dict.fromkeys(best, (1.0, 0.0, 0.0))
    some = [key for key in best if draws[key[1]].held_out]
    if not some:
        return given
    most = max(len(best[key].held_out) for key in some)
    scores, label, share = np.zeros((len(some), most)), np.zeros((len(some), most), bool), np.zeros((len(some), most))
    for row, key in enumerate(some):
        fit = draws[key[1]].fit
        out = np.any(draws[key[1]].held_out, axis=0)
        scores[row, : len(fit)], label[row, : len(fit)] = best[key].held_out, y[fit]
        share[row, : len(fit)] = np.where(out, weight[fit], 0.0)
    share = balance(label, share)
    for row, (key, slope, offset) in enumerate(zip(some, *fit_platt(scores, label, share), strict=True)):
        out = share[row] > 0
        given[key] = (slope, offset, best_threshold(scores[row, out], label[row, out], share[row, out]))
    return given
