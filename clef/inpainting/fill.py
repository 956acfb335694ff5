"""The filling of hidden tokens, step by step: all are predicted, the surest stay, the rest is predicted anew.

MaskGIT (Chang et al. 2022, arXiv 2202.04200, section 3.2): after step t of T, cos(pi/2 · t/T) of the hidden tokens are
still hidden; a token is as sure as its probability, with Gumbel noise that fades as t grows. We differ: as in training
(MAGE), half of the valid tokens never enter the encoder, hidden ones first, then visible ones drawn anew at each step
(not those that were filled before). An encoder that suddenly sees more than it ever did in training guesses worse.

Shapes: R rows · W columns · N = R·W tokens, row-major · V hidden tokens · K codes.
"""

import math

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from clef.network.encoder import Encoder
from clef.stages.masks import kept_positions

DROPPED = 0.5
"""Share of the valid tokens that does not enter the encoder, as in training."""


@torch.inference_mode()
def predict(
    encoder: Encoder,
    tokens: Tensor,
    valid: Tensor,
    hidden: Tensor,
    rng: Generator,
    keep: Tensor | None = None,
) -> Tensor:
    """Log probabilities (V, K) of the hidden tokens, in one pass.

    tokens (R, W) int64, what stands in hidden places is never read · valid (W,) bool · hidden (R, W) bool, all valid
    keep (R, W) bool: visible tokens that enter the encoder before others do
    """
    ok, masked = encoder.token_ok(valid[None].cpu())[0].numpy(), hidden.flatten().cpu().numpy()
    worth = ~masked + (0 if keep is None else keep.flatten().cpu().numpy().astype(int))  # hidden ones go first
    # a random order, then a stable sort by worth: within one worth each token is as likely to be dropped
    shuffled = rng.permutation(len(ok))
    order = shuffled[np.argsort(worth[shuffled], kind="stable")]
    kept = ok.copy()
    kept[order[ok[order]][: int(DROPPED * ok.sum())]] = False
    batch = {"tokens": torch.where(hidden, 0, tokens)[None], "valid": valid[None], "hidden": hidden.flatten()[None]}
    batch |= {name: part.to(tokens.device) for name, part in kept_positions(kept[None]).items()}
    return encoder.predict(batch)[0].float().log_softmax(-1)


def fill(
    encoder: Encoder, tokens: Tensor, valid: Tensor, hidden: Tensor, steps: int, temperature: float, seed: int
) -> Tensor:
    """Tokens (R, W) with the hidden ones drawn by the model in `steps` steps; temperature 0 takes the likeliest.

    tokens (R, W) int64 · valid (W,) bool · hidden (R, W) bool, all of them valid
    """
    rng, total = np.random.default_rng(seed), int(hidden.sum())
    filled, unknown = tokens.clone(), hidden.clone()
    for step in range(1, steps + 1):
        if not unknown.any():
            break
        log_p = predict(encoder, filled, valid, unknown, rng, keep=hidden & ~unknown)
        codes, certainty = draw(log_p, temperature, 1 - step / steps, rng)
        # at least one stays, so that no step is wasted where the schedule rounds to none
        stays = certainty.argsort(descending=True)[: max(1, len(codes) - still_hidden(total, step, steps))]
        places = unknown.flatten().nonzero()[:, 0][stays]
        filled.view(-1)[places] = codes[stays]
        unknown.view(-1)[places] = False
    return filled


def still_hidden(total: int, step: int, steps: int) -> int:
    """How many of `total` tokens are hidden after `step` of `steps`: the cosine schedule."""
    return math.floor(total * math.cos(math.pi / 2 * step / steps)) if step < steps else 0


def draw(log_p: Tensor, temperature: float, noise: float, rng: Generator) -> tuple[Tensor, Tensor]:
    """A code for each row of log_p (V, K), and how sure it is: codes (V,) int64, (V,).

    The code is drawn from the distribution sharpened by `temperature`; `noise` (0–1) scales the Gumbel noise.
    """
    if not temperature:
        return log_p.argmax(-1), log_p.amax(-1)
    # the Gumbel-max trick: the largest of log p + Gumbel noise is a draw from p
    codes = (log_p / temperature + _gumbel(log_p.shape, rng).to(log_p.device)).argmax(-1)
    own = log_p.gather(1, codes[:, None])[:, 0]
    return codes, own + temperature * noise * _gumbel(own.shape, rng).to(own.device)


def _gumbel(shape: tuple[int, ...], rng: Generator) -> Tensor:
    return torch.from_numpy(rng.gumbel(size=tuple(shape)).astype(np.float32))
