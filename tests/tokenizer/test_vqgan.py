"""The tokenizer network: what may not change a token, and what must."""

import dataclasses

import pytest
import torch

from tests.helpers import spectrogram
from tokenizer.vqgan import VQGAN, VQGANConfig

CONFIG = VQGANConfig(width=16, encoder_blocks=2, decoder_blocks=1, codes=256, code_dimension=8)

SMALL = VQGANConfig(width=8, encoder_blocks=1, decoder_blocks=1, codes=16, code_dimension=4)


@pytest.fixture(scope="module")
def vqgan():
    """An untrained network whose codes are spread over what it sees, so that tokens tell inputs apart."""
    torch.manual_seed(0)
    model = VQGAN(CONFIG)
    model.set_scale(torch.linspace(0, -20, 128), torch.linspace(4, 6, 128), torch.linspace(2, 3, 128))
    with torch.no_grad():  # norms and rows start without offsets, which would hide what masks are for
        for name, parameter in model.named_parameters():
            if parameter.ndim < 2 or name.endswith("_row"):
                parameter.add_(0.5 * torch.randn_like(parameter))
    model.train()
    for seed in range(30):
        spec = spectrogram(1, 320, 100 + seed)
        model(spec, torch.ones(1, 320).bool(), torch.ones(1, 19).bool(), quantise=seed > 20)
        model.codebook.learn(seed)
    return model.eval()


def test_tokens_tell_inputs_apart(vqgan):
    """Without this the tests of sameness below would prove nothing."""
    a, b = vqgan.encode(spectrogram(2, 320))
    assert len(a.unique()) > 40 and (a != b).float().mean() > 0.5


def test_padding_changes_no_token(vqgan):
    spec = spectrogram(2, 200)
    alone = vqgan.encode(spec)
    for rubbish in (0.0, -40.0, 40.0):
        padded = torch.cat([spec, torch.full((2, 19, 128, 440), rubbish)], -1)
        valid = torch.arange(640).expand(2, -1) < 200
        assert torch.equal(vqgan.encode(padded, valid)[..., :20], alone)


def test_what_stands_in_invalid_frames_changes_no_token(vqgan):
    spec = spectrogram(1, 200)
    valid = torch.ones(1, 200, dtype=torch.bool)
    valid[:, 63:97] = False
    other = spec.clone()
    other[..., 63:97] = 17.0
    assert torch.equal(vqgan.encode(spec, valid), vqgan.encode(other, valid))


def test_a_batch_gives_the_same_tokens_as_one_by_one(vqgan):
    spec, valid = spectrogram(4, 160), torch.arange(160).expand(4, -1) < torch.tensor([160, 90, 35, 10])[:, None]
    ok = torch.ones(4, 19, dtype=torch.bool)
    ok[1, :5] = False
    together = vqgan.encode(spec, valid, ok)
    singles = [vqgan.encode(spec[i : i + 1], valid[i : i + 1], ok[i : i + 1]) for i in range(4)]
    assert torch.equal(together, torch.cat(singles))
    order = [2, 0, 3, 1]
    assert torch.equal(vqgan.encode(spec[order], valid[order], ok[order]), together[order])


def test_invalid_columns_have_token_0(vqgan):
    valid = torch.ones(2, 200, dtype=torch.bool)
    valid[0, 63:97], valid[1] = False, False
    tokens = vqgan.encode(spectrogram(2, 200), valid)
    assert (tokens[0, :, 6:9] == 0).all() and (tokens[1] == 0).all() and (tokens[0, :, 10:] > 0).float().mean() > 0.9
    assert vqgan.encode(spectrogram(2, 200)[..., :0]).shape == (2, 16, 0)


def test_a_crop_gives_the_same_tokens_away_from_its_edges(vqgan):
    """The network is convolutional over time and normalises each position alone; two blocks reach 2 + 4 columns."""
    spec = spectrogram(1, 640)
    whole, crop = vqgan.encode(spec), vqgan.encode(spec[..., 200:440])
    assert torch.equal(whole[..., 26:38], crop[..., 6:18])
    assert not torch.equal(whole[..., 20:44], crop)


