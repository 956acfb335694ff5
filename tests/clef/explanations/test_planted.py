"""Planted truth through clef-open: slowing over one lobe is found there, fast activity at its frequencies.

Sessions are spectrograms around the tokenizer's mean; half of them have more power at some electrodes and frequencies,
and a probe on code vectors learns which half. Explained are sessions that it has not seen.
"""

import numpy as np
import pytest
import torch

from clef.bundle import is_bundled
from clef.embeddings import Embeddings
from clef.explanations import gradients, occlusion
from clef.explanations.deletion import delete
from clef.explanations.path import encoded
from clef.explanations.probes import fit_probe
from clef.explanations.targets import probe_target
from clef.model import load
from clef.readout import Readout
from tokenizer.cells import BANDS, HZ, channel_indices
from tokenizer.readings import Reading

CODES = Readout(pool="rows", head="none")
FITTED, ASKED = 40, 6


@pytest.fixture(scope="module")
def model():
    if not is_bundled():
        pytest.skip("this copy of CLEF has no clef-open")
    return load()


def drawn(model, seed: int, electrodes: tuple[str, ...], hz: tuple[float, float], db: float) -> Reading:
    """100 s of noise whose electrodes differ by a few dB throughout, with `db` more at some of them between two Hz."""
    rng, vqgan = np.random.default_rng(seed), model.vqgan
    spec = vqgan.put_back(vqgan.mean_db[None, None, :, None], None)[0].numpy() + rng.normal(0, 2.7, (19, 128, 100))
    spec = spec + rng.normal(0, 1.0, (19, 16, 1)).repeat(8, 1)
    inside = (hz[0] <= HZ) & (hz[1] > HZ)
    spec[np.ix_(channel_indices(electrodes), np.flatnonzero(inside))] += db * rng.uniform(0.7, 1.3)
    whole = torch.ones(100, dtype=torch.bool), torch.ones(19, dtype=torch.bool)
    return Reading(torch.tensor(spec, dtype=torch.float32), *whole, reference=vqgan.config.reference)


def probed(model, electrodes: tuple[str, ...], hz: tuple[float, float], db: float):
    """A target that tells sessions with the planted power from those without, and unseen sessions that have it."""
    labels = np.arange(FITTED) % 2 == 1
    made = [drawn(model, i, electrodes if label else (), hz, db) for i, label in enumerate(labels)]
    vectors = np.concatenate([model.read(model.tokenise(each), CODES, "codes") for each in made])
    about = model.about("codes", CODES)
    probe = fit_probe("planted", Embeddings([str(i) for i in range(FITTED)], vectors, "e", "", about), labels)
    return probe_target(model, probe), [
        encoded(drawn(model, 1000 + i, electrodes, hz, db), model.vqgan) for i in range(ASKED)
    ]


@pytest.fixture(scope="module")
def slowed(model):
    return probed(model, ("T3", "T5"), (1.0, 4.0), 9.0)


def test_focal_slowing_is_found_at_its_lobe_and_side(model, slowed):
    target, asked = slowed
    regions = occlusion.regions()
    for by in ("others", "mirror"):
        drops = [occlusion.on_electrodes(model, target, one, list(regions.values()), by=by)[:, 0] for one in asked]
        first = [list(regions)[int(np.nanargmax(each))] for each in drops]
        assert first.count("left temporal") >= ASKED - 1, (by, first)
    spectra = np.mean([gradients.on_spectrogram(model, target, one, 8).sum(2) for one in asked], axis=0)
    top = set(np.argsort(-spectra.sum(1))[:2].tolist())
    assert top & set(channel_indices(("T3", "T5")))
    shares = {band: spectra[:, (low <= HZ) & (high > HZ)].sum() for band, (low, high) in BANDS.items()}
    assert max(shares, key=shares.get) == "delta"


def test_deletion_beats_random_and_moved_tokens(model, slowed):
    target, asked = slowed
    for one in asked:
        grid = gradients.to_tokens(gradients.on_spectrogram(model, target, one, 8), one.grid)
        test = delete(model, target, one, grid, 6)
        assert test.area > test.random_area and test.area > test.moved_area


def test_fast_activity_lights_its_frequencies(model):
    target, asked = probed(model, ("F3", "Fz", "F4", "C3", "Cz", "C4"), (14.0, 30.0), 6.0)
    hz = (np.arange(16) + 0.5) * 2
    fast = (hz >= 14) & (hz < 30)
    for one in asked:
        rows = occlusion.on_rows(model, target, one)
        assert rows[fast].sum() > 3 * np.abs(rows[~fast]).sum()
    curve = np.mean([gradients.on_spectrogram(model, target, one, 8).sum((0, 2)) for one in asked], axis=0)
    assert curve[(HZ >= 14) & (HZ < 30)].sum() > 3 * abs(curve[(HZ < 14) | (HZ >= 30)].sum())
