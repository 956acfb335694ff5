"""A small encoder, sessions for it, and the masked batches that stage=recon would make of them."""

import numpy as np
import torch
from torch.nn import functional as F

from clef.network.encoder import Encoder, EncoderConfig
from clef.stages.masks import draw_masks, kept_positions
from clef.stages.recon import ReconConfig

R, W, K = 4, 6, 11
N = R * W


def make(pool="rows", seed=0, width=16, layers=2, rows=R, codes=K):
    torch.manual_seed(seed)
    config = EncoderConfig(width=width, heads=2, encoder_layers=layers, decoder_layers=2, pool=pool)
    codes = F.normalize(torch.randn(codes, 5), dim=-1)
    encoder = Encoder(config, codes, rows)
    with torch.no_grad():  # far from their small starts, so that every path carries weight
        for name, parameter in encoder.named_parameters():
            if parameter.ndim < 2 or "free" in name or "row" in name:
                parameter.add_(0.3 * torch.randn_like(parameter))
    return encoder.eval()


def sessions(lengths=(W, 4, 2), seed=1):
    g = torch.Generator().manual_seed(seed)
    tokens = torch.randint(K, (len(lengths), R, W), generator=g)
    return tokens, torch.arange(W) < torch.tensor(lengths)[:, None]


def batch(lengths=(W, 4, 2), seed=1, hidden_too=True):
    """A masked batch as stage=recon makes it."""
    tokens, valid = sessions(lengths, seed)
    ok = valid[:, None].expand(-1, R, -1).flatten(1).numpy()
    masks = [draw_masks(o.reshape(R, W), ReconConfig(), np.random.default_rng((seed, i))) for i, o in enumerate(ok)]
    hidden, kept = (np.stack(m).reshape(len(ok), N) for m in zip(*masks, strict=True))
    return {"tokens": tokens, "valid": valid, "hidden": torch.from_numpy(hidden)} | kept_positions(kept)


def close(a, b, atol=1e-5):
    torch.testing.assert_close(a, b, atol=atol, rtol=0)
