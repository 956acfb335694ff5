"""Tokens of a recording: the same by every way in, and whatever stands beside it in a batch."""

import copy
import dataclasses
from dataclasses import astuple

import numpy as np
import pytest
import torch

import tokenizer
from tests.helpers import spectrogram
from tokenizer.edf.writer import eeg, write_edf
from tokenizer.readings import Reading, reading_of
from tokenizer.tokens import rebuild, tokenise, tokenise_each
from tokenizer.vqgan import VQGAN, VQGANConfig


@pytest.fixture(scope="module")
def wide():
    """The preset small, untrained, its codes taken from what it sees, so that near ties would show."""
    torch.manual_seed(0)
    vqgan = VQGAN(VQGANConfig()).eval()
    vqgan.set_scale(torch.linspace(0, -20, 128), torch.full((128,), 5.0), torch.full((128,), 3.0))
    with torch.no_grad():
        z, _ = vqgan.features(spectrogram(1, 1280, 9), torch.ones(1, 1280).bool(), torch.ones(1, 19).bool())
    vqgan.codebook.centre.copy_(z.mean((0, 1, 2)))
    vqgan.codebook.spread.copy_(z.std((0, 1, 2)))
    vqgan.codebook.vectors[:2048] = vqgan.codebook.direction(z).view(-1, 32)
    return vqgan


def readings(lengths=(10, 250, 40, 1280, 130)):
    """Sessions of these lengths in s; the second has a gap, the third lacks channels, and one was refused."""
    found = [Reading(spectrogram(1, n, n)[0], torch.ones(n).bool(), torch.ones(19).bool()) for n in lengths]
    found[1].valid[60:97] = False
    found[2].channel_ok[:7] = False
    return [*found, Reading(torch.zeros(19, 128, 0), torch.zeros(0).bool(), torch.zeros(19).bool(), "too short")]


def same(one, other):
    """Whether two are alike in every field; a session without a valid second has the level NaN."""
    return all(
        np.array_equal(a, b, equal_nan=i == 3)
        for i, (a, b) in enumerate(zip(astuple(one), astuple(other), strict=True))
    )


def test_neither_batch_nor_order_nor_padding_changes_a_row_of_the_store(wide):
    plain = [tokenise(reading, wide) for reading in readings()]
    assert len(np.unique(np.concatenate([row.tokens.ravel() for row in plain]))) > 200
    for batch in (1, 2, 16):
        for row, other in zip(plain, tokenise_each(readings(), wide, batch=batch), strict=True):
            assert same(row, other)
    for row, reading in zip(plain, readings(), strict=True):
        if not reading.reason:
            padding = (0, 1280 - len(reading.valid))
            rubbish = torch.nn.functional.pad(reading.spec, padding, value=13.0)
            padded = Reading(rubbish, torch.nn.functional.pad(reading.valid, padding), reading.channel_ok)
            assert same(tokenise(padded, wide), row)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_neither_batch_nor_padding_changes_a_token_on_a_graphics_card(wide):
    there = copy.deepcopy(wide).cuda()
    plain = [tokenise(reading, there).tokens for reading in readings()]
    for batch in (2, 16):
        found = [row.tokens for row in tokenise_each(readings(), there, batch=batch)]
        assert all(np.array_equal(a, b) for a, b in zip(plain, found, strict=True))
    here = np.stack([tokenise(reading, wide).tokens for reading in readings()])
    assert (here == np.stack(plain)).mean() > 0.999


def test_a_pass_has_the_shape_of_its_session_alone(wide):
    """What makes the claim above true on any device: matrix products of another shape may round otherwise."""
    seen, spec = [], spectrogram(3, 200)
    hook = wide.stem.register_forward_hook(lambda module, args, out: seen.append(tuple(args[0].shape[:3])))
    valid = torch.arange(200) < torch.tensor([[200], [63], [0]])
    tokens = wide.encode(spec, valid)
    hook.remove()
    assert seen == [(1, 16, 20), (1, 16, 6)]
    assert (tokens[1, :, 6:] == 0).all() and (tokens[2] == 0).all() and (tokens[0] > 0).any()


