"""Baselines of masked reconstruction, on tokens whose best possible guess is known."""

import dataclasses

import numpy as np
import pytest

from clef.stages import token_baselines as tb
from clef.stages.recon import MaskedSessions, ReconConfig
from tests.helpers import random_tokens

R, W, K, N, HELD_OUT = 4, 64, 32, 300, 60
BASELINES = ("unigram", "session", "copy")


def sessions(tokens, valid=None):
    n = len(tokens)
    split = np.where(np.arange(n) < n - HELD_OUT, "train", "val")
    valid = np.ones((n, W), bool) if valid is None else valid
    filled = {"tokens": tokens.astype(np.uint16), "valid": valid, "split": split}
    return MaskedSessions(dataclasses.replace(random_tokens(n), **filled), ReconConfig(), 0)


def best(samples, probability):
    """Nats per hidden token of the best guess: probability(tokens, visible) -> that of each token (B, R, W)."""
    nats, count = 0.0, 0
    for batch in samples.validation():
        tokens = batch["tokens"].numpy()
        hidden = batch["hidden"].numpy().reshape(tokens.shape)
        visible = batch["valid"].numpy()[:, None] & ~hidden
        nats -= np.log(probability(tokens, visible)[hidden]).sum()
        count += hidden.sum()
    return nats / count


def row_distributions(rng):
    return rng.dirichlet(np.full(K, 0.5), R)


# ---- what can be known
def test_independent_rows_are_guessed_as_well_as_their_entropy_allows_and_no_better():
    rng = np.random.default_rng(0)
    truth = row_distributions(rng)
    samples = sessions(np.stack([rng.choice(K, (N, W), p=p) for p in truth], 1))
    wanted = best(samples, lambda tokens, _: truth[np.arange(R)[:, None], tokens])
    assert wanted == pytest.approx(-(truth * np.log(truth)).sum(1).mean(), abs=0.03)
    assert samples.baselines(K) == pytest.approx(dict.fromkeys(BASELINES, wanted), abs=0.01)


def test_one_unigram_for_all_rows_would_be_worse():
    rng = np.random.default_rng(0)
    samples = sessions(np.stack([np.full((N, W), row) for row in range(R)], 1))
    assert samples.baselines(K)["unigram"] < 0.01 < np.log(R)
    shuffled = sessions(rng.permuted(samples.train.tokens.repeat(2, 0)[:N], axis=1))
    assert shuffled.baselines(K)["unigram"] == pytest.approx(np.log(R), abs=0.02)


@pytest.mark.parametrize("stay", [0.5, 0.9])
def test_rows_that_stay_are_copied_almost_as_well_as_is_possible(stay):
    """A Markov chain that keeps its code with probability `stay`, else draws one of K: the best guess is known."""
    rng = np.random.default_rng(1)
    drawn = rng.random((N, R, W)) >= stay
    drawn[..., 0] = True
    since = np.maximum.accumulate(np.where(drawn, np.arange(W), 0), -1)
    samples = sessions(np.take_along_axis(rng.integers(0, K, (N, R, W)), since, -1))

    def probability(tokens, visible):
        code, distance = tb.neighbours(tokens, visible)
        kept = np.where(code >= 0, stay ** distance.astype(float), 0)[:2]
        of = lambda c: np.prod(kept * (code[:2] == c) + (1 - kept) / K, 0)
        return of(tokens) / sum(of(c) for c in range(K))

    found, wanted = samples.baselines(K), best(samples, probability)
    assert wanted - 0.01 < found["copy"] < wanted + 0.03
    assert found["copy"] < found["session"] - 0.4 and found["session"] < found["unigram"]


def test_columns_of_one_code_are_copied_from_below_and_above():
    rng = np.random.default_rng(2)
    samples = sessions(rng.integers(0, K, (N, 1, W)).repeat(R, 1))
    found = samples.baselines(K)
    seen = [
        np.broadcast_to((b["hidden"].numpy().reshape(-1, R, W)).all(1)[:, None], (len(b["hidden"]), R, W))
        for b in samples.validation()
    ]
    lost = sum(s[b["hidden"].numpy().reshape(s.shape)].sum() for s, b in zip(seen, samples.validation(), strict=True))
    floor = np.log(K) * lost / sum(b["counts"]["hidden"] for b in samples.validation())  # columns hidden as a whole
    assert floor - 0.01 < found["copy"] < floor + 0.2 and found["unigram"] > np.log(K) - 0.02


def test_sessions_with_codes_of_their_own_are_guessed_as_well_as_is_possible():
    """Each session draws its own distribution around the row's: (n + a·p) / (N + a) is then the best guess."""
    rng = np.random.default_rng(3)
    truth, spread = row_distributions(rng), 20.0
    own = np.stack([rng.dirichlet(spread * p + 1e-6, N) for p in truth], 1)  # (N, R, K)
    samples = sessions((rng.random((N, R, W, 1)) > own.cumsum(-1)[:, :, None]).sum(-1).clip(0, K - 1))

    def probability(tokens, visible):
        codes = np.arange(K)
        seen = (np.where(visible, tokens, -1)[..., None] == codes).sum(2)  # (B, R, K)
        guess = (seen + spread * truth) / (seen.sum(-1, keepdims=True) + spread)
        return np.take_along_axis(guess, tokens, -1)

    found, wanted = samples.baselines(K), best(samples, probability)
    assert found["session"] == pytest.approx(wanted, abs=0.02) and found["unigram"] > wanted + 0.1
    assert found["copy"] == pytest.approx(wanted, abs=0.02)


