"""What is known without looking at what the brain did."""

import polars as pl
import pytest

from benchmark.encoders.encoder import Inputs
from benchmark.encoders.nuisance import embed
from clef.cohort import Cohort, write_cohort
from tokenizer.sessions import read_sessions


def test_missing_numbers_take_the_train_mean_and_are_marked(recorded, tmp_path):
    embeddings = embed(Inputs(Cohort(recorded), tmp_path, workers=0))
    assert embeddings.session_id == [f"s{i}" for i in range(6)], (
        "a recording that cannot be read has an age all the same"
    )
    assert embeddings.vectors[:, 0].tolist() == [40, 45, 50, 60, 70, 80]
    assert embeddings.vectors[:, 1].tolist() == [0, 1, 0, 0, 0, 0]
    assert (embeddings.vectors[5] != 0).any()


def test_codes_are_counted_per_subject_and_categories_are_told_apart(recorded, tmp_path):
    sessions = read_sessions(recorded).with_columns(
        path=pl.format("{}/{}", pl.lit(str(recorded)), "path"), sex=pl.Series(["F", "M", None, "F", "M", "F"])
    )
    events = pl.DataFrame(
        {"subject_id": [0, 0, 0, 3], "code": ["ICD10CM//I10", "ICD10CM//I10", "ATC//N03", "GENDER//F"]}
    )
    write_cohort(tmp_path / "c", "c", sessions, events)
    plain, sexed = (embed(Inputs(Cohort(c), tmp_path / "k", workers=0)) for c in (recorded, tmp_path / "c"))
    assert sexed.vectors.shape[1] == plain.vectors.shape[1] + 2, "F, M and unknown instead of unknown alone"
    codes = sexed.vectors[:, 4]  # after age and year, each with its mark
    assert codes[0] == pytest.approx(1.0986, abs=1e-3) and codes[3] == 0, "log(1 + 2) different codes; sex is no code"
