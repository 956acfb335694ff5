"""A small model with fresh weights, sessions with planted power, and probes that are known in closed form."""

import numpy as np
import torch

from clef.explanations.path import Encoded, encoded
from clef.explanations.probes import Probe
from clef.model import Model
from clef.network.encoder import Encoder, EncoderConfig
from tokenizer.channels import CHANNELS
from tokenizer.readings import Reading
from tokenizer.vqgan import VQGAN, VQGANConfig

SIZES = VQGANConfig(width=16, encoder_blocks=1, decoder_blocks=1, codes=64, code_dimension=8)
MEAN_DB = torch.linspace(12, -12, 128)


def small_model(pool: str = "rows") -> Model:
    """Tokenizer and encoder with the fresh weights of a seed."""
    torch.manual_seed(0)
    vqgan = VQGAN(SIZES)
    vqgan.set_scale(MEAN_DB, torch.full((128,), 5.0), torch.full((128,), 3.0), 4.0)
    sizes = EncoderConfig(width=32, heads=2, encoder_layers=2, decoder_layers=1, pool=pool)
    encoder = Encoder(sizes, vqgan.codebook.vectors)
    return Model(vqgan.eval(), encoder.eval())


def reading(seed: int, seconds: int = 80, gap: bool = True, **planted: float) -> Reading:
    """A session of noise around the mean spectrum; dB more at 1 to 4 Hz for electrodes that are named."""
    rng = np.random.default_rng(seed)
    smooth = rng.normal(0, 2, (19, 32, seconds // 10)).repeat(4, 1).repeat(10, 2)
    spec = MEAN_DB.numpy()[:, None] + smooth + rng.normal(0, 2.5, (19, 128, seconds))
    for name, db in planted.items():
        spec[CHANNELS.index(name), 4:16] += db
    valid = np.ones(seconds, bool)
    if gap:
        valid[30:50] = False
    return Reading(torch.tensor(spec, dtype=torch.float32), torch.from_numpy(valid), torch.ones(19, dtype=torch.bool))


def small_session(model: Model, seed: int = 1, **options) -> Encoded:
    return encoded(reading(seed, **options), model.vqgan)


def random_probe(model: Model, kind: str = "trained", pool: str = "rows", seed: int = 0) -> Probe:
    """A probe with drawn weights on embeddings of that kind and pooling."""
    width, rng = model.width(kind, model.readout(kind, readout_of(pool))), np.random.default_rng(seed)
    about = {"kind": kind, "pool": pool, "head": "none"}
    return Probe(
        "drawn", rng.normal(size=width), np.abs(rng.normal(size=width)), rng.uniform(1, 2, width), 0.3, "", about
    )


def row_probe(model: Model, row: int, seed: int = 0) -> Probe:
    """A probe on the mean code vector of one row of tokens, and of no other."""
    size, rng = model.encoder.codes.shape[1], np.random.default_rng(seed)
    weights = np.zeros((model.encoder.rows, size))
    weights[row] = rng.normal(size=size)
    about = {"kind": "codes", "pool": "rows", "head": "none"}
    return Probe("a row", weights.ravel(), np.zeros(weights.size), np.ones(weights.size), 0.0, "", about)


def readout_of(pool: str):
    from clef.readout import Readout

    return Readout(pool=pool, head="none")