def test_codes_that_a_session_has_in_all_rows_are_used():
    """One distribution per session, whatever the row: what is visible in the other rows counts as much."""
    rng = np.random.default_rng(8)
    truth, spread = rng.dirichlet(np.full(K, 0.5)), 20.0
    own = rng.dirichlet(spread * truth + 1e-6, N)
    samples = sessions((rng.random((N, R, W, 1)) > own.cumsum(-1)[:, None, None]).sum(-1).clip(0, K - 1))

    def probability(tokens, visible):
        seen = (np.where(visible, tokens, -1)[..., None] == np.arange(K)).sum((1, 2))  # (B, K)
        guess = (seen + spread * truth) / (seen.sum(-1, keepdims=True) + spread)
        return np.take_along_axis(guess[:, None], tokens.reshape(len(tokens), 1, -1), -1).reshape(tokens.shape)

    found, wanted = samples.baselines(K), best(samples, probability)
    assert found["copy"] == pytest.approx(wanted, abs=0.02) and found["session"] > wanted + 0.05


# ---- what may not be known
def test_hidden_tokens_and_invalid_ones_do_not_help_their_own_guess():
    """Of random tokens nothing visible tells anything."""
    rng = np.random.default_rng(4)
    tokens = rng.integers(0, K, (N, R, W))
    tokens[..., 1::2] = tokens[..., ::2]  # would tell what is before them, were they valid
    valid = np.broadcast_to(np.arange(W) % 2 == 0, (N, W))
    assert min(sessions(tokens, valid).baselines(K).values()) > np.log(K) - 0.01


def test_nothing_is_fitted_on_validation_or_test_sessions():
    rng = np.random.default_rng(5)
    tokens = rng.integers(0, K // 2, (N, R, W))
    tokens[-HELD_OUT:] += K // 2  # codes that training never saw
    found = sessions(tokens).baselines(K)
    assert found["unigram"] > 5.0 and found["session"] > np.log(K / 2)


def test_sessions_that_tune_are_not_in_the_counts_they_tune_against():
    """With two sessions, a unigram that has counted both looks far better than it is on a third: no trust in it."""
    rng = np.random.default_rng(6)
    own = rng.dirichlet(np.full(K, 0.1), (2 + HELD_OUT, R))  # of which the row's distribution says little
    samples = sessions((rng.random((2 + HELD_OUT, R, W, 1)) > own.cumsum(-1)[:, :, None]).sum(-1).clip(0, K - 1))
    clues = tb.gather_clues(samples.validation(), K)
    prior = tb.priors(clues, tb.count_codes(samples.train, np.arange(2), K))
    best_of = [tb.nats(tb.with_session(clues, prior, np.full(2, a))[0]) for a in tb.PSEUDO_COUNTS]
    assert samples.baselines(K)["session"] < min(best_of) + 0.02


def test_one_training_session_and_no_held_out_session_are_no_error():
    rng = np.random.default_rng(7)
    one = sessions(rng.integers(0, K, (1 + HELD_OUT, R, W)))
    assert all(np.isfinite(v) for v in one.baselines(K).values())
    alone = dataclasses.replace(random_tokens(), split=np.array(["train"] * 12))
    assert MaskedSessions(alone, ReconConfig(), 0).baselines(11) == {}


# ---- parts
def test_counting_is_counting(monkeypatch):
    source = random_tokens(30, seed=8)
    monkeypatch.setattr(tb, "CHUNK", 7)
    found = tb.count_codes(source, np.arange(4, 30), 11)
    for row in range(4):
        for code in range(11):
            there = (source.tokens[4:, row] == code) & source.valid[4:]
            assert found[row, code] == there.sum()
    assert tb.smoothed(found).sum(1) == pytest.approx(1.0)
    of_row, of_all = tb.priors(tb.Clues(np.arange(4 * 11), *[np.empty(0)] * 5), found)
    assert of_row == pytest.approx(tb.smoothed(found).ravel())
    assert of_all == pytest.approx(np.tile((found.sum(0) + 0.5) / (found.sum() + 5.5), 4))


def test_the_nearest_visible_neighbour_is_the_nearest():
    rng = np.random.default_rng(9)
    tokens, visible = rng.integers(0, K, (2, R, 30)), rng.random((2, R, 30)) < 0.2
    code, distance = tb.neighbours(tokens, visible)
    for b, r, w in np.argwhere(~visible):
        steps = ((0, -1), (0, 1), (-1, 0), (1, 0))
        for side, (dr, dw) in enumerate(steps):
            at, away = (r + dr, w + dw), 1
            while 0 <= at[0] < R and 0 <= at[1] < 30 and not visible[b, at[0], at[1]]:
                at, away = (at[0] + dr, at[1] + dw), away + 1
            if 0 <= at[0] < R and 0 <= at[1] < 30:
                assert (code[side, b, r, w], distance[side, b, r, w]) == (tokens[b, at[0], at[1]], away)
            else:
                assert code[side, b, r, w] == -1
    code, _ = tb.nearest_before(tokens[0, 0], np.zeros(30, bool))
    assert (code == -1).all()
