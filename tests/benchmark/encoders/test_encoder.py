"""The encoder protocol: what encoders share."""

import numpy as np
import pytest

from benchmark.encoders.encoder import Encoder, Inputs, as_embeddings
from clef.cohort import Cohort
from clef.embeddings import Embeddings, read_embeddings, write_embeddings


def test_sources_measure_recordings_once_for_all_encoders(recorded, tmp_path):
    inputs = Inputs(Cohort(recorded), tmp_path, workers=0)
    assert inputs.signal is inputs.signal
    assert (tmp_path / "signal.parquet").is_file()


def test_a_function_is_an_encoder(recorded, tmp_path):
    """Session number as the vector: anything that turns sessions into vectors will do."""

    def embed(inputs: Inputs) -> Embeddings:
        names = inputs.cohort.sessions["session_id"].to_list()
        return as_embeddings(names, np.arange(len(names))[:, None], "number", {"kind": "number"})

    number = Encoder("number", "the number of a session", embed, kind="number", role="baseline")
    write_embeddings(tmp_path / "e.parquet", number.embed(Inputs(Cohort(recorded), tmp_path)))
    assert read_embeddings(tmp_path / "e.parquet").vectors[:, 0].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(("name", "config"), [("b", {"x": 1}), ("a", {"x": 2})])
def test_the_fingerprint_follows_name_and_settings(name, config):
    vectors = np.zeros((1, 1))
    assert as_embeddings(["s"], vectors, name, config).model != as_embeddings(["s"], vectors, "a", {"x": 1}).model
