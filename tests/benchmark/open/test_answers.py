"""Answers: a planted difference is seen, chance is chance, and people of two data sets are drawn apart."""

import numpy as np
import polars as pl
import pytest

from benchmark.open.answers import Answer, answer, best_of, counted, difference, mean_of, retention
from benchmark.open.questions import QUESTIONS, Question, task_of
from clef.embeddings import Embeddings

ALZHEIMER = QUESTIONS[0]


@pytest.fixture(scope="module")
def answers():
    """24 against 19 people: a row that knows the diagnosis, a weaker one, and one that knows nothing."""
    random, ids = np.random.default_rng(0), [f"s{i:02d}" for i in range(43)]
    ill = np.arange(43) < 24
    labels = pl.DataFrame({"session_id": ids, "diagnosis": np.where(ill, "alzheimer", "healthy")})
    task = task_of(ALZHEIMER, labels, pl.DataFrame({"session_id": ids, "subject_id": range(43)}))
    noise = random.standard_normal((3, 43, 4))
    sizes = {"knows": 3.0, "weaker": 1.0, "nothing": 0.0}
    rows = {
        name: Embeddings(ids, (noise[i] + size * ill[:, None]).astype(np.float32), name)
        for i, (name, size) in enumerate(sizes.items())
    }
    return answer([(ALZHEIMER, task)], rows, 430, folds=5, seeds=2)


def test_what_is_planted_is_seen(answers):
    one = answers[0]
    assert one.auroc["knows"] > 0.95 and 0.2 < one.auroc["nothing"] < 0.75
    value, low, high = one.of("weaker")
    assert low < value < high and (one.cases, one.controls) == (19, 24)
    assert best_of(answers, ["nothing", "weaker"]) == "weaker"


def test_a_difference_is_paired(answers):
    by, low, high = difference(answers, "knows", "nothing")
    assert low > 0 and by == pytest.approx(answers[0].auroc["knows"] - answers[0].auroc["nothing"])
    assert difference(answers, "nothing", "knows") == pytest.approx((-by, -high, -low))


def made(dataset: str, replicates: np.ndarray) -> Answer:
    question = Question(dataset, dataset, "", "diagnosis")
    one = Answer(question, 30, 30, None)
    one.auroc, one.replicates = {"row": 0.8}, {"row": 0.8 + replicates}
    return one


def test_people_who_never_met_do_not_vary_together():
    """The mean of two questions of the same people is as sure as one; of other people it is surer by the root of 2."""
    draws = 0.05 * np.random.default_rng(1).standard_normal(4000)
    widths = []
    for name in ("a", "b"):
        _, low, high = mean_of([made("a", draws), made(name, draws)], "row")
        widths.append(high - low)
    assert widths[1] / widths[0] == pytest.approx(2**-0.5, abs=0.06)


def test_what_repeats_another_question_is_not_in_the_mean():
    twice = made("a", np.zeros(10))
    twice.question = Question("a2", "a", "", "diagnosis", counted=False)
    unscored = Answer(Question("b", "b", "", "diagnosis"), 3, 3, None, "too few")
    assert [one.question.name for one in counted([made("a", np.zeros(10)), twice, unscored])] == ["a"]


def test_retention_of_the_same_is_one_and_of_chance_has_no_interval():
    one = made("a", 0.02 * np.random.default_rng(0).standard_normal(500))
    one.auroc["other"], one.replicates["other"] = 0.65, one.replicates["row"] - 0.15
    assert retention(one, "row", "row") == pytest.approx((1, 1, 1))
    share, low, high = retention(one, "row", "other")
    assert share == pytest.approx(0.5) and low < 0.5 < high
    one.replicates["row"] = one.replicates["row"] - 0.3
    assert retention(one, "row", "other")[1:] == (None, None)
