"""Channels of other montages: pairs, single electrodes, and electrodes against the average."""

import numpy as np
import pytest

from clef.waveform.montage import LONGITUDINAL, Derivations
from tokenizer.channels import CHANNELS


def test_pairs_are_differences_and_the_average_is_of_what_was_recorded():
    signal, ok = np.random.default_rng(0).normal(size=(19, 50)).astype(np.float32), np.ones(19, bool)
    signal[3], ok[3] = 1e6, False
    of = dict(zip(CHANNELS, signal, strict=True))
    made = Derivations.of(["Fp1-F7", "Cz", "T7", "EEG O1-average"]).derive(signal, ok)
    wanted = [of["Fp1"] - of["F7"], of["Cz"], of["T3"], of["O1"] - signal[ok].mean(0)]
    np.testing.assert_allclose(made, wanted, atol=1e-5)


def test_the_longitudinal_montage_has_every_electrode_and_no_reference():
    derived = Derivations.of(LONGITUDINAL)
    assert len(LONGITUDINAL) == 20 and (derived.weights.sum(1) == 0).all()
    used = {CHANNELS[i] for i in np.flatnonzero((derived.weights != 0).any(0))}
    assert set(CHANNELS) - used == {"Fz", "Pz"}


def test_what_a_recording_cannot_give_is_named():
    ok = np.array([name != "F7" for name in CHANNELS])
    assert Derivations.of(["Fp1-F7", "F7-T3", "Cz", "O1-average"]).missing(ok) == ["Fp1-F7", "F7-T3"]


@pytest.mark.parametrize("names", [["A1"], ["Fp1-ECG"], ["Fp1-A1"], [], "Cz", ["Cz-Cz2"]])
def test_a_name_that_is_no_channel_is_one_line(names):
    with pytest.raises(ValueError, match="Cz-average") as caught:
        Derivations.of(names)
    assert "\n" not in str(caught.value)
