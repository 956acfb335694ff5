"""Zero-shot questions: how much nearer a session lies to sentences that say yes than to sentences that say no.

    yes, no = question(model, read_prompts(), "spikes")
    score(model.report_vectors(store), yes, no)                 # (n,), higher where spikes are likelier

A class is the mean of the unit vectors of its prompts, made a unit vector again (Radford et al. 2021, CLIP, section
3.1.4, as open_clip does it): wordings differ more than findings do, and the mean keeps what they share.

"No" is half the denial of the finding and half what all findings share. Reports deny few findings: where none ever
denies a finding, its denial lies beside the finding itself, and the difference of the two is of anything else.

Shapes: n sessions · C classes · P shared width.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clef.search.prompts import Prompts

if TYPE_CHECKING:
    from clef.model import Model


def question(
    model: "Model", prompts: Mapping[str, Prompts], name: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors (P,) for yes and for no of the finding `name` of `prompts`; every finding there counts for the second.

    Raises ValueError if the model knows no reports, KeyError if there is no such finding.
    """
    yes, denied, *others = class_vectors(model, [*prompts[name], *(each.present for each in prompts.values())])
    shared = np.mean(others, 0)
    return yes, (denied + shared / np.linalg.norm(shared)) / 2


def class_vectors(model: "Model", templates: Sequence[str | Sequence[str]]) -> NDArray[np.float32]:
    """A unit vector for each class (C, P): `templates` has a list of prompts per class, or one text.

    Raises ValueError if the model knows no reports, or a class has no prompt.
    """
    return model.text(templates)


def score(
    sessions: NDArray[np.float32], positive: NDArray[np.float32], negative: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Cosine to `positive` (P,) less that to `negative` (P,), for unit vectors of sessions (n, P): (n,) in [-2, 2].

    Without `negative` the cosine to `positive` alone. Scores rank sessions; they are no probabilities.
    """
    return sessions @ (positive if negative is None else positive - negative)
