"""How a recording was made."""

import numpy as np

from benchmark.encoders.acquisition import embed
from benchmark.encoders.encoder import Inputs
from benchmark.encoders.registry import ENCODERS
from clef.cohort import Cohort


def test_a_session_is_four_numbers_and_an_unread_recording_is_marked(recorded, tmp_path):
    inputs = Inputs(Cohort(recorded), tmp_path, workers=0)
    vectors = embed(inputs).vectors
    assert vectors.shape == (6, 8) and np.isfinite(vectors).all()
    assert vectors[:, 1::2].tolist() == [[0] * 4] * 5 + [[1] * 4], "s5 is no recording"
    assert np.allclose(np.expm1(vectors[:5, 6]), 200) and np.allclose(vectors[:5, 0], inputs.signal["slow"][:5])


def test_its_words_say_that_it_holds_some_eeg():
    assert "some EEG" in ENCODERS["acquisition"].what
