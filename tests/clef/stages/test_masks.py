"""Masks: how many tokens are hidden, which, and that nothing of a hidden one reaches a prediction."""

import math
from itertools import groupby

import numpy as np
import pytest
import torch
from scipy.special import ndtr
from scipy.stats import truncnorm

from clef.network.encoder import Encoder, EncoderConfig
from clef.stages.masks import STRATEGIES, MaskConfig, draw_masks, kept_positions, mask_ratio

EVERY = tuple(STRATEGIES)
R, W = 16, 48


def config(masking="random", **settings):
    return MaskConfig(masking=masking, **settings)


def grid(gap=slice(0)):
    ok = np.ones((R, W), bool)
    ok[:, gap] = False
    return ok


def masks(masking="random", draws=300, ok=None, quantile=None, **settings):
    ok = grid() if ok is None else ok
    found = [draw_masks(ok, config(masking, **settings), np.random.default_rng(i), quantile) for i in range(draws)]
    return np.stack([h for h, _ in found]), np.stack([k for _, k in found])


def runs_of_true(line):
    return [len(list(run)) for value, run in groupby(line) if value]


# ---- how many
@pytest.mark.parametrize(("mean", "sd", "least"), [(0.55, 0.25, 0.5), (0.9, 0.05, 0), (0.1, 0.05, 0.6), (2.0, 0.2, 0)])
def test_ratios_are_those_of_a_cut_normal(mean, sd, least):
    given = config(mask_mean=mean, mask_sd=sd, mask_least=least)
    u = np.linspace(0.001, 0.999, 99)
    reference = truncnorm.ppf(u, (least - mean) / sd, (1 - mean) / sd, mean, sd)
    np.testing.assert_allclose([mask_ratio(q, given) for q in u], reference, atol=1e-7)


def test_far_from_the_mean_ratios_stay_in_their_range():
    given = config(mask_mean=0.1, mask_sd=0.005, mask_least=0.5)  # 80 sd away
    assert all(0.5 <= mask_ratio(q, given) <= 1 for q in (0.0, 0.5, 1.0))


@pytest.mark.parametrize("masking", EVERY)
def test_ratios_have_the_same_distribution_whatever_is_masked(masking):
    hidden, _ = masks(masking, 1500)
    ratio = hidden.mean((1, 2))
    assert ratio.min() >= 0.5 and ratio.max() <= 1.0
    low, high = (0.5 - 0.55) / 0.25, (1 - 0.55) / 0.25
    density = lambda z: math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    mean = 0.55 + 0.25 * (density(low) - density(high)) / (ndtr(high) - ndtr(low))
    assert ratio.mean() == pytest.approx(mean, abs=0.012)
    assert (ratio < 0.6).mean() == pytest.approx((ndtr(0.2) - ndtr(low)) / (ndtr(high) - ndtr(low)), abs=0.04)


