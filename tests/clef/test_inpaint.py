"""Filling hidden tokens: what may not be read, what stays, whether it fits together; and how a fill is judged."""

import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from clef.inpainting.fill import fill, predict, still_hidden
from clef.inpainting.measures import (
    cell_error,
    cell_mask,
    cell_numbers,
    commonest_guess,
    median_guess,
    nearest_guess,
    share_right,
)
from clef.network.encoder import Encoder, EncoderConfig
from clef.stages.masks import MaskConfig, draw_masks, kept_positions
from tests.helpers import must, run
from tokenizer.sessions import read_sessions
from tokenizer.store import TokenStore

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


# ---- measures
def test_guesses_come_from_what_is_visible():
    x = np.arange(24, dtype=float).reshape(1, 2, 12) ** 2
    visible = np.ones((2, 12), bool)
    visible[0, 3:8], visible[1] = False, False
    nearest, median = nearest_guess(x, visible), median_guess(x, visible)
    assert nearest[0, 0, 3:8].tolist() == [4, 4, 4, 64, 64]  # of two equally near the earlier
    assert median[0, 0, 5] == np.median(x[0, 0, [0, 1, 2, 8, 9, 10, 11]])
    assert np.isnan(nearest[0, 1]).all() and np.isnan(median[0, 1]).all()
    tokens = np.array([[5, 5, 7, 9], [1, 2, 2, 3]])
    assert commonest_guess(tokens, np.array([[1, 1, 1, 0], [0, 1, 0, 0]], bool))[:, 0].tolist() == [5, 2]


def test_errors_count_hidden_cells_of_channels_that_are_there():
    x, y = np.zeros((2, 16, 3)), np.zeros((2, 16, 3))
    where = np.zeros((16, 3), bool)
    where[4, 1] = where[5, 1] = True
    y[0, 4, 1], y[0, 9, 2], y[1] = 3.0, 50.0, 70.0  # a hidden cell, a visible one, a missing channel
    assert cell_error(x, y, where, np.array([True, False])) == 1.5
    y[0, 5, 1] = np.nan
    assert cell_error(x, y, where, np.array([True, False])) is None
    assert share_right(np.array([[1, 2, 3]]), np.array([[1, 5, 9]]), np.array([[True, True, False]])) == 0.5


@pytest.mark.parametrize("rows, bins, columns, frames", ((16, 8, 6, 10), (8, 16, 12, 5), (32, 4, 3, 20)))
def test_cells_of_every_grid_are_hidden_where_all_of_them_is(rows, bins, columns, frames):
    hidden = np.zeros((rows, columns), bool)
    hidden[(np.arange(rows) * bins >= 32) & (np.arange(rows) * bins < 64)] = True  # 8–16 Hz
    found = cell_mask(hidden, bins, frames)
    assert found.shape == (16, 6) and found[4:8].all() and not found[:4].any() and not found[8:].any()


def test_a_perfect_fill_has_no_error_and_a_constant_recording_needs_no_model():
    rng = np.random.default_rng(0)
    spec = np.repeat(rng.normal(size=(19, 128, 1)), 60, 2).astype(np.float32)
    hidden, valid = np.zeros((16, 6), bool), np.ones(6, bool)
    hidden[:, 2:4] = True
    guesses = {"filled": spec, "likeliest": spec + 2}
    found = cell_numbers(spec, guesses, np.zeros(128, np.float32), valid, hidden, np.ones(19, bool))
    assert found["filled"] == 0 and found["likeliest"] == pytest.approx(2)
    assert found["median"] == pytest.approx(0) and found["nearest"] == pytest.approx(0) and found["training mean"] > 0.1


# ---- the program
def inpaint(folder, **settings):
    return run(folder / "said", "clef.inpaint", **{"out": folder / "page", "device": "cpu", "steps": 3} | settings)


def test_it_draws_a_session_of_a_store(tiny_recon, tiny_store, tmp_path):
    session = str(TokenStore(tiny_store).load().session_id[0])
    hide = {"seconds": "[11,19]", "hertz": "[8,14]"}
    done = must(inpaint(tmp_path, model=tiny_recon, tokens=tiny_store, session=session, **hide))
    report = json.loads((tmp_path / "page" / "inpaint.json").read_text())
    assert report["protocol"]["seconds"] == [10, 20] and report["protocol"]["hertz"] == [8, 14]
    assert report["protocol"]["hidden_tokens"] == 3  # a column of 10 s, three rows of 2 Hz
    assert report["cells_db"]["filled"] > 0 and report["cells_db"]["median"] > 0 and "codes_db" not in report
    assert 2 < report["tokens"]["cross_entropy_nats"] < 8  # 64 codes and hardly any training: near log 64
    assert session in done.out and (tmp_path / "page" / "inpaint.png").read_bytes()[:4] == b"\x89PNG"


def test_it_draws_a_recording_without_naming_it(tiny_recon, tiny_cohort, tmp_path):
    file = tiny_cohort / read_sessions(tiny_cohort)["path"][0]
    named = tmp_path / "Planted-Name.edf"
    named.write_bytes(file.read_bytes())
    done = must(inpaint(tmp_path, model=tiny_recon, recording=named, hertz="[8,14]", channels="[Cz]"))
    text = (tmp_path / "page" / "inpaint.json").read_text()
    report = json.loads(text)
    assert "Planted" not in text + done.out + done.err
    assert report["cells_db"]["median"] is None and report["cells_db"]["training mean"] > 0  # all is hidden
    assert report["codes_db"] > 0 and report["protocol"]["seen"] is None


@pytest.mark.parametrize(
    "settings, said, code",
    (
        ({"seconds": "[0,10]"}, "either tokens=", 2),
        ({"tokens": "store", "session": "nobody", "seconds": "[0,10]"}, "name one of", 2),
        ({"tokens": "store", "session": "first"}, "nothing to hide", 2),
        ({"tokens": "store", "session": "first", "hertz": "[14,8]"}, "expected [from,to]", 2),
        ({"tokens": "store", "session": "first", "seconds": "[0,10]", "channels": "[Oz]"}, "'Oz' is none of", 2),
        ({"tokens": "store", "session": "first", "seconds": "[500,600]"}, "nothing valid there", 1),
        ({"tokens": "store", "session": "first", "seconds": "[0,600]"}, "leave something", 1),
    ),
)
def test_mistakes_are_one_line(tiny_recon, tiny_store, tmp_path, settings, said, code):
    first = str(TokenStore(tiny_store).load().session_id[0])
    named = {"store": str(tiny_store), "first": first}
    done = inpaint(tmp_path, model=tiny_recon, **{k: named.get(v, v) for k, v in settings.items()})
    assert done.code == code and said in done.err and "Traceback" not in done.err
    assert not (tmp_path / "page").exists()
