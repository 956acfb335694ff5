"""BERTScore: each token of a text is matched with the most similar one of its reference, and the other way round.

Zhang et al., "BERTScore: evaluating text generation with BERT" (2020, arXiv 1904.09675), with any local language model:

    P = Σ_t w_t max_r cos(t, r) / Σ_t w_t,    R = Σ_r w_r max_t cos(t, r) / Σ_r w_r

over the states of one layer. Weights w are 1, or the inverse document frequency log((n + 1) / (count + 1)) among the n
references (`idf`); the signs around a text can be matched but weigh nothing. Scores are raw, without the package's
baseline of random texts, and belong to a model and a layer: numbers of another model are not comparable, and a model
whose states all point one way has high ones for any two texts.

Shapes: n pairs · L tokens of a text · D width.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmark.texts.overlap import Overlap, overlap
from clef.network.language_model import LanguageModel

LONGEST = 512
"""Tokens of a text that are read at most, also by models that could read more."""
AT_ONCE = 64
HIGH = 0.7
"""The share of F1 above it is reported beside the mean."""


@torch.inference_mode()
def bertscore(
    model: LanguageModel, references: Sequence[str], texts: Sequence[str], layer: int | None = None, idf: bool = False
) -> list[Overlap]:
    """BERTScore of each text with its reference, n each; all 0 where one of them is blank.

    layer: whose states are compared, from 0 (embeddings) on; by default the last. Raises ValueError if n differ or the
    model has no such layer.
    """
    if len(references) != len(texts):
        raise ValueError(f"bertscore: {len(references)} references and {len(texts)} texts; give one for each")
    length = longest(model)
    distinct = sorted({*references, *texts}, key=len)
    ids = dict(zip(distinct, model.tokenize(distinct, length), strict=True))
    weight = _frequencies([ids[text] for text in references]) if idf else defaultdict(lambda: 1.0)
    weight |= dict.fromkeys((model.tokenizer.cls_token_id, model.tokenizer.sep_token_id), 0.0)
    states = dict(zip(distinct, _states(model, [ids[text] for text in distinct], layer), strict=True))
    pairs = zip(references, texts, strict=True)
    return [_match(states[r], _weights(ids[r], weight), states[t], _weights(ids[t], weight)) for r, t in pairs]


def longest(model: LanguageModel) -> int:
    """Tokens of a text that are read: what the model can, LONGEST at most."""
    positions = getattr(model.network.config, "max_position_embeddings", LONGEST)
    return min(LONGEST, model.tokenizer.model_max_length, positions)


def share_above(scores: Sequence[Overlap], bound: float = HIGH) -> float:
    """The share of pairs whose F1 exceeds the bound."""
    return float(np.mean([score.f1 > bound for score in scores]))


def _frequencies(references: Sequence[np.ndarray]) -> defaultdict[int, float]:
    """Inverse document frequency of each id among the references; of an id in none of them log(n + 1)."""
    count = Counter(int(each) for ids in references for each in np.unique(ids))
    total = len(references) + 1
    weight = defaultdict(lambda: math.log(total))
    weight |= {each: math.log(total / (number + 1)) for each, number in count.items()}
    return weight


def _weights(ids: np.ndarray, weight: Mapping[int, float]) -> Tensor:
    return torch.tensor([weight[int(each)] for each in ids], dtype=torch.float32)


def _states(model: LanguageModel, ids: list[np.ndarray], layer: int | None) -> list[Tensor]:
    """Unit states (L, D) of each text, on the CPU; of a blank one (0, D)."""
    states = []
    for first in range(0, len(ids), AT_ONCE):
        some = ids[first : first + AT_ONCE]
        padded, mask = model.pad(some)
        of_layer = model.states(padded, mask) if layer is None else _layer(model, padded, mask, layer)
        states += [F.normalize(row[: len(own)], dim=-1) for row, own in zip(of_layer, some, strict=True)]
    return states


def _layer(model: LanguageModel, ids: Tensor, mask: Tensor, layer: int) -> Tensor:
    """States (n, L, D) of one layer."""
    read = mask.clone()
    read[:, 0] = True  # a blank text is given a sign to read; its states are not looked at
    layers = model.network(input_ids=ids, attention_mask=read.long(), output_hidden_states=True).hidden_states
    if not 0 <= layer < len(layers):
        raise ValueError(f"bertscore: layer {layer}; {model.name} has layers 0 to {len(layers) - 1}")
    return layers[layer]


def _match(reference: Tensor, of_reference: Tensor, text: Tensor, of_text: Tensor) -> Overlap:
    """Greedy matching of unit states (L, D) with weights (L,)."""
    if of_reference.sum() <= 0 or of_text.sum() <= 0:
        return Overlap(0.0, 0.0, 0.0)
    cosine = text @ reference.T
    precision = (cosine.max(1).values * of_text).sum() / of_text.sum()
    recall = (cosine.max(0).values * of_reference).sum() / of_reference.sum()
    return overlap(float(precision), float(recall))
