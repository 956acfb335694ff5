"""What a narrator must beat: the commonest text, the nearest training stretch's text, and the template.

The commonest is a text of the commonest set of facts, since wordings vary and facts are what is scored. The nearest is
found by the cosine of the tokenizer's code vectors, averaged over each row of the stretch and of each one before it,
less the mean of train: it is given what the narrator is given, without any training. The template is what
`clef.describe` measures in the signal itself, put into its own sentences; it needs the recording.

Shapes: n stretches · R rows · H stretches of history and the own one · E code dimensions.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from clef.narratives.facts import read_facts
from clef.narratives.texts import PartScope
from clef.narratives.windows import windows
from tokenizer.store import Tokens

AT_ONCE = 256
COMMONEST, NEAREST, TEMPLATE = "commonest text", "nearest stretch's text", "template"


def commonest(texts: Sequence[str]) -> str:
    """The commonest text among those with the commonest set of facts; of equals the first by letters."""
    facts = {text: read_facts(text) for text in set(texts)}
    sets = Counter(facts[text] for text in texts)
    most = max(sets.values())
    top = min((each for each, count in sets.items() if count == most), key=sorted)
    own = Counter(text for text in texts if facts[text] == top)
    return min(own, key=lambda text: (-own[text], text))


def nearest(known: NDArray[np.floating], texts: Sequence[str], asked: NDArray[np.floating]) -> list[str]:
    """For each of `asked` (n, D) the text of the row of `known` (m, D) at the smallest angle; of equals the first."""
    mean = known.mean(0)
    known, asked = (_unit(each - mean) for each in (known, asked))
    return [texts[int(i)] for i in (asked @ known.T).argmax(1)]


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def code_means(
    tokens: Tokens, places: Sequence[tuple[int, int]], scope: PartScope, history: int, codes: torch.Tensor
) -> NDArray[np.floating]:
    """Mean code vectors (n, H·R·E) of stretches (row, number) and of those before; 0 where there is none."""
    parts = []
    for first in range(0, len(places), AT_ONCE):
        batch = windows(tokens, places[first : first + AT_ONCE], scope, history)
        vectors = codes[batch["tokens"]]  # (n, R, W, E)
        for ago in range(history + 1):
            counted = (batch["valid"] & (batch["ago"] == ago)).to(vectors.dtype)
            mean = torch.einsum("nrwe,nw->nre", vectors, counted) / counted.sum(1).clamp(min=1)[:, None, None]
            parts.append(mean.flatten(1).numpy())
    sides = history + 1
    return np.concatenate([np.concatenate(parts[i : i + sides], 1) for i in range(0, len(parts), sides)])
