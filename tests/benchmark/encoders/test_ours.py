"""Our model and its ablations as encoders: the same vectors as clef.embed writes."""

import numpy as np
import pytest

from benchmark.encoders.encoder import Inputs
from benchmark.encoders.registry import ENCODERS
from clef.cohort import Cohort
from clef.embeddings import read_embeddings
from tests.helpers import must, run
from tokenizer.sessions import read_sessions, write_sessions


@pytest.mark.parametrize("name", ["untrained", "codes", "clef"])
def test_they_are_what_clef_embed_writes(name, tiny_cohort, tiny_store, tiny_recon, tmp_path):
    encoder = ENCODERS[name]
    settings = {"model": tiny_recon, "tokens": tiny_store, "device": "cpu"}
    must(run(tmp_path / "said", "clef.embed", **settings, kind=encoder.kind, out=tmp_path / "e.parquet"))
    theirs = read_embeddings(tmp_path / "e.parquet")
    inputs = Inputs(Cohort(tiny_cohort), tmp_path, model=str(tiny_recon), tokens=str(tiny_store), device="cpu")
    ours = encoder.embed(inputs)
    assert ours.session_id == theirs.session_id and np.array_equal(ours.vectors, theirs.vectors)
    assert (ours.model, ours.config, ours.trained_on) == (theirs.model, theirs.config, theirs.trained_on)
    assert ours.name == name


def test_only_sessions_of_the_cohort_are_embedded(tiny_cohort, tiny_store, tiny_recon, tmp_path):
    some = read_sessions(tiny_cohort, "test")
    write_sessions(tmp_path / "some", some)
    write_sessions(tmp_path / "other", some.with_columns(session_id="x" + some["session_id"]))
    given = {"model": str(tiny_recon), "tokens": str(tiny_store), "device": "cpu"}
    codes = ENCODERS["codes"].embed(Inputs(Cohort(tmp_path / "some"), tmp_path, **given))
    assert set(codes.session_id) == set(some["session_id"])
    with pytest.raises(ValueError, match="none of the sessions of cohort="):
        ENCODERS["codes"].embed(Inputs(Cohort(tmp_path / "other"), tmp_path, **given))
