"""The seams between the data records of an EDF or BDF file: signals go on across them if the header's layout is right.

A wrong number of samples in the header, or bytes lost on the way, cut the records at wrong places. Every signal then
breaks off wherever a record ends, since what follows is another signal or another time. We predict the first samples
of each record from the last ones of the one before, and compare the error with that of predictions within records.
"""

import numpy as np
from numpy.typing import NDArray

from tokenizer.edf.header import Header, damaged
from tokenizer.recording import RecordingError

SIGNALS, SEAMS, PAST, NEXT = 8, 24, 8, 4
"""How many signals and seams are looked at in a place, how many samples predict one, and how many are predicted."""
FEWEST = 24
"""Seams of all signals together, below which nothing can be said."""
BROKEN, DOUBTFUL = 2.5, 1.5
"""How much worse than elsewhere the prediction across seams may be, and may be if the file's size is not what its
header says. 45 real recordings, three places each: 0.65 to 1.15; 360 times with one wrong number of samples: 5.8 and
more in the worst place."""


def check_seams(header: Header, records: NDArray[np.float32], second: float) -> None:
    """Raise RecordingError if signals break off wherever a record ends, as they do if the header states a wrong layout.

    `records` (C, records, samples of a record), digital; records that follow each other without a gap, the first one
    `second` s after the beginning, gaps not counted.
    """
    if records.shape[2] <= 2 * PAST or records.shape[0] * (records.shape[1] - 1) < FEWEST:
        return
    limit = DOUBTFUL if header.declared != header.records or header.rest else BROKEN
    if np.median(seam_errors(records)) > limit:
        where = f"at {second:g} s its signals break off wherever a data record ends"
        raise RecordingError(
            header.name, damaged(where) if second == 0 else f"{where}: bytes are missing or too many; copy it again"
        )


def seam_errors(records: NDArray[np.float32]) -> NDArray[np.float32]:
    """(C, records - 1): how badly each record's first samples follow from those before, in typical errors within."""
    records = records - records.mean((1, 2), keepdims=True)
    # windows at random places: at even distances they could all fall on the same phase of a rhythm
    anywhere = np.random.default_rng(0).integers(records.shape[2] - PAST - NEXT, size=16)
    inside = records[:, :, anywhere[:, None] + np.arange(PAST + NEXT)].reshape(len(records), -1, PAST + NEXT)
    past, now = inside[..., :PAST], inside[..., PAST, None]
    # least squares by the normal equations, with a ridge far below the signal so that a flat one can be solved too
    normal = past.mT @ past
    normal += np.eye(PAST, dtype=np.float32) * (np.trace(normal, axis1=1, axis2=2)[:, None, None] * 1e-6 + 1e-12)
    weights = np.linalg.solve(normal, past.mT @ now)[..., 0]
    seams = np.concatenate([records[:, :-1, -PAST:], records[:, 1:, :NEXT]], 2)
    # one digital step is added, below which an error says nothing
    return _errors(seams, weights) / (np.median(_errors(inside, weights), 1, keepdims=True) + 1)


def _errors(windows: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """(C, n) root mean square error of the last samples of windows (C, n, 12), each predicted from those before it."""
    predicted = [np.einsum("cnp,cp->cn", windows[..., i : PAST + i], weights) for i in range(NEXT)]
    return np.sqrt(np.mean([(windows[..., PAST + i] - each) ** 2 for i, each in enumerate(predicted)], 0))
