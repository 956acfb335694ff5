"""What of a session is artefact, as the quality measures have it: per kind the electrodes and how much.

Nothing is measured anew: the rows are those of `tokenizer.quality.measures`, the seconds those that no spectrum used.
"""

import numpy as np

from clef.descriptions.measured import Measured
from clef.descriptions.spectra import SEGMENT
from clef.descriptions.statements import Number
from tokenizer.quality.measures import LIMITS

MEASURES = {name.split("_")[0]: name for name in LIMITS}
"""Flag -> the column that it is a limit of."""
UNITS = {"pops_per_minute": "1/min"}
LEAST_SHARE = 0.01
"""Share of electrode-seconds that were left out, from which on it is stated."""


def artefacts(measured: Measured) -> list[tuple[Number, ...]]:
    """The numbers of one statement per kind of artefact; names are `KIND at ELECTRODE`, or "left out" of the whole."""
    statements = [numbers for flag in MEASURES if (numbers := _flagged(measured, flag))]
    share = left_out(measured, 0, measured.spectra.shape[1] * SEGMENT)
    return [*statements, (("left out", share, "1"),)] if share >= LEAST_SHARE else statements


def _flagged(measured: Measured, flag: str) -> tuple[Number, ...]:
    column = MEASURES[flag]
    return tuple(
        (f"{flag} at {row['channel']}", float(row[column]), UNITS.get(column, "1"))
        for row in measured.quality
        # a pop is seen or not; the other kinds are a matter of degree, which the quality measures limit
        if flag in row["flags"] or (flag == "pops" and row[column])
    )


def left_out(measured: Measured, start: int, stop: int) -> float:
    """Share of the seconds from `start` to `stop` of the recorded electrodes that no measure used."""
    recorded = measured.recorded
    if not recorded.any() or stop <= start:
        return 0.0
    return float(1 - np.mean(measured.usable[recorded, start:stop]))
