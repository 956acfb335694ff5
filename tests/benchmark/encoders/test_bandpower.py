"""Band power as vectors."""

import numpy as np
import polars as pl
import pytest

from benchmark.encoders.bandpower import band_vectors, embed
from benchmark.encoders.encoder import Inputs
from benchmark.encoders.signal import BANDS, MEASURED
from clef.cohort import Cohort
from tokenizer.channels import CHANNELS


def test_a_missing_channel_takes_the_mean_of_the_sessions_own(recorded, tmp_path):
    embeddings = embed(Inputs(Cohort(recorded), tmp_path, workers=0))
    assert embeddings.name == "bandpower" and embeddings.session_id == ["s0", "s1", "s2", "s3", "s4"]
    assert embeddings.vectors.shape == (5, 2 * len(BANDS) * 19) and embeddings.vectors.dtype == np.float32
    alpha = embeddings.vectors[4, : len(BANDS) * 19].reshape(len(BANDS), 19)[list(BANDS).index("alpha")]
    missing = list(CHANNELS).index("O1")
    assert alpha[missing] == pytest.approx(np.delete(alpha, missing).mean(), abs=1e-3)


def test_the_name_says_what_was_blanked(recorded, tmp_path):
    embeddings = embed(Inputs(Cohort(recorded), tmp_path, blank_below=2.0, workers=0))
    assert embeddings.name == "bandpower above 2 Hz" and embeddings.vectors.shape[1] == 2 * 5 * 19
    assert "low delta" not in embeddings.config["bands"]


def test_a_cohort_without_a_readable_recording_is_refused():
    with pytest.raises(ValueError, match="no recording of the cohort could be read"):
        band_vectors(pl.DataFrame(schema=MEASURED), {})