@pytest.mark.parametrize("masking", EVERY)
@pytest.mark.parametrize("gap", [slice(0), slice(5, 18), slice(40, W)])
def test_the_ratio_is_met_to_a_token_and_half_is_dropped(masking, gap):
    """Of the valid tokens; invalid ones are neither hidden nor kept, and every dropped one is hidden."""
    ok = grid(gap)
    for quantile in (0.0, 0.31, 0.77, 1.0):
        hidden, kept = masks(masking, 12, ok, quantile)
        assert (hidden.sum((1, 2)) == math.ceil(mask_ratio(quantile, config()) * ok.sum())).all()
        dropped = ok & ~kept
        assert (dropped.sum((1, 2)) == ok.sum() // 2).all() and not (dropped & ~hidden).any()
        assert not (hidden & ~ok).any() and not (kept & ~ok).any()
    assert hidden[0, ok].all() and (hidden & kept).any()  # at ratio 1 the kept half enters as mask tokens


@pytest.mark.parametrize("masking", EVERY)
def test_a_session_without_valid_tokens_or_with_one_is_no_error(masking):
    nothing = draw_masks(np.zeros((R, W), bool), config(masking), np.random.default_rng(0))
    assert not any(m.any() for m in nothing)
    one = np.zeros((R, W), bool)
    one[3, 7] = True
    hidden, kept = draw_masks(one, config(masking), np.random.default_rng(0))
    assert (hidden == one).all() and (kept == one).all()


# ---- which
def test_time_hides_whole_blocks_of_neighbouring_columns():
    hidden, _ = masks("time")
    whole, none = hidden.all(1), ~hidden.any(1)  # (draws, W)
    assert ((~whole & ~none).sum(1) <= 1).all()  # the last column to be hidden may be so in part
    blocks = [runs_of_true(line)[int(line[0]) : -1 if line[-1] else None] for line in ~none]  # none at the edges
    assert np.mean([n for lengths in blocks for n in lengths]) > 5
    assert all(lengths.count(1) <= 1 for lengths in blocks)  # the block in which the ratio was met
    random_lengths = [n for line in masks("random")[0][:, 0] for n in runs_of_true(line)]
    assert np.mean(random_lengths) < 4


def test_frequency_hides_whole_bands_of_neighbouring_rows():
    hidden, _ = masks("frequency")
    whole, none = hidden.all(2), ~hidden.any(2)  # (draws, R)
    assert ((~whole & ~none).sum(1) <= 1).all()
    assert np.mean([n for line in whole for n in runs_of_true(line)]) > 3


@pytest.mark.parametrize("masking", EVERY)
def test_no_token_is_hidden_or_kept_more_often_than_another(masking):
    hidden, kept = masks(masking, 3000, ok=np.ones((4, 12), bool), block_columns=4, band_rows=2)
    for share in (hidden.mean(0), kept.mean(0)):
        assert np.abs(share - share.mean()).max() < 0.035


def test_mixed_draws_one_of_the_three_for_each_session():
    hidden, _ = masks("mixed", 600)
    time = (hidden.all(1) | ~hidden.any(1)).sum(1) >= W - 1
    frequency = (hidden.all(2) | ~hidden.any(2)).sum(1) >= R - 1
    for share in (time.mean(), frequency.mean(), (~time & ~frequency).mean()):
        assert share == pytest.approx(1 / 3, abs=0.07)


def test_masks_are_a_pure_function_of_the_generator():
    for masking in EVERY:
        one, two = (draw_masks(grid(), config(masking), np.random.default_rng(5)) for _ in range(2))
        assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
        assert not np.array_equal(one[0], draw_masks(grid(), config(masking), np.random.default_rng(6))[0])


@pytest.mark.parametrize("masking", EVERY)
def test_no_hidden_token_reaches_a_prediction(masking):
    """Whatever the hidden tokens are, encoder and decoder say the same; a visible one they do see."""
    torch.manual_seed(0)
    codes = 11
    encoder = Encoder(EncoderConfig(16, 2, 2, 2), torch.randn(codes, 5), R).eval()
    ok = grid(slice(40, W))
    hidden, kept = masks(masking, 3, ok)
    tokens = torch.randint(codes, (3, R, W))
    batch = {"valid": torch.from_numpy(ok[0]).expand(3, -1), "hidden": torch.from_numpy(hidden.reshape(3, -1))}
    batch |= kept_positions(kept.reshape(3, -1))
    with torch.no_grad():
        logits, truth = encoder.predict(batch | {"tokens": tokens})
        other = torch.where(torch.from_numpy(hidden), (tokens + 1) % codes, tokens)
        assert torch.equal(encoder.predict(batch | {"tokens": other})[0], logits)
        assert torch.equal(truth, tokens[torch.from_numpy(hidden)])
        other = torch.where(torch.from_numpy(ok & ~hidden), (tokens + 1) % codes, tokens)
        assert not torch.allclose(encoder.predict(batch | {"tokens": other})[0], logits)


def test_positions_are_those_of_the_kept_tokens_and_never_a_position_twice():
    rng = np.random.default_rng(0)
    kept = rng.random((30, 64)) < rng.random((30, 1))
    kept[3] = False
    found = kept_positions(kept)
    position, ok = found["kept"].numpy(), found["kept_ok"].numpy()
    assert position.shape[1] == kept.sum(1).max()
    for row in range(30):
        assert len(set(position[row])) == position.shape[1]
        assert sorted(position[row][ok[row]]) == np.flatnonzero(kept[row]).tolist()
    assert kept_positions(np.zeros((2, 5), bool))["kept"].shape == (2, 1)


@pytest.mark.parametrize("bad", [{"mask_least": 1.0}, {"mask_sd": 0.0}, {"block_columns": 1}, {"band_rows": 0}])
def test_settings_no_mask_can_be_drawn_with_are_refused_by_name(bad):
    with pytest.raises(ValueError, match=f"recon.{next(iter(bad))}="):
        config(**bad).check()
