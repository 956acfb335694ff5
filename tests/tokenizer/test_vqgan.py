"""The tokenizer network: what may not change a token, and what must."""

import dataclasses
import math

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


GAINS = (0.25, 0.5, 2.0, 4.0)


def loose(level):
    """A network with codes spread over what it sees, which takes the level out or not."""
    torch.manual_seed(0)
    model = VQGAN(dataclasses.replace(CONFIG, level=level)).train()
    model.set_scale(torch.linspace(0, -20, 128), torch.linspace(4, 6, 128), torch.linspace(2, 3, 128))
    for seed in range(12):
        model(spectrogram(1, 160, 100 + seed), torch.ones(1, 160).bool(), torch.ones(1, 19).bool(), seed > 6)
        model.codebook.learn(seed)
    return model.eval()


def test_a_gain_changes_no_token_and_moves_the_level():
    model, old, spec = loose("session"), loose("none"), 0.3 * spectrogram(1, 320)
    spec[..., 100:140] = 0
    valid = torch.arange(320).expand(1, -1) < 300
    tokens, before, level = model.encode(spec, valid), old.encode(spec, valid), model.level(spec, valid)
    assert len(tokens.unique()) > 20
    for gain in GAINS:
        db = 20 * math.log10(gain)
        assert (model.encode(spec + db, valid) == tokens).float().mean() >= 0.95
        assert (old.encode(spec + db, valid) == before).float().mean() < 0.7
        assert float(model.level(spec + db, valid) - level) == pytest.approx(db, abs=1e-4)


def test_the_level_is_put_back(vqgan):
    spec = spectrogram(2, 130)
    tokens = vqgan.encode(spec)
    quiet, loud = (vqgan.decode(tokens, level=torch.full((2,), level)) for level in (0.0, 12.0))
    torch.testing.assert_close(loud - quiet, torch.full_like(loud, 12.0))
    vqgan.mean_level.fill_(7.0)
    try:
        unknown = vqgan.decode(tokens, level=torch.tensor([torch.nan, 3.0]))
        torch.testing.assert_close(unknown - quiet, torch.tensor([7.0, 3.0])[:, None, None, None].expand_as(quiet))
        assert torch.equal(vqgan.decode(tokens)[0], unknown[0])
    finally:
        vqgan.mean_level.zero_()


def test_a_part_of_a_session_has_the_tokens_of_its_level(vqgan):
    spec = spectrogram(1, 400)
    spec[..., 200:] += 10
    level = vqgan.level(spec)
    part = spec[..., :100]
    assert torch.equal(vqgan.encode(part + 5, level=level + 5), vqgan.encode(part, level=level))
    assert not torch.equal(vqgan.encode(part), vqgan.encode(part, level=level))


def test_padding_gaps_and_company_do_not_move_the_level(vqgan):
    spec, valid = spectrogram(3, 160), torch.arange(160).expand(3, -1) < torch.tensor([160, 90, 0])[:, None]
    ok = torch.ones(3, 19, dtype=torch.bool)
    ok[0, 4:9] = False
    levels = vqgan.level(spec, valid, ok)
    assert levels.isnan().tolist() == [False, False, True]
    padded = torch.nn.functional.pad(torch.where(ok[:, :, None, None], spec, torch.tensor(33.0)), (0, 40), value=17.0)
    again = vqgan.level(padded, torch.nn.functional.pad(valid, (0, 40)), ok)
    assert torch.equal(again[:2], levels[:2]) and again[2].isnan()
    assert torch.equal(vqgan.level(spec[1:2], valid[1:2], ok[1:2]), levels[1:2])


def test_a_network_from_before_the_level_keeps_its_tokens_and_its_fingerprint():
    old = loose("none")
    config = old.describe()
    assert "level" not in config and "mean_level" not in old.state_dict()
    again = VQGAN.from_parts(config, old.state_dict()).eval()
    assert again.config.level == "none" and again.to_bytes() == old.to_bytes()
    spec = spectrogram(1, 100)
    tokens = again.encode(spec)
    assert torch.equal(tokens, old.encode(spec))
    assert torch.equal(again.decode(tokens), again.decode(tokens, level=torch.tensor([30.0])))
    new = VQGAN(SMALL)
    assert VQGAN.from_parts(new.describe(), new.state_dict()).config.level == "session"
    with pytest.raises(ValueError, match=r"level=loud: expected one of session, none"):
        VQGAN(dataclasses.replace(SMALL, level="loud"))
