"""Which run is asked of which data set follows from whom it was trained on; who saw the people is refused or marked."""

import json
import shutil

import numpy as np
import pytest

from benchmark.models.asked import ask, parse_models, run_of
from tokenizer.sessions import read_sessions

MOOD = "mdd_husm"


def test_a_model_that_saw_the_people_is_refused_or_counted(tiny_recon, tiny_cohort):
    sessions = read_sessions(tiny_cohort)
    trained = set(sessions.filter(sessions["split"] == "train")["subject_id"])
    with pytest.raises(
        ValueError, match=rf"saw {len(trained)} of the {len(trained)} people of mdd_husm.*allow_overlap"
    ):
        ask("tiny", tiny_recon, MOOD, trained, allow_overlap=False)
    assert ask("tiny", tiny_recon, MOOD, trained, allow_overlap=True).seen == len(trained)
    assert ask("tiny", tiny_recon, MOOD, {1, 2, 3}, allow_overlap=False).seen == 0


def test_a_name_of_a_folder_proves_nothing(tiny_recon, tiny_cohort, tmp_path):
    """Called without-mdd_husm, and yet it saw these people: its own list decides."""
    shutil.copytree(tiny_recon / "model", tmp_path / "without-mdd_husm" / "recon" / "model")
    sessions = read_sessions(tiny_cohort)
    with pytest.raises(ValueError, match="saw 1 of the 1 people"):
        ask("lodo", tmp_path, MOOD, set(sessions.filter(sessions["split"] == "train")["subject_id"][:1]), False)
    assert ask("lodo", tmp_path, MOOD, {1}, allow_overlap=False).run == tmp_path / "without-mdd_husm" / "recon"
    with pytest.raises(ValueError, match=r"without-ds004504 holds no finished .*benchmark\.leave_out"):
        run_of("lodo", tmp_path, "ds004504")


def test_a_model_that_does_not_say_whom_it_saw_is_refused_or_marked(tiny_recon, tmp_path):
    shutil.copytree(tiny_recon / "model", tmp_path / "model")
    config = json.loads((tmp_path / "model" / "encoder" / "config.json").read_text())
    del config["about"]["trained_on"], config["digests"]
    (tmp_path / "model" / "encoder" / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="does not say whether it saw"):
        ask("tiny", tmp_path, MOOD, {1}, allow_overlap=False)
    assert not ask("tiny", tmp_path, MOOD, {1}, allow_overlap=True).known


@pytest.mark.parametrize(
    "given,text",
    (
        (["nowhere"], "no such"),
        (["a=.", "a=."], "two are called"),
        (["a=nowhere"], "no such"),
        (["bandpower=."], "another row"),
        (["../a=."], "no name for"),
    ),
)
def test_what_is_no_model_is_one_line(given, text):
    with pytest.raises(ValueError, match=text):
        parse_models(given)


def test_vectors_of_an_asked_model_are_numbers(tiny_recon, tiny_store):
    one = ask("tiny", tiny_recon, MOOD, {1}, allow_overlap=False)
    assert np.isfinite(one.model.embed(tiny_store)[0]).all()
