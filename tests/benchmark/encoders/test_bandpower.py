"""Band power as vectors."""

import numpy as np
import polars as pl
import pytest

from benchmark.encoders.bandpower import band_vectors, embed
from benchmark.encoders.encoder import Inputs
from benchmark.encoders.quantities import feature_names
from benchmark.encoders.signal import MEASURED
from clef.cohort import Cohort
from tokenizer.channels import CHANNELS


def test_a_session_is_a_row_of_named_quantities(recorded, tmp_path):
    embeddings = embed(Inputs(Cohort(recorded), tmp_path, workers=0))
    assert embeddings.name == "bandpower" and embeddings.session_id == ["s0", "s1", "s2", "s3", "s4"]
    assert embeddings.vectors.shape == (5, len(feature_names())) and embeddings.vectors.dtype == np.float32
    assert np.isfinite(embeddings.vectors).all()
    named = dict(zip(feature_names(), embeddings.vectors[4], strict=True))
    levels = {c: named[f"level alpha {c}"] for c in CHANNELS}
    missing = levels.pop("O1")
    assert missing == pytest.approx(np.mean(list(levels.values())), abs=1e-3), "the mean of the session's own"
    assert named["alpha peak"] == pytest.approx(10, abs=0.1) and named["asymmetry alpha O1-O2"] == 0


def test_the_name_says_what_was_blanked(recorded, tmp_path):
    embeddings = embed(Inputs(Cohort(recorded), tmp_path, blank_below=2.0, workers=0))
    assert embeddings.name == "bandpower above 2 Hz" and embeddings.vectors.shape[1] == len(feature_names(2.0))
    assert "low delta" not in embeddings.config["bands"]


def test_a_cohort_without_a_readable_recording_is_refused():
    with pytest.raises(ValueError, match="no recording of the cohort could be read"):
        band_vectors(pl.DataFrame(schema=MEASURED), {})
