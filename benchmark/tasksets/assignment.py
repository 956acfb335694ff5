"""Optimal pairs on a line: most pairs within a caliper, then the smallest summed distance, exactly and fast.

Cases and candidates are numbers (years of age, or the logit of a propensity). Among the optimal pairings there is one
without crossings: the lower of two cases has the lower control, because exchanging two crossed controls makes neither
the larger of the two distances nor their sum larger. So a dynamic programme over both sorted arrays finds it,

    best(i, j) = max of best(i-1, j), best(i, j-1) and best(i-1, j-1) + [a pair, less its distance],

a row for each case, where best(i, j-1) is a running maximum. Of a row only a band is needed. Where an optimum leaves a
candidate free, no case is paired beyond it on the same side (it would take the nearer one); so the control of a case is
at most as many candidates above it as there are cases within the caliper below it, and likewise on the other side.
"""

import numpy as np

JITTER = 1e-6  # of a caliper


def pair_on_line(
    cases: np.ndarray, pool: np.ndarray, caliper: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of `cases` (n,) and `pool` (m,), each used once and at most `caliper` apart: indices (p,) into both.

    As many pairs as there can be, then the smallest summed distance, to a millionth of the caliper per case. Which
    of several equal candidates is taken, and whether a case takes the one above or the one below it at the same
    distance, is a draw of `rng`: neither the order of rows nor the direction has a say.
    """
    a_order, b_order = _sorted(cases, rng), _sorted(pool, rng)
    a, b = cases[a_order].astype(np.float64), pool[b_order].astype(np.float64)
    # shifted by less than any difference that matters, cases lean upwards or downwards where both are as near
    leaning = np.maximum.accumulate(a + rng.uniform(-JITTER, JITTER, len(a)) * caliper)
    low, high = _bands(a, leaning, b, caliper)
    rows, columns = _trace(*_choices(leaning, b, low, high, caliper), low, high)
    return a_order[rows], b_order[columns]


def _sorted(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The order of `values`, ties in a drawn order."""
    drawn = rng.permutation(len(values))
    return drawn[np.argsort(values[drawn], kind="stable")]


def _bands(a: np.ndarray, leaning: np.ndarray, b: np.ndarray, caliper: float) -> tuple[np.ndarray, np.ndarray]:
    """First candidate (n,) each case may have, and the one after its last; both rise from case to case."""
    rank, case = np.searchsorted(b, leaning), np.arange(len(a))
    wider = caliper * (1 + 3 * JITTER)
    below = case - np.searchsorted(leaning, leaning - wider)
    above = np.searchsorted(leaning, leaning + wider, side="right") - case - 1
    low = np.maximum(np.searchsorted(b, a - caliper), rank - above - 1)
    high = np.minimum(np.searchsorted(b, a + caliper, side="right"), rank + below + 1)
    # widened until they rise, which the rows of the programme need; never beyond the caliper, whose ends rise
    return np.minimum.accumulate(low[::-1])[::-1], np.maximum.accumulate(high)


def _choices(
    a: np.ndarray, b: np.ndarray, low: np.ndarray, high: np.ndarray, caliper: float
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """For each case, over its band, packed in bits: is it paired with this candidate or one before; with this one?"""
    pair = (len(a) + 1) * caliper * 1.01  # one more pair is worth more than all distances together
    best, filled = np.zeros(len(b) + 1), 0  # best(i, j) of the row before, valid as far as any case has reached
    paired, here = [], []
    for value, start, stop in zip(a.tolist(), low.tolist(), high.tolist(), strict=True):
        if stop <= start:
            paired.append(np.empty(0, np.uint8))
            here.append(paired[-1])
            continue
        best[filled + 1 : stop + 1] = best[filled]
        filled = max(filled, stop)
        taking = best[start:stop] + (pair - np.abs(b[start:stop] - value))
        most = np.maximum.accumulate(taking)
        paired.append(np.packbits(most > best[start + 1 : stop + 1]))
        here.append(np.packbits(np.diff(most, prepend=-1.0) > 0))
        np.maximum(best[start + 1 : stop + 1], most, out=best[start + 1 : stop + 1])
    return paired, here


def _trace(
    paired: list[np.ndarray], here: list[np.ndarray], low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The pairs, from the last case back to the first: sorted positions of cases and of candidates."""
    pairs, limit = [], len(low) and int(high.max())
    for case in range(len(low) - 1, -1, -1):
        start, stop = int(low[case]), min(limit, int(high[case]))
        if stop <= start or not np.unpackbits(paired[case], count=stop - start)[-1]:
            continue
        limit = start + int(np.flatnonzero(np.unpackbits(here[case], count=stop - start))[-1])
        pairs.append((case, limit))
    rows, columns = np.array(pairs[::-1], np.int64).reshape(-1, 2).T
    return rows, columns
