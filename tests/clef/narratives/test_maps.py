"""Maps of sessions: those of the decoded tokens, stretch by stretch, and nothing of what comes after."""

import dataclasses

import numpy as np
import pytest
import torch

from clef.narratives.maps import SessionMaps
from clef.narratives.windows import windows
from tests.helpers import random_tokens
from tokenizer.maps import NUMBERS, band_maps
from tokenizer.vqgan import VQGAN, VQGANConfig

SIZES = {"width": 16, "encoder_blocks": 1, "decoder_blocks": 2, "codes": 64, "code_dimension": 8}


@pytest.fixture(scope="module")
def vqgan():
    torch.manual_seed(0)
    one = VQGAN(VQGANConfig(**SIZES)).eval()
    torch.nn.init.normal_(one.head[1].weight)
    one.codebook.vectors.copy_(torch.nn.functional.normalize(torch.randn(64, 8), dim=-1))
    return one


@pytest.fixture
def source():
    """Three sessions of 16 columns, four of the second invalid; the third lacks Pz."""
    some = random_tokens(3, 16)
    tokens = np.random.default_rng(1).integers(0, 64, (3, 16, 16)).astype(np.uint16)
    valid, ok = np.ones((3, 16), bool), np.ones((3, 19), bool)
    valid[1, 8:12], ok[2, 4] = False, False
    return dataclasses.replace(some, tokens=tokens, valid=valid, channel_ok=ok)


def by_hand(vqgan, source, row, columns):
    """Maps of some columns, decoded by themselves."""
    tokens = torch.from_numpy(source.tokens[row][:, columns].astype(np.int64))[None]
    return band_maps(vqgan.decode(tokens)[0].numpy(), channel_ok=source.channel_ok[row])


def test_maps_are_those_of_the_decoded_stretches(vqgan, source):
    maps = SessionMaps(source, vqgan, "minute")
    for row in (0, 2):
        expected = [by_hand(vqgan, source, row, slice(first, first + 6)) for first in (0, 6)]
        np.testing.assert_allclose(maps.of(row)[:12], np.concatenate(expected), atol=2e-3)
    assert maps.of(0).shape == (16, NUMBERS) and np.isfinite(maps.of(0)).all() and maps.of(0).std() > 0.1
    missing = np.isnan(maps.of(2)).all(0)
    assert np.flatnonzero(missing).tolist() == [4, 23, 42, 61]
    segments = SessionMaps(source, vqgan, "segment").of(0)
    np.testing.assert_allclose(segments[7:8], by_hand(vqgan, source, 0, slice(7, 8)), atol=2e-3)


def test_invalid_columns_have_no_map(vqgan, source):
    maps = SessionMaps(source, vqgan, "minute").of(1)
    np.testing.assert_array_equal(np.isnan(maps).all(1), ~source.valid[1])
    assert np.isfinite(maps[source.valid[1]]).all()


def test_what_comes_later_changes_no_map(vqgan, source):
    changed = dataclasses.replace(source, tokens=source.tokens.copy())
    changed.tokens[:, :, 6:] = (changed.tokens[:, :, 6:] + 1) % 64
    one, other = (SessionMaps(each, vqgan, "minute").of(0) for each in (source, changed))
    np.testing.assert_allclose(one[:6], other[:6], atol=2e-3)
    assert np.abs(one[6:] - other[6:]).max() > 0.1


def test_the_scale_is_that_of_all_valid_numbers(vqgan, source):
    maps = SessionMaps(source, vqgan, "minute")
    mean, sd = maps.scale([1, 2])
    every = np.concatenate([maps.of(1), maps.of(2)])
    np.testing.assert_allclose(mean, np.nanmean(every, 0), atol=1e-4)
    np.testing.assert_allclose(sd, np.nanstd(every, 0), rtol=1e-4)
    without, _ = maps.scale([2])
    assert without[4] == 0, "no session has this electrode"


def test_windows_bring_the_maps_of_their_columns(vqgan, source):
    maps = SessionMaps(source, vqgan, "minute")
    given = windows(source, [(0, 0), (1, 1), (2, 2)], "minute", 1, maps)
    assert given["maps"].shape == (3, 12, NUMBERS)
    np.testing.assert_array_equal(given["maps"][0, :6], maps.of(0)[:6])
    assert given["maps"][0, 6:].isnan().all() and given["maps"][2, 10:].isnan().all()
    np.testing.assert_array_equal(given["maps"][1].numpy(), maps.of(1)[:12])
    np.testing.assert_array_equal(given["maps"][2, :10].numpy(), maps.of(2)[6:16])
    assert "maps" not in windows(source, [(0, 0)], "minute", 1)


def test_tokens_of_other_lengths_are_one_line(source):
    other = VQGAN(VQGANConfig(**SIZES, bins_per_token=16, frames_per_token=5))
    with pytest.raises(
        ValueError, match=r"maps are of 10 s, and a token of this tokenizer of 5 s; take narrator\.maps"
    ):
        SessionMaps(source, other, "minute")
