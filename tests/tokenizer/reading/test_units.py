"""The unit that would make a recording's numbers scalp EEG."""

import numpy as np
import pytest

from tokenizer.edf.writer import eeg
from tokenizer.reading.units import unit_advice
from tokenizer.recording import MICROVOLTS

NUMBERS = eeg(30, channels=8).astype(np.float32)


@pytest.mark.parametrize("true", MICROVOLTS)
def test_the_unit_in_which_it_is_eeg_is_named(true):
    for stated in set(MICROVOLTS) - {true}:
        numbers = NUMBERS / MICROVOLTS[true]
        assert unit_advice(numbers, numbers * MICROVOLTS[stated], 200).startswith(f"give unit={true}, which would fit")


def test_what_is_eeg_in_no_unit_is_not_given_one():
    for numbers, stated in ((NUMBERS * 0.02, "uV"), (NUMBERS, "uV"), (np.zeros((8, 6000), np.float32), "V")):
        advice = unit_advice(numbers, numbers * MICROVOLTS[stated], 200)
        assert advice == "no unit= of uV, 0.1uV, mV, V makes it scalp EEG; look at the recording"


def test_an_offset_does_not_count():
    numbers = NUMBERS.astype(np.float64) + 4e5
    assert unit_advice(numbers, numbers * 1e6, 200).startswith("give unit=uV")