def test_a_missing_channel_is_masked_whatever_it_holds(vqgan):
    spec = spectrogram(2, 100)
    ok = torch.ones(2, 19, dtype=torch.bool)
    ok[:, [3, 11]] = False
    other = spec.clone()
    other[:, [3, 11]] = 33.0
    assert torch.equal(vqgan.encode(spec, None, ok), vqgan.encode(other, None, ok))
    assert not torch.equal(vqgan.encode(spec), vqgan.encode(spec, None, ok))  # and it is seen to be missing


def test_a_channel_at_the_floor_counts_as_missing_unless_told(vqgan):
    spec = spectrogram(1, 100)
    spec[:, 5] = -40
    ok = torch.ones(1, 19, dtype=torch.bool)
    ok[:, 5] = False
    assert torch.equal(vqgan.encode(spec), vqgan.encode(spec, None, ok))
    assert not torch.equal(vqgan.encode(spec), vqgan.encode(spec, None, torch.ones(1, 19).bool()))


def test_a_token_knows_its_frequency(vqgan):
    """A convolution alone cannot: the same pattern in every row must not give the same tokens."""
    flat = vqgan.join(torch.zeros(1, 20, 128, 100))
    tokens = vqgan.encode(flat)
    assert len(tokens[0, 4:-4, 5].unique()) > 4


@pytest.mark.parametrize("shape", [(19, 128, 100), (1, 18, 128, 100), (1, 19, 127, 100), (1, 19, 128, 105)])
def test_other_shapes_are_refused(vqgan, shape):
    with pytest.raises(ValueError, match=r"expected \(B, 19, 128, T\) with T a multiple of 10"):
        vqgan.encode(torch.zeros(shape))


@pytest.mark.parametrize(("bins", "frames", "grid"), [(8, 10, (16, 128)), (16, 5, (8, 256)), (4, 20, (32, 64))])
def test_the_grid_is_configurable(bins, frames, grid):
    model = VQGAN(dataclasses.replace(SMALL, bins_per_token=bins, frames_per_token=frames)).eval()
    assert model.grid == grid
    tokens = model.encode(spectrogram(1, 100))
    assert tokens.shape == (1, grid[0], 100 // frames) and tokens.dtype == torch.int64
    assert model.decode(tokens).shape == (1, 19, 128, 100)


@pytest.mark.parametrize(("bins", "frames"), [(6, 10), (12, 10), (8, 7), (8, 0), (2, 10)])
def test_an_impossible_grid_is_refused(bins, frames):
    with pytest.raises(ValueError, match="bins_per_token="):
        VQGAN(dataclasses.replace(SMALL, bins_per_token=bins, frames_per_token=frames))


def test_planes_are_the_level_and_what_differs_from_it(vqgan):
    spec, ok = spectrogram(1, 20), torch.ones(1, 19, dtype=torch.bool)
    ok[0, 4] = False
    planes = vqgan.split(spec, ok)
    present = spec[:, ok[0]]
    level = (present.mean(1)[0, 77, 5] - vqgan.mean_db[77]) / vqgan.sd_db[77]
    apart = (spec[0, 3, 77, 5] - present.mean(1)[0, 77, 5]) / vqgan.deviation_db[77]
    torch.testing.assert_close(planes[0, [0, 4], 77, 5], torch.stack([level, apart]))
    assert (planes[0, 5] == 0).all()
    torch.testing.assert_close(vqgan.join(planes)[:, ok[0]], present, atol=1e-4, rtol=0)


def test_decode_gives_decibels_of_the_shape_that_was_encoded(vqgan):
    decoded = vqgan.decode(vqgan.encode(spectrogram(2, 130)))
    assert decoded.shape == (2, 19, 128, 130)
    level = decoded.mean((0, 1, 3))
    assert abs(level[:8].mean() - vqgan.mean_db[:8].mean()) < 12 and level[:32].mean() > level[-32:].mean()


def test_evaluation_teaches_the_codebook_nothing(vqgan):
    before = {k: v.clone() for k, v in vqgan.codebook.state_dict().items()}
    vqgan.encode(spectrogram(1, 100))
    assert vqgan.codebook.learn(0) == {}
    assert all(torch.equal(v, before[k]) for k, v in vqgan.codebook.state_dict().items())
