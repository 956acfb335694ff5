"""Filling hidden tokens: what may not be read, what stays, whether it fits together."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from clef.inpainting.fill import fill, predict, still_hidden
from clef.network.encoder import Encoder, EncoderConfig
from clef.stages.masks import MaskConfig, draw_masks, kept_positions

R, W, K = 4, 8, 6
VALID = torch.ones(W, dtype=torch.bool)


def constant_rows(n: int, rng: np.random.Generator) -> torch.Tensor:
    """Sessions whose rows each hold one code throughout, any code: (n, R, W)."""
    return torch.from_numpy(rng.integers(K, size=(n, R, 1)).repeat(W, 2))


@pytest.fixture(scope="module")
def learned():
    """An encoder that has learned, by masked reconstruction, that rows are constant."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    codes = F.normalize(torch.randn(K, 8), dim=-1)
    encoder = Encoder(EncoderConfig(width=32, heads=2, encoder_layers=2, decoder_layers=2), codes, R)
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=3e-3)
    for _ in range(180):
        masks = [draw_masks(np.ones((R, W), bool), MaskConfig(), rng) for _ in range(32)]
        hidden, kept = (np.stack(m).reshape(32, -1) for m in zip(*masks, strict=True))
        batch = {"tokens": constant_rows(32, rng), "valid": VALID.expand(32, W), "hidden": torch.from_numpy(hidden)}
        loss = F.cross_entropy(*encoder.predict(batch | kept_positions(kept)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return encoder.eval()


def hidden_at(rows=slice(None), columns=slice(None)) -> torch.Tensor:
    hidden = torch.zeros(R, W, dtype=torch.bool)
    hidden[rows, columns] = True
    return hidden


def test_a_hidden_stretch_of_what_was_learned_comes_back(learned):
    tokens, hidden = constant_rows(20, np.random.default_rng(1)), hidden_at(columns=slice(2, 4))
    filled = torch.stack([fill(learned, t, VALID, hidden, 6, 1.0, seed=i) for i, t in enumerate(tokens)])
    assert (filled == tokens)[:, hidden].float().mean() > 0.9  # a guess is right once in six


def test_a_band_filled_step_by_step_agrees_with_itself_and_at_once_it_does_not(learned):
    """Which code the row had is nowhere to be seen; that it is one code was learned."""
    hidden, tokens = hidden_at(rows=1), constant_rows(12, np.random.default_rng(2))

    def codes_in_row(steps):
        return np.mean([len(fill(learned, t, VALID, hidden, steps, 1.0, i)[1].unique()) for i, t in enumerate(tokens)])

    assert codes_in_row(W) < 1.5 < 3 < codes_in_row(1)


def test_visible_tokens_stay_and_hidden_ones_are_never_read(learned):
    rng = np.random.default_rng(3)
    tokens, hidden = torch.from_numpy(rng.integers(K, size=(R, W))), hidden_at(slice(1, 3), slice(3, 6))
    other = torch.where(hidden, (tokens + 1) % K, tokens)
    filled = fill(learned, tokens, VALID, hidden, 4, 1.0, seed=5)
    assert torch.equal(filled[~hidden], tokens[~hidden])
    assert torch.equal(filled, fill(learned, other, VALID, hidden, 4, 1.0, seed=5))
    assert not torch.equal(filled, fill(learned, tokens, VALID, hidden, 4, 3.0, seed=6))
    changed = predict(learned, (tokens + 1) % K, VALID, hidden, np.random.default_rng(0))
    assert (changed - predict(learned, tokens, VALID, hidden, np.random.default_rng(0))).abs().max() > 0.1


def test_one_step_at_temperature_0_is_the_likeliest_code_of_one_pass(learned):
    tokens, hidden = constant_rows(1, np.random.default_rng(4))[0], hidden_at(slice(0, 2), slice(0, 5))
    filled = fill(learned, tokens, VALID, hidden, 1, 0.0, seed=7)
    log_p = predict(learned, tokens, VALID, hidden, np.random.default_rng(7))
    assert torch.equal(filled[hidden], log_p.argmax(-1))
    torch.testing.assert_close(log_p.exp().sum(-1), torch.ones(10))


def test_the_schedule_is_the_cosine_from_all_to_none():
    left = [still_hidden(1000, step, 10) for step in range(1, 11)]
    assert left[0] == 987 and left[4] == 707 and left[-1] == 0
    assert sorted(left, reverse=True) == left
