"""Set weights: what each member of a matched set counts, so that sets of unequal size count equally."""

import numpy as np


def member_weights(label: np.ndarray, match_id: np.ndarray) -> np.ndarray:
    """Weights (n,) of the rows of one task: a case 1, each of the k controls of its set 1/k.

    label: (n,) bool, true for a case · match_id: (n,) the matched sets, of any type. Without these weights sets with
    many controls decide, and those are the sets of whatever age or site has candidates to spare.
    """
    label = np.asarray(label, bool)
    member = np.unique(match_id, return_inverse=True)[1]
    controls = np.bincount(member, ~label)
    return np.where(label, 1.0, 1.0 / np.maximum(controls[member], 1.0))
