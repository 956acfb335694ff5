"""Open data sets enter every cohort under the same numbers, in the right unit, with their labels."""

import numpy as np
import polars as pl
import pytest

from benchmark.open.datasets import DATA_SETS, import_data_set, in_folder, people_of, recordings_of
from clef.cohort import read_events
from tests.benchmark.open.folder import write_open_data
from tokenizer.reading.read import ReadingConfig, read_row
from tokenizer.sessions import read_sessions


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_open_data(tmp_path_factory.mktemp("open"))


def test_a_person_has_the_same_number_in_every_cohort(data, tmp_path):
    """Otherwise nobody could tell from a model's list that it saw the people it is scored on."""
    for name in ("one", "other"):
        for dataset in in_folder(data):
            import_data_set(data, dataset, tmp_path / name)
    one, other = (read_sessions(tmp_path / name) for name in ("one", "other"))
    assert one["subject_id"].to_list() == other["subject_id"].to_list()
    for dataset in DATA_SETS.values():
        assert people_of(data, dataset) == set(one.filter(pl.col("site") == dataset.name)["subject_id"])


def test_children_are_read_in_microvolts(data, tmp_path):
    """Their tables hold tenths of microvolts: taken for microvolts they would be ten times too large."""
    import_data_set(data, DATA_SETS["adhd_nasrabadi"], tmp_path / "cohort")
    row = read_sessions(tmp_path / "cohort").row(0, named=True)
    session = read_row(tmp_path / "cohort", row, ReadingConfig())
    spread = session.signal[:, : 200 * 16].std()
    assert session.rate == 128 and 10 < spread < 80
    assert np.isclose(session.seconds, 16, atol=0.1)


def test_labels_and_ages_come_along(data, tmp_path):
    import_data_set(data, DATA_SETS["ds004504"], tmp_path / "cohort", split="test")
    sessions = read_sessions(tmp_path / "cohort")
    assert sessions["age"].to_list() == [60, 61, 62] and set(sessions["split"]) == {"test"}
    codes = set(read_events(tmp_path / "cohort")["code"])
    assert {"LABEL//ds004504//diagnosis//alzheimer", "LABEL//ds004504//mmse//30"} <= codes


def test_without_a_split_nobody_is_left_out_of_training(data):
    splits = {r.split for dataset in in_folder(data) for r in recordings_of(data, dataset)}
    assert splits <= {"train", "val"} and "train" in splits


def test_what_is_not_there_is_one_line(data, tmp_path):
    with pytest.raises(ValueError, match="no such folder"):
        in_folder(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"none of ds004504, .* is in it"):
        in_folder(tmp_path)
    with pytest.raises(ValueError, match="'tuab' is no data set"):
        in_folder(data, ["tuab"])
