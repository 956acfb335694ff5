"""Sessions of three minutes whose tokens name a band, and texts that say it and how it follows the minute before."""

import dataclasses

import numpy as np
import torch

from clef.narratives.texts import Place
from clef.network.bpe import learn
from clef.network.encoder import Encoder, EncoderConfig
from clef.network.narrators.base import NarratorConfig
from clef.network.narrators.decoder import Narrator
from clef.stages.narrate import NarrateConfig, NarrateObjective, Stretches
from tests.helpers import random_tokens

BANDS = ("delta", "theta", "alpha", "beta")
K, MINUTES = 11, 3


def planted(n=80, seed=0):
    """Tokens and texts: each minute has a code of 0 to 3 everywhere; the text names the band and up, down or same."""
    source = random_tokens(n, 6 * MINUTES, seed)
    code = np.random.default_rng(seed).integers(0, len(BANDS), (n, MINUTES))
    tokens = np.broadcast_to(code.repeat(6, 1)[:, None], source.tokens.shape).astype(np.uint16)
    split = np.where(np.arange(n) // 2 % 4 == 3, "val", "train")
    source = dataclasses.replace(source, tokens=tokens.copy(), valid=np.ones((n, 6 * MINUTES), bool), split=split)
    texts = {Place(f"s{i}", m): text_of(code[i], m) for i in range(n) for m in range(MINUTES)}
    return source, texts


def text_of(code, minute):
    if not minute:
        return f"{BANDS[code[0]]} dominates."
    course = np.sign(int(code[minute]) - int(code[minute - 1]))
    return f"{BANDS[code[minute]]} dominates, {('steady', 'rising', 'falling')[course]}."


def objective(texts, history=1, seed=0):
    torch.manual_seed(seed)
    codes = torch.nn.functional.normalize(torch.randn(K, 5), dim=-1)
    encoder = Encoder(EncoderConfig(16, 2, 1, 1), codes, 4)
    config = NarratorConfig(width=32, layers=2, heads=2, words=300, length=16, min_count=1, history=history)
    return NarrateObjective(encoder, None, Narrator(config, learn([list(texts.values())], 300, 1), 16, 4)).train()


def samples(source, texts, stage, seed=0, **settings):
    return Stretches(source, texts, stage.narrator, NarrateConfig(**settings), seed)


def trained(source, texts, history=1, steps=160):
    """An objective after some steps of 12 sessions."""
    stage = objective(texts, history)
    given = samples(source, texts, stage)
    optimizer = torch.optim.AdamW(stage.narrator.parameters(), 3e-3)
    for step in range(steps):
        batch = given.batch(range(12 * step, 12 * step + 12))
        stage(batch, batch["counts"], 0.0)["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
    return stage.eval(), given
