"""Zero-shot questions: how much nearer a session lies to sentences that say yes than to sentences that say no.

    yes, no = class_vectors(model, read_prompts()["spikes"])
    score(model.report_vectors(store), yes, no)                 # (n,), higher where spikes are likelier

A class is the mean of the unit vectors of its prompts, made a unit vector again (Radford et al. 2021, CLIP, section
3.1.4, as open_clip does it): wordings differ more than findings do, and the mean keeps what they share.

Shapes: n sessions · C classes · P shared width.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from clef.model import Model


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
