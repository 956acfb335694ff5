"""Leave-one-data-set-out models: nobody of the data set that is left out is in what they learn from."""

import shutil
from pathlib import Path

import pytest

from benchmark.leave_out import LeaveOutConfig, checked, jobs_of, make_cohort
from benchmark.open.datasets import DATA_SETS, people_of
from clef.cohort import Cohort
from clef.embeddings import seen_subjects
from clef.model import load
from tests.benchmark.open.folder import write_open_data
from tests.helpers import TINY, must, run
from tokenizer.base.cli import ConfigError
from tokenizer.sessions import read_sessions


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_open_data(tmp_path_factory.mktemp("open"))


def test_the_cohort_of_a_model_lacks_the_data_set_and_has_all_others(data, tiny_cohort, tmp_path):
    config = LeaveOutConfig(data=data, out=str(tmp_path), synthetic=tiny_cohort)
    make_cohort(config, "ds004504", tmp_path / "without-ds004504")
    sessions = read_sessions(tmp_path / "without-ds004504" / "cohort")
    assert not people_of(data, DATA_SETS["ds004504"]) & set(sessions["subject_id"])
    for name in ("mdd_husm", "adhd_nasrabadi", "eegmat"):
        assert people_of(data, DATA_SETS[name]) <= set(sessions["subject_id"])
    synthetic = read_sessions(tiny_cohort)
    assert set(synthetic["subject_id"]) <= set(sessions["subject_id"]) and "test" not in set(sessions["split"])
    assert all(Path(path).is_file() for path in sessions["path"])
    drawn = sessions.filter(sessions["subject_id"].is_in(synthetic["subject_id"].implode()))
    assert drawn["site"].str.starts_with("synthetic ").all()  # the card of a bundle counts them by this name
    words = Cohort(tmp_path / "without-ds004504" / "cohort").descriptions
    assert words.items() >= Cohort(tiny_cohort).descriptions.items()


def test_a_folder_goes_on_with_the_same_people_alone(data, tiny_cohort, tmp_path):
    folder = tmp_path / "without-ds004504"
    config = LeaveOutConfig(data=data, out=str(tmp_path))
    make_cohort(config, "ds004504", folder)
    before = (folder / "cohort" / "sessions.parquet").stat().st_mtime_ns
    make_cohort(config, "ds004504", folder)
    assert (folder / "cohort" / "sessions.parquet").stat().st_mtime_ns == before
    with pytest.raises(ValueError, match="another synthetic="):
        make_cohort(LeaveOutConfig(data=data, out=str(tmp_path), synthetic=tiny_cohort), "ds004504", folder)


def test_the_persons_own_settings_come_last(data, tmp_path):
    config = LeaveOutConfig(data=data, out=str(tmp_path), settings=["model=tiny"], recon=["steps=7"])
    tokenizer, encode, recon = jobs_of(config, 0, tmp_path / "without-x")
    assert [job.program for job in (tokenizer, encode, recon)] == ["clef.pretrain", "tokenizer.encode", "clef.pretrain"]
    assert recon.arguments[-2:] == ("model=tiny", "steps=7") and "steps=7" not in tokenizer.arguments


def test_what_programs_would_refuse_is_said_before_anything_is_made(data, tmp_path):
    for wrong, text in (({"recon": ["stepz=7"]}, "stepz"), ({"leave": []}, "leave=")):
        with pytest.raises(ConfigError, match=text):
            checked(LeaveOutConfig(data=data, out=str(tmp_path / "out"), **wrong))
    with pytest.raises(ValueError, match="'tuab' is no data set"):
        checked(LeaveOutConfig(data=data, out=str(tmp_path / "out"), leave=["tuab"]))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_model_says_that_it_saw_nobody_of_the_data_set_left_out(data, tmp_path):
    own = ("threads", "workers", "device")
    given = {"data": data, "out": tmp_path / "lodo", "leave": "[mdd_husm]"} | {name: TINY[name] for name in own}
    more = ",".join(f"{key}={value}" for key, value in TINY.items() if key not in own)
    given["settings"] = f"[{more},steps=4]"
    must(run(tmp_path / "said", "benchmark.leave_out", **given))
    seen = load(tmp_path / "lodo" / "without-mdd_husm" / "recon").encoder.about["trained_on"]
    assert not any(seen_subjects(seen, people_of(data, DATA_SETS["mdd_husm"])).values())
    assert any(seen_subjects(seen, people_of(data, DATA_SETS["eegmat"])).values())
    must(run(tmp_path / "again", "benchmark.leave_out", **given))


def test_a_synthetic_cohort_without_recordings_is_refused(data, tiny_cohort, tmp_path):
    shutil.copytree(tiny_cohort, tmp_path / "synthetic", ignore=shutil.ignore_patterns("recordings"))
    with pytest.raises(ValueError, match=r"its recordings are not there.*keep=tokens"):
        checked(LeaveOutConfig(data=data, out=str(tmp_path / "out"), synthetic=tmp_path / "synthetic"))
