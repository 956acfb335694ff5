"""Questions in words alone: cosines to published prompts, no label read; a planted leak of their words is caught."""

import dataclasses

import numpy as np
import polars as pl
import pytest
import torch

import clef
from benchmark.tuab.asking import Vectors
from benchmark.tuab.questions import QUESTIONS
from benchmark.tuab.report_space import of_model, of_window_run
from benchmark.tuab.words import EEGCLIP_PROMPTS, ask_in_words, leaks, prompts_of, telling
from clef.cohort import Cohort
from clef.network.record_encoder import RecordConfig
from clef.network.report_encoder import TextConfig
from clef.stages.align import AlignConfig
from clef.stages.inputs import Inputs
from clef.stages.windows import WindowsConfig, build
from tokenizer.base.files import write_json
from tokenizer.store import TokenStore

BY_NAME = {question.name: question for question in QUESTIONS}


class Reported:
    """Sixty sessions of as many people, half of them men, a third of them in test, with reports."""

    def __init__(self, text_of):
        sex = ["M" if i % 2 else "F" for i in range(60)]
        names = [f"s{i}" for i in range(60)]
        split = ["test" if i % 3 == 0 else "train" for i in range(60)]
        self.sessions = pl.DataFrame({"session_id": names, "subject_id": range(60), "sex": sex, "split": split})
        self.reports = pl.DataFrame({"session_id": names, "text": [text_of(i, s) for i, s in enumerate(sex)]})


def test_a_planted_leak_of_the_words_of_prompts_is_caught():
    sex = BY_NAME["sex"]
    plain = Reported(lambda i, sex: "Posterior rhythm of 10 Hz; the patient was awake.")
    assert leaks(sex, plain) == []
    leaking = Reported(lambda i, sex: f"A {'male' if sex == 'M' else 'FEMALE'} patient." if i % 2 or i % 4 else "x")
    caught = {(one.word, one.cases > one.others) for one in leaks(sex, leaking)}
    assert caught == {("male", True), ("female", False)}
    in_test = Reported(lambda i, sex: f"{'male' if sex == 'M' else 'female'}" if i % 3 == 0 else "awake")
    assert leaks(sex, in_test) == [], "reports of eval are not read"


def test_words_that_tell_are_those_of_one_side_alone():
    assert {"male", "female", "man", "woman"} == set(telling("sex"))
    assert {"over", "under", "30", "70"} == set(telling("age"))
    assert telling("medication") == ["no"] and "abnormal" in telling("pathological")


def test_published_prompts_are_two_for_every_question():
    assert EEGCLIP_PROMPTS.keys() == {question.name for question in QUESTIONS} - {"epilepsy"}
    assert prompts_of("epilepsy") == {}
    assert all(len(side) == 1 for prompts in EEGCLIP_PROMPTS.values() for side in prompts)
    assert prompts_of("sex")["zero-shot, templates"].present == ["a man of 50 years.", "50-year-old man."]
    assert set(prompts_of("medication")) == {"zero-shot"}


@pytest.mark.parametrize("probe", ["zero-shot", "zero-shot, templates"])
def test_a_score_is_the_cosine_to_one_side_less_that_to_the_other(probe, tiny_align, tiny_cohort, tiny_store):
    model, cohort = clef.load(tiny_align), Cohort(tiny_cohort)
    tokens = TokenStore(tiny_store).load()
    vectors = Vectors("words", model.read(tokens), tokens.session_id)
    asked = {one.probe: one for one in ask_in_words([BY_NAME["sex"]], [vectors], {"words": of_model(model)}, cohort)}[
        probe
    ]
    sessions = model.embed(TokenStore(tiny_store), head="report", norm="unit")
    place = {name: i for i, name in enumerate(tokens.session_id)}
    prompts = prompts_of("sex")[probe]
    sides = [model.text([text])[0] for text in (*prompts.present, *prompts.absent)]
    half = len(prompts.present)
    yes, no = (np.mean(part, 0) / np.linalg.norm(np.mean(part, 0)) for part in (sides[:half], sides[half:]))
    for name, score in asked.predictions.select("session_id", "score").iter_rows():
        assert score == pytest.approx(float(sessions[place[name]] @ (yes - no)), abs=1e-5)
    test = set(cohort.sessions.filter(pl.col("split") == "test")["session_id"])
    assert set(asked.predictions["session_id"]) <= test and asked.people == 0


def test_a_model_without_reports_is_not_asked_in_words(tiny_recon, tiny_cohort, tiny_store):
    model = clef.load(tiny_recon)
    tokens = TokenStore(tiny_store).load()
    vectors = Vectors("mute", model.read(tokens), tokens.session_id)
    other = dataclasses.replace(vectors, name="bandpower")
    assert list(ask_in_words(list(QUESTIONS), [vectors, other], {}, Cohort(tiny_cohort))) == []


def test_a_run_of_windows_meets_words_at_its_own_heads(tiny_cohort, tmp_path):
    """A session is the mean of what its windows are in the report space, whatever order they come in."""
    report = TextConfig(width=32, layers=1, heads=2, output=16)
    inputs, window = Inputs(str(tiny_cohort), writes=False), WindowsConfig(seconds=5, hidden=8)
    objective, _ = build(inputs, AlignConfig(record_weight=0.0), report, RecordConfig(), window)
    objective.eval().save_model(tmp_path / "model")
    write_json(tmp_path / "model/done.json", {"stage": "windows"})
    space = of_window_run(tmp_path / "model")
    cohort = Cohort(tiny_cohort)
    names = cohort.sessions["session_id"].to_list()
    x = np.random.default_rng(0).normal(size=(2 * len(names), objective.encoder.network.width)).astype(np.float32)
    vectors = Vectors("windows", x, np.array([*names, *names]), windows=True)
    (asked, *_) = ask_in_words([BY_NAME["sex"]], [vectors], {"windows": space}, cohort)
    prompts = EEGCLIP_PROMPTS["sex"]
    with torch.inference_mode():
        each = objective.heads.to_report(objective.encoder.head(torch.from_numpy(x))).numpy()
    session = (each[: len(names)] + each[len(names) :]) / 2
    session /= np.linalg.norm(session, axis=1, keepdims=True)
    expected = session @ (space.text(prompts.present) - space.text(prompts.absent))[0]
    scores = dict(asked.predictions.select("session_id", "score").iter_rows())
    assert len(scores) == len(asked.predictions) > 3, "one answer for a session"
    assert all(score == pytest.approx(expected[names.index(name)], abs=1e-5) for name, score in scores.items())
    assert of_window_run("random") is None and of_window_run(None) is None
