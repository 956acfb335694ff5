"""The multitaper spectrogram: units, frequencies, parity with MNE, and what is valid."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.signal.windows import dpss

from tests import reference
from tokenizer.multitaper import session_spectrogram, slepian, spectrogram, valid_frames

NOISE = np.random.default_rng(0).standard_normal((3, 6000)).astype(np.float32) * 20


def session(signal, valid=None, ok=None):
    """As much of a Session as a spectrogram needs: 19 channels of one signal (n,), padded to 1,280 s."""
    full = np.zeros((19, 256_000), np.float32)
    full[:, : len(signal)] = signal
    real = np.zeros(1280, np.float32)
    real[: len(signal) // 200] = 1 if valid is None else valid
    return SimpleNamespace(signal=full, valid=real, channel_ok=np.ones(19, bool) if ok is None else ok)


def test_parity_with_mne():
    ours = spectrogram(NOISE[0]).numpy()
    apart = np.abs(ours - reference.spectrogram(NOISE[0]))
    assert ours.shape == (128, 30)
    assert np.median(apart) < 1e-4 and apart.max() < 1e-2


def test_tapers_are_scipys():
    shapes, eigenvalues = slepian(800, 2.0, 4)
    theirs, ratios = dpss(800, 2.0, 4, sym=False, return_ratios=True)
    np.testing.assert_allclose(np.abs(shapes), np.abs(theirs), atol=1e-10)
    np.testing.assert_allclose(eigenvalues, ratios, atol=1e-10)


@pytest.mark.parametrize("hz", [2.0, 10.25, 31.0])
def test_a_sinusoid_peaks_at_its_frequency_with_its_power(hz):
    amplitude = 30.0
    spec = spectrogram(amplitude * np.sin(2 * np.pi * hz * np.arange(6000) / 200)).numpy()
    middle = spec[:, 5:-5]
    assert (np.abs(middle.argmax(0) / 4 - hz) <= 1).all()  # the estimate is flat over the bandwidth of 1 Hz
    around = slice(max(0, round(4 * hz) - 8), round(4 * hz) + 9)
    power = (10 ** (middle[around] / 10)).sum(0) / 4  # µV²/Hz x 0.25 Hz
    if hz < 30:
        np.testing.assert_allclose(power, amplitude**2 / 2, rtol=0.02)


def test_white_noise_has_its_density():
    noise = np.random.default_rng(1).standard_normal((8, 40_000)) * 20
    power = 10 ** (spectrogram(noise).numpy()[:, 4:] / 10)
    assert power.mean() == pytest.approx(2 * 20**2 / 200, rel=0.02)


def test_shapes_batches_and_dtypes():
    alone = spectrogram(NOISE)
    assert alone.shape == (3, 128, 30) and alone.dtype == torch.float32
    batch = spectrogram(torch.from_numpy(np.stack([NOISE, NOISE[::-1]])).double())
    assert batch.shape == (2, 3, 128, 30)
    torch.testing.assert_close(batch[0], alone)
    torch.testing.assert_close(batch[1], alone.flip(0))


def test_silence_is_the_floor_and_short_signals_are_refused():
    assert (spectrogram(np.zeros(1000)) == -40).all()
    assert (spectrogram(NOISE * 1e5) <= 40).all()
    with pytest.raises(ValueError, match="400 samples: expected more than 400"):
        spectrogram(np.zeros(400))


def test_a_frame_is_centred_on_its_second():
    x = np.zeros(12_000)
    x[6000:6010] = 100  # at 30.0 s
    power = spectrogram(x).numpy().mean(0)
    assert np.flatnonzero(power > -39).tolist() == [28, 29, 30, 31, 32][1:4] or power.argmax() == 30


def test_session_is_as_long_as_it_is_real():
    spec, valid = session_spectrogram(session(NOISE[0, :4600]))  # 23 s
    assert spec.shape == (19, 128, 30) and valid.tolist() == [True] * 23 + [False] * 7
    torch.testing.assert_close(spec[5, :, :23], spectrogram(NOISE[0, :4600]))
    assert (spec[:, :, 23:] == -40).all()


def test_frames_that_touch_a_gap_are_invalid():
    share = np.ones(30)
    share[10:12] = 0
    share[20] = 0.5
    _, valid = session_spectrogram(session(NOISE[0], share))
    assert np.flatnonzero(~valid.numpy()).tolist() == [9, 10, 11, 12, 13, 19, 20, 21, 22]


def test_edges_are_reflected():
    assert valid_frames(np.ones(5, bool)).all()
    assert valid_frames(np.array([0, 1, 1, 1, 1, 1, 1, 1], bool)).tolist() == [False] * 3 + [True] * 5


def test_missing_channels_are_at_the_floor():
    ok = np.arange(19) != 4
    spec, _ = session_spectrogram(session(NOISE[0], ok=ok))
    assert (spec[4] == -40).all() and (spec[5] > -40).any()


def test_a_session_of_nothing():
    spec, valid = session_spectrogram(session(np.zeros(0)))
    assert spec.shape == (19, 128, 0) and valid.shape == (0,)
