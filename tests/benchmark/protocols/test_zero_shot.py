"""Zero-shot rows beside probes: paired, on the same rows, and held against a ceiling."""

import numpy as np
import pytest

from benchmark.protocols.zero_shot import person_question, score_zero_shot, share_of_ceiling
from benchmark.scores.comparing import differences, mean_scores, per_task
from benchmark.scores.scoring import score_tasks
from tests.benchmark.examples import make_embeddings, make_tasks


@pytest.fixture(scope="module")
def probes():
    tasks = make_tasks(3)
    return score_tasks(
        tasks, {"strong": make_embeddings(tasks, 2.0), "noise": make_embeddings(tasks, 0.0)}, resamples=20
    )


def of_sessions(probes, values):
    """An answer for every scored session: `values` of its label."""
    return {
        task: dict(zip(part.session_id, values(part.label), strict=True)) for task, part in probes.predictions.items()
    }


def test_the_probe_s_own_scores_as_words_are_level_with_it_and_all_of_its_way(probes):
    own = {task: dict(zip(part.session_id, part.scores[0], strict=True)) for task, part in probes.predictions.items()}
    scored = score_zero_shot(probes, {"run, words": own})
    assert scored.embeddings == ["strong", "noise", "run, words"]
    values = per_task(scored)
    np.testing.assert_allclose(values[:, 2], values[:, 0])
    share = share_of_ceiling(scored, "run, words", "strong")
    assert share.share == pytest.approx(1) and share.high - share.low < 1e-6
    pair = next(d for d in differences(scored) if {d.better, d.worse} == {"strong", "run, words"})
    assert pair.by == pytest.approx(0) and not pair.holds


def test_truth_answers_all_and_its_opposite_nothing(probes):
    rng = np.random.default_rng(0)
    answers = {
        "right": of_sessions(probes, lambda label: label.astype(float)),
        "wrong": of_sessions(probes, lambda label: -label.astype(float)),
        "chance": of_sessions(probes, lambda label: rng.standard_normal(len(label))),
    }
    scored = score_zero_shot(probes, answers)
    mean = {row.embedding: row for row in mean_scores(scored)}
    assert mean["right"].auroc == 1 and mean["wrong"].auroc == 0
    assert mean["chance"].low < 0.5 < mean["chance"].high
    assert share_of_ceiling(scored, "chance", "right").share == pytest.approx(2 * mean["chance"].auroc - 1)
    assert share_of_ceiling(scored, "right", "chance") is None or mean["chance"].auroc > 0.52


def test_only_what_everybody_answers_is_asked_and_gaps_are_refused(probes):
    answers = of_sessions(probes, lambda label: label.astype(float))
    first = next(iter(answers))
    assert score_zero_shot(probes, {"a": answers, "b": {first: answers[first]}}).tasks == [first]
    with pytest.raises(ValueError, match="no task has words"):
        score_zero_shot(probes, {"a": {}})
    short = {first: dict(list(answers[first].items())[1:])}
    with pytest.raises(ValueError, match="1 scored sessions have no answer"):
        score_zero_shot(probes, {"a": short})


def test_a_question_about_the_person_has_an_interval_that_holds_the_truth():
    rng, label = np.random.default_rng(3), np.arange(400) < 150
    value, low, high = person_question(label, rng.standard_normal(400))
    assert low < 0.5 < high and high - low < 0.15
    value, low, high = person_question(label, rng.standard_normal(400) + 2 * label)
    assert low < value < high and low > 0.85
