"""The multitaper spectrogram: units, frequencies, parity with MNE, and what is valid."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.signal.windows import dpss

from tests import reference
from tokenizer.multitaper import _Estimator, session_spectrogram, slepian, spectrogram, valid_frames
from tokenizer.reading.read import read

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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "options", "count"),
    [
        ("mdd_husm/*.edf", {}, 31),
        ("eegmat/*.edf", {}, 14),
        ("adhd_nasrabadi/[AC]*.csv", {"rate": 128, "unit": "0.1uV"}, 52),
    ],
)
def test_parity_with_mne_on_real_recordings(test_data, pattern, options, count):
    """The same 200 Hz signal to both: ours estimates in float32, MNE in float64."""
    paths = sorted(test_data.glob(pattern))
    assert len(paths) == count
    for path in paths:
        session = read(path, **options)
        signal = session.signal[session.channel_ok, : 200 * int(session.seconds)]
        apart = np.abs(spectrogram(signal).numpy() - np.stack([reference.spectrogram(x) for x in signal]))
        assert np.median(apart) < 1e-5 and apart.max() < 2e-3, path.name  # asked for: 1e-4 and 1e-2


def test_parity_with_spectrum():
    """`spectrum.pmtm(method="unity")`, with tapers from its C code, window by window; unity is the plain mean.

    Its eigenspectra weighted by eigenvalue are ours exactly; their plain mean is what differs by those weights.
    """
    spectrum = pytest.importorskip("spectrum", reason="pip install -e '.[spectrum]' (C code, needs a compiler)")
    tapers, eigenvalues = spectrum.dpss(801, 2.0, 4)
    keep = eigenvalues > 0.9
    tapers, eigenvalues = tapers[:800, keep], eigenvalues[keep]  # periodic: one sample longer, the last one dropped
    assert len(eigenvalues) == 3
    ours, signal = spectrogram(NOISE[0]).numpy(), np.pad(NOISE[0].astype(float), 400, mode="reflect")
    for frame in (0, 7, 29):
        window = signal[200 * frame : 200 * frame + 800]
        window = window - window.mean()
        parts, weights, _ = spectrum.pmtm(window, e=eigenvalues, v=tapers, NFFT=800, method="unity")
        assert (weights == 1).all()
        power = np.abs(parts[:, :128]) ** 2 * 2 / 200
        power[:, 0] /= 2
        by_eigenvalue = 10 * np.log10(eigenvalues @ power / eigenvalues.sum() + 1e-10)
        assert np.abs(ours[:, frame] - by_eigenvalue).max() < 1e-3
        unity = 10 * np.log10(power.mean(0) + 1e-10)
        bound = 10 * np.log10(eigenvalues * 3 / eigenvalues.sum())  # no bin can differ by more than one weight does
        apart = ours[:, frame] - unity
        assert bound.min() - 1e-3 <= apart.min() < -0.01 < 0.01 < apart.max() <= bound.max() + 1e-3


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


@pytest.mark.parametrize("chunk", [1, 7, 30, 64, 100, 1 << 14])
def test_channels_estimated_together_are_those_estimated_one_by_one(chunk):
    """As on a graphics card: parts of a channel, or several channels, in one go; sizes that do not divide."""
    rows = torch.from_numpy(np.concatenate([NOISE, 3 * NOISE[::-1]])[:5])
    alone, together = torch.stack([spectrogram(row) for row in rows]), torch.full((5, 128, 30), float("nan"))
    _Estimator(rows.device, chunk)(rows, together)
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_graphics_card_gives_the_same_numbers():
    signal = torch.randn(3, 19, 60_000, generator=torch.Generator().manual_seed(0)) * 20
    on_gpu = spectrogram(signal.cuda())
    assert on_gpu.device.type == "cuda"
    torch.testing.assert_close(on_gpu.cpu(), spectrogram(signal), atol=5e-3, rtol=0)


def test_nothing_in_nothing_out():
    assert spectrogram(torch.zeros(0, 19, 6000)).shape == (0, 19, 128, 30)


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
