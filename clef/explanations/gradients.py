"""Attributions by gradients: what each cell of a spectrogram, and each token, adds to a target, to first order.

    cell of the spectrogram:  d target / d dB · (dB − dB of the mean training recording at this frequency)
    token:                    d target / d embedding · (embedding − embedding of a usual session's token there)

Shrikumar et al. 2017 (arXiv 1704.02685) for gradient times difference. The baseline is the tokenizer's mean spectrum,
the same for every electrode and second: against a session's own mean nothing that lasts (slowing all along, one
electrode throughout) could carry anything. With `steps` > 1 gradients are averaged along the straight line from the
baseline to the session (integrated gradients: Sundararajan, Taly and Yan 2017, arXiv 1703.01365, equation 3): tokens
change along it, and gradients pass the codebook straight through, so that the sum comes near the difference between the
session and the baseline, and is not equal to it.

Numbers are in the target's unit (a cosine, or log-odds) and add up: over seconds, frequencies and electrodes.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clef.explanations.path import (
    Encoded,
    average_spectrum,
    code_vectors,
    embeddings,
    states,
    token_embeddings,
    usual_tokens,
)
from clef.explanations.targets import Target, everything
from clef.model import Model


def on_spectrogram(
    model: Model, target: Target, one: Encoded, steps: int = 1, quantise: bool = True
) -> NDArray[np.float64]:
    """Attribution (C, F, T) of each cell of a session's spectrogram; steps: gradients along the line, 1: at its end.

    Without `quantise` the vectors before the codebook pass instead of codes, and what is learned code by code is left
    out: a smooth function, for checks.
    """
    base = average_spectrum(one, model.vqgan)
    difference, total = one.spec - base, torch.zeros_like(one.spec)
    for step in range(steps):
        share = 1.0 if steps == 1 else (step + 0.5) / steps
        spec = (base + share * difference).requires_grad_()
        value = of_spectrogram(model, target, one, spec, quantise)
        total += torch.autograd.grad(value.sum(), spec)[0] / steps
    known = one.valid[:, None, None] & one.channel_ok[:, :, None, None]
    return (total * difference * known)[0].double().cpu().numpy()


def of_spectrogram(model: Model, target: Target, one: Encoded, spec: Tensor, quantise: bool = True) -> Tensor:
    """The target (1,) of a variant of the session's spectrogram (1, C, F, T) dB, differentiable."""
    code, index = code_vectors(one, model.vqgan, spec, quantise)
    kept = everything(one)
    seen = embeddings(model, code, index if quantise else None, target.kind)
    return target.of_states(states(model, seen * kept[..., None], kept, target.kind), kept, one.columns)


def on_tokens(model: Model, target: Target, one: Encoded) -> NDArray[np.float64]:
    """Attribution (R, W) of each token; 0 where it does not count."""
    kept = everything(one)
    with torch.no_grad():
        usual = token_embeddings(model, usual_tokens(one, model.vqgan), target.kind)
        seen = token_embeddings(model, one.tokens, target.kind)
    there = seen.clone().requires_grad_()
    value = target.of_states(states(model, there, kept, target.kind), kept, one.columns)
    (gradient,) = torch.autograd.grad(value.sum(), there)
    return ((gradient * (seen - usual)).sum(-1) * kept)[0].double().cpu().numpy()


def to_tokens(attribution: NDArray, grid: tuple[int, int]) -> NDArray[np.float64]:
    """Attribution of cells (C, F, T) added up over electrodes and within each token of the grid: (R, W)."""
    rows, columns = grid
    return attribution.sum(0).reshape(rows, -1, columns, attribution.shape[2] // columns).sum((1, 3))
