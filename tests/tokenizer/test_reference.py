"""Against the average: what is equal in all electrodes is gone, a loud one is not spread, nothing changes otherwise."""

import dataclasses

import numpy as np
import pytest
import torch

from tokenizer.channels import CHANNELS
from tokenizer.readings import reading_of
from tokenizer.recording import Session
from tokenizer.reference import averaged, referenced
from tokenizer.tokens import tokenise
from tokenizer.vqgan import VQGAN, VQGANConfig

SECONDS = 60


def session(common=0.0, missing=(), loud=()):
    """Independent noise of 10 µV in every electrode, and a 10-Hz reference of `common` µV in all of them."""
    rng, signal = np.random.default_rng(0), np.zeros((19, 1280 * 200), np.float32)
    used = slice(0, SECONDS * 200)
    signal[:, used] = 10 * rng.standard_normal((19, SECONDS * 200))
    signal[:, used] += common * np.sin(2 * np.pi * 10 * np.arange(SECONDS * 200) / 200)
    for name in loud:
        signal[CHANNELS.index(name), used] *= 100
    ok = np.array([name not in missing for name in CHANNELS])
    signal[~ok] = 0
    valid = (np.arange(1280) < SECONDS).astype(np.float32)
    return Session(signal, valid, ok, None, [], 200.0, float(SECONDS), 19, 50, 0.0)


def test_the_reference_of_a_recording_does_not_matter():
    quiet, active = (referenced(session(common), "average") for common in (0.0, 80.0))
    np.testing.assert_allclose(active.signal, quiet.signal, atol=1e-3)
    assert np.abs(quiet.signal.mean(0)).max() < 1e-4
    assert referenced(active, "recorded") is active


def test_missing_electrodes_stay_zero_and_have_no_part():
    made = referenced(session(80.0, missing=("Cz", "O1")), "average")
    kept = made.channel_ok
    assert not made.signal[~kept].any() and np.abs(made.signal[kept].mean(0)).max() < 1e-4
    assert not made.signal[:, SECONDS * 200 :].any(), "what was not recorded stays zero"


def test_a_loud_electrode_is_not_spread_over_the_others():
    plain, loud = session(80.0), session(80.0, loud=("T3",))
    at = CHANNELS.index("T3")
    assert [CHANNELS[i] for i in np.flatnonzero(~averaged(loud))] == ["T3"] and averaged(plain).all()
    others = np.arange(19) != at
    ratio = referenced(loud, "average").signal[others].std() / referenced(plain, "average").signal[others].std()
    assert ratio == pytest.approx(1, abs=0.02)


def test_tokens_of_an_average_tokenizer_do_not_know_the_recorded_reference():
    torch.manual_seed(0)
    vqgan = VQGAN(VQGANConfig(width=16, codes=32, code_dimension=8, reference="average")).eval()
    quiet, active = (tokenise(session(common), vqgan) for common in (0.0, 80.0))
    assert np.array_equal(quiet.tokens, active.tokens) and quiet.level == pytest.approx(active.level, abs=1e-3)
    recorded = VQGAN(dataclasses.replace(vqgan.config, reference="recorded")).eval()
    assert not np.array_equal(tokenise(session(0.0), recorded).level, tokenise(session(80.0), recorded).level)


def test_a_reading_against_another_reference_is_refused():
    vqgan = VQGAN(VQGANConfig(width=16, codes=32, code_dimension=8, reference="average")).eval()
    with pytest.raises(ValueError, match="reading_of\\(session, reference='average'\\)"):
        tokenise(reading_of(session()), vqgan)
    tokenise(reading_of(session(), reference="average"), vqgan)


def test_the_setting_travels_with_the_weights_and_the_usual_one_changes_no_fingerprint(tmp_path):
    usual, average = (VQGAN(VQGANConfig(width=16, codes=32, reference=r)) for r in ("recorded", "average"))
    assert "reference" not in usual.describe() and average.describe()["reference"] == "average"
    average.save_pretrained(tmp_path / "t")
    assert VQGAN.from_pretrained(tmp_path / "t").config.reference == "average"
