"""Results: tasks in words."""

from benchmark.scores.results import Results
from benchmark.scores.scoring import score_tasks
from tests.benchmark.examples import make_embeddings, make_tasks


def test_codes_are_told_in_the_cohorts_words():
    tasks = make_tasks(1)
    scored = score_tasks(tasks, {"e": make_embeddings(tasks, 1.0)}, resamples=10)
    results = Results(scored, {"names": {"ICD10CM//G40": "Epilepsy"}})
    assert results.words("ICD10CM//G40") == "Epilepsy (G40)"
    assert results.words("ICD10CM//I10") == "I10" and results.words("Epilepsy (G40)") == "Epilepsy (G40)"
    assert results.cases("t0") == 60 and results.about["ceilings"] == {}
