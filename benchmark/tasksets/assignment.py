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
    if len(a) and len(b) and a[0] == a[-1] == b[0] == b[-1]:  # all alike, as where age is unknown: any pairs will do
        pairs = min(len(a), len(b))
        return a_order[:pairs], b_order[:pairs]
    # shifted by less than any difference that matters, cases lean upwards or downwards where both are as near
    leaning = np.maximum.accumulate(a + rng.uniform(-JITTER, JITTER, len(a)) * caliper)
    low, high = _bands(a, leaning, b, caliper)
    rows, columns = _best_pairs(leaning, b, low, high, caliper)
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


def _best_pairs(
    a: np.ndarray, b: np.ndarray, low: np.ndarray, high: np.ndarray, caliper: float
) -> tuple[np.ndarray, np.ndarray]:
    """Sorted positions of cases and of their candidates (p,): the programme forwards, then its choices backwards."""
    pair = (len(a) + 1) * caliper * 1.01  # one more pair is worth more than all distances together
    offset = np.concatenate([[0], np.cumsum(np.maximum(high - low, 0))]).tolist()
    # for each cell of the bands: is the case paired with this candidate or one before; is this one the best so far?
    paired, newest = np.empty(offset[-1], bool), np.empty(offset[-1], bool)
    best, reached = np.zeros(len(b) + 1), 0  # best(i, j) of the row before, valid up to where any case has reached
    starts, stops = low.tolist(), high.tolist()
    for case, value in enumerate(a.tolist()):
        start, stop, cells = starts[case], stops[case], slice(offset[case], offset[case + 1])
        if stop <= start:
            continue
        best[reached + 1 : stop + 1] = best[reached]
        reached = stop
        taking = best[start:stop] + (pair - np.abs(b[start:stop] - value))
        most, without = np.maximum.accumulate(taking), best[start + 1 : stop + 1]
        np.greater(most, without, out=paired[cells])
        np.equal(most, taking, out=newest[cells])
        np.maximum(most, without, out=without)
    return _trace(paired, newest, starts, stops, offset)


def _trace(
    paired: np.ndarray, newest: np.ndarray, starts: list[int], stops: list[int], offset: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    pairs, limit = [], max(stops, default=0)
    for case in range(len(starts) - 1, -1, -1):
        start, stop = starts[case], min(limit, stops[case])
        last = offset[case] + stop - start - 1
        if stop > start and paired[last]:
            # the nearest True at or before the last cell: its candidate is the pair, and the next case ends below it
            limit = start + (stop - start - 1) - int(newest[offset[case] : last + 1][::-1].argmax())
            pairs.append((case, limit))
    rows, columns = np.array(pairs[::-1], np.int64).reshape(-1, 2).T
    return rows, columns
