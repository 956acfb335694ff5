"""Occlusion: equal to leaving out token after token by hand, complete without context, right about electrodes."""

import numpy as np
import pytest
import torch

from clef.explanations import occlusion
from clef.explanations.targets import probe_target, value
from tests.clef.explanations.small import random_probe, row_probe, small_model, small_session
from tokenizer.channels import CHANNELS


def test_it_equals_brute_force_one_token_at_a_time():
    model = small_model()
    probe, one = random_probe(model), small_session(model, seconds=60)
    target = probe_target(model, probe)
    drops = occlusion.on_tokens(model, target, one, 1, 1)
    whole, usual = value(model, target, one), target.usual[0].numpy()
    places = np.flatnonzero(one.columns[0].numpy().repeat(1)[None].repeat(16, 0))
    number = int(one.columns.sum())
    for place in places[:: len(places) // 12]:
        kept = torch.tensor([[p for p in places.tolist() if p != place]])
        with torch.no_grad():  # another way through the encoder: the mean of a row is of what is kept
            means = model.encoder.embed_kept(one.tokens, kept, torch.ones_like(kept, dtype=torch.bool))
        means, row = means.numpy().reshape(16, -1), place // one.grid[1]
        means[row] = ((number - 1) * means[row] + usual[row]) / number
        left = float(probe.log_odds(means.ravel()[None])[0])
        assert drops.flat[place] == pytest.approx(whole - left, abs=2e-4)
    assert (drops[:, ~one.columns[0].numpy()] == 0).all() and np.abs(drops).max() > 1e-3


def test_without_context_drops_add_up_to_what_a_session_has_beyond_the_usual_one():
    model = small_model()
    target, one = probe_target(model, random_probe(model, "codes")), small_session(model)
    apart = value(model, target, one) - target.at_usual()
    for drops in (occlusion.on_tokens(model, target, one, 2, 3), occlusion.on_rows(model, target, one),
                  occlusion.on_columns(model, target, one)):  # fmt: skip
        assert drops.sum() == pytest.approx(apart, abs=1e-4)


def test_only_the_row_that_a_probe_looks_at_carries_it():
    model = small_model()
    target, one = probe_target(model, row_probe(model, 5)), small_session(model)
    rows = occlusion.on_rows(model, target, one)
    assert abs(rows[5]) > 1e-3 and np.abs(np.delete(rows, 5)).max() < 1e-6


def test_blocks_tile_the_valid_tokens_once():
    columns = np.array([True, True, False, True, True, True])
    masks = occlusion.blocks(columns, 16, 3, 2)
    assert (masks.sum(0) == columns).all() and masks.sum((1, 2)).max() == 6


def test_electrodes_are_replaced_in_their_band_alone():
    one = small_session(small_model())
    t3, t4 = CHANNELS.index("T3"), CHANNELS.index("T4")
    spec = occlusion.replaced(one, [t3], (4.0, 8.0), "mirror")
    assert torch.equal(spec[0, t3, 16:32], one.spec[0, t4, 16:32]) and torch.equal(
        spec[0, t3, 32:], one.spec[0, t3, 32:]
    )
    others = [c for c in range(19) if c != t3]
    spec = occlusion.replaced(one, [t3], occlusion.ALL_HZ, "others")
    assert torch.allclose(spec[0, t3], one.spec[0, others].mean(0)) and torch.equal(
        spec[0, others], one.spec[0, others]
    )


def test_what_cannot_be_replaced_is_not_a_number():
    model = small_model()
    target, one = probe_target(model, random_probe(model)), small_session(model)
    one.channel_ok[0, CHANNELS.index("T3")] = False
    groups = [[CHANNELS.index(name)] for name in ("T3", "T4", "Cz")]
    assert np.isnan(occlusion.on_electrodes(model, target, one, groups)[:, 0]).tolist() == [True, False, False]
    mirrored = occlusion.on_electrodes(model, target, one, groups, by="mirror")[:, 0]
    assert np.isnan(mirrored).tolist() == [True, True, True]  # no mirror image of T4 was recorded, and none of Cz is
    assert set(occlusion.regions()) >= {"left temporal", "right occipital"} and len(occlusion.regions()) == 10
