"""The planted causes of a synthetic cohort."""

import numpy as np
import polars as pl
import pytest

from benchmark.encoders.encoder import Inputs
from benchmark.encoders.truth import embed, has_truth
from clef.cohort import Cohort, write_cohort
from clef.importers.synthetic.latents import draw_latents
from clef.importers.synthetic.records import draw_people, draw_visits

PEOPLE = 60


@pytest.fixture
def planted(tmp_path):
    """A synthetic cohort without recordings whose causes are kept in another order than its sessions."""
    people = draw_people(0, PEOPLE)
    visits = draw_visits(people | {"sessions": np.ones(PEOPLE, int)}, 0, 5.0)
    ids = [f"s{i}" for i in range(PEOPLE)]
    sessions = pl.DataFrame({"session_id": ids, "subject_id": range(PEOPLE), "path": "none.edf", "split": "train"})
    write_cohort(tmp_path, "Synthetic test", sessions, pl.DataFrame({"subject_id": [0], "code": ["ICD10CM//I10"]}))
    latents = pl.DataFrame({"session_id": ids} | draw_latents(visits, 0))
    (tmp_path / "truth").mkdir()
    latents.reverse().write_parquet(tmp_path / "truth" / "latents.parquet")
    return Cohort(tmp_path), latents


def test_each_session_is_its_own_causes(planted, tmp_path):
    cohort, latents = planted
    store = embed(Inputs(cohort, tmp_path))
    assert store.session_id == latents["session_id"].to_list() and np.isfinite(store.vectors).all()
    alike = np.corrcoef(np.c_[store.vectors, latents["slowing"].log1p().to_numpy()], rowvar=False)[-1, :-1]
    assert np.nanmax(alike) == pytest.approx(1.0, abs=1e-4), "slowing stands in one column, session by session"


def test_without_truth_there_is_one_line(planted, tmp_path):
    cohort, latents = planted
    assert has_truth(cohort)
    latents.head(5).write_parquet(tmp_path / "truth" / "latents.parquet")
    with pytest.raises(ValueError, match="it lacks sessions of the cohort"):
        embed(Inputs(cohort, tmp_path))
    (tmp_path / "truth" / "latents.parquet").unlink()
    assert not has_truth(cohort)
    with pytest.raises(ValueError, match="only a synthetic cohort"):
        embed(Inputs(cohort, tmp_path))