def test_what_a_tokenised_session_says(wide):
    rows = list(tokenise_each(readings(), wide))
    expected = np.array([1] * 6 + [0, 0, 0, 0.3] + [1] * 15 + [0] * 103, np.float16)
    np.testing.assert_array_equal(rows[1].share, expected)
    assert rows[1].valid.tolist() == [True] * 6 + [False] * 4 + [True] * 15 + [False] * 103
    assert (rows[1].tokens[:, 6:10] == 0).all() and (rows[1].tokens[:, :6] > 0).any()
    assert rows[2].channel_ok.tolist() == [False] * 7 + [True] * 12
    assert rows[5].reason == "too short" and not rows[5].tokens.any()


@pytest.fixture
def recording(tmp_path):
    """43 s with a gap of 6 s and 17 electrodes: padded to 1,280 s, with invalid and missing parts."""
    onsets = [*range(20), *range(26, 49)]
    return write_edf(tmp_path / "a.edf", eeg(43, channels=17), onsets=onsets, kind="EDF+D")


def test_path_session_and_reading_have_the_same_tokens(wide, recording):
    session = tokenizer.read(recording)
    one, *others = (tokenizer.tokenise(source, wide) for source in (recording, session, reading_of(session)))
    assert one.tokens.any() and one.valid.sum() == 4
    for other in others:
        assert same(one, other)


def test_the_steps_one_by_one_give_the_same_tokens(wide, recording):
    """`read`, `spectrogram`, `VQGAN.encode`, as in the documentation: padding, gaps and missing channels are seen."""
    session = tokenizer.read(recording)
    spec = tokenizer.spectrogram(session)
    assert spec.shape == (19, 128, 1280)
    np.testing.assert_array_equal(wide.encode(spec[None])[0], tokenizer.tokenise(session, wide).tokens)


def test_blanking_leaves_the_reading_as_it_is(wide):
    reading = readings((40,) * 3)[0]
    before = reading.spec.clone()
    assert (tokenise(reading, wide, blank_below=4).tokens != tokenise(reading, wide).tokens).any()
    assert torch.equal(reading.spec, before)


@pytest.mark.parametrize("low", [1, 2, 31])
def test_blanked_bins_say_nothing_of_the_session(wide, low):
    """Not by way of its level either: with other content there, level and tokens are the same."""
    reading = readings((60,) * 3)[0]
    other = Reading(reading.spec.clone(), reading.valid, reading.channel_ok)
    other.spec[:, : 4 * low] += 15
    one, again = (tokenise(r, wide, blank_below=low) for r in (reading, other))
    assert same(one, again) and one.tokens.any()


def test_blanked_bins_are_at_the_training_mean_at_the_level_of_the_session(wide):
    reading = readings((60,) * 3)[0]
    one = tokenise(reading, wide, blank_below=2)
    filled = Reading(reading.spec.clone(), reading.valid, reading.channel_ok)
    filled.spec[:, :8] = wide.mean_db[:8, None] + one.level
    again = tokenise(filled, wide)
    assert again.level == pytest.approx(one.level, abs=1e-4) and (again.tokens == one.tokens).mean() > 0.99


@pytest.mark.parametrize("gain", [0.25, 0.5, 2.0, 4.0])
def test_a_gain_of_the_recording_is_in_the_level_alone_and_comes_back(wide, recording, gain):
    session = tokenizer.read(recording)
    louder = dataclasses.replace(session, signal=gain * session.signal)
    (one, kept), (other, rebuilt) = (rebuild(reading_of(s), wide) for s in (session, louder))
    db = 20 * np.log10(gain)
    assert (other.tokens == one.tokens).mean() >= 0.95 and other.level - one.level == pytest.approx(db, abs=0.01)
    same_token = np.repeat(np.repeat(other.tokens == one.tokens, 8, 0), 10, 1)[:, : kept.shape[2]]
    # a token that rounding changed changes what its neighbours are decoded to, a little
    assert np.median(np.abs(rebuilt - kept - db)[:, same_token]) < 0.05
