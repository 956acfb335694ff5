"""Zero-shot questions: class vectors and scores against the convention written out."""

import numpy as np
import pytest

import clef
from clef.search.prompts import Prompts
from clef.search.zero_shot import class_vectors, question, score


@pytest.fixture(scope="module")
def model(tiny_align):
    return clef.load(tiny_align)


def test_a_class_is_the_mean_of_unit_vectors_made_a_unit_vector(model):
    prompts = ["focal slowing.", "there is focal slowing over the left temporal region."]
    mean = model.heads.text(prompts).numpy().mean(0)
    vectors = class_vectors(model, [prompts, "normal eeg."])
    np.testing.assert_allclose(vectors[0], mean / np.linalg.norm(mean), atol=1e-6)
    np.testing.assert_allclose(vectors[1], model.heads.text(["normal eeg."]).numpy()[0], atol=1e-6)


def test_prompts_are_read_in_the_spelling_of_summaries(model):
    spelt = class_vectors(model, ["GPDs and Focal Slowing", "generalised periodic discharges and focal slowing"])
    np.testing.assert_allclose(spelt[0], spelt[1], atol=1e-6)


def test_a_class_without_prompts_is_refused(model):
    with pytest.raises(ValueError, match="text 2 of 2 is an empty list"):
        class_vectors(model, [["a"], []])
    assert model.text([]).shape == (0, 16)


def test_no_is_half_the_denial_and_half_what_all_findings_share(model):
    prompts = {
        "spikes": Prompts(["spikes."], ["no spikes."]),
        "gpd": Prompts(["gpds.", "there are gpds."], ["no gpds."]),
    }
    one = lambda *texts: (mean := model.heads.text(list(texts)).numpy().mean(0)) / np.linalg.norm(mean)
    shared = one("spikes.") + one("gpds.", "there are gpds.")
    yes, no = question(model, prompts, "spikes")
    np.testing.assert_allclose(yes, one("spikes."), atol=1e-6)
    np.testing.assert_allclose(no, (one("no spikes.") + shared / np.linalg.norm(shared)) / 2, atol=1e-6)


def test_a_score_is_a_difference_of_cosines():
    sessions = np.eye(3, dtype=np.float32)
    yes, no = np.array([1, 0, 0], np.float32), np.array([0, 0.6, 0.8], np.float32)
    np.testing.assert_allclose(score(sessions, yes, no), [1, -0.6, -0.8])
    np.testing.assert_allclose(score(sessions, yes), [1, 0, 0])
