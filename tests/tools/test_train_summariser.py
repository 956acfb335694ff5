"""The rig that trains a summariser: what it learns from, and a folder that `hf:` reads."""

import logging

import pytest

from clef.reports.rules import condense
from clef.reports.summarisers.hf import LocalModel
from clef.reports.summarisers.prompt import read_prompt
from tests.clef.reports.summarisers.small_cohort import write_small_cohort
from tools.train_summariser import TrainSummariser, main, make_tokenizer, report_pairs

REPORTS = [f"HISTORY: Marlow{i} takes clobazam.\nIMPRESSION: Left temporal spikes at {i} Hz." for i in range(2, 6)]


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohorts")
    both = write_small_cohort(folder / "all", [*REPORTS, "HISTORY: Nothing of the tracing."])
    return both, write_small_cohort(folder / "other", REPORTS[:1])


def test_it_learns_the_rules_summaries_of_reports_that_the_other_cohort_has_not(cohorts):
    assert report_pairs(str(cohorts[0]), None) == [(text, condense(text)) for text in REPORTS]
    assert report_pairs(*map(str, cohorts)) == [(text, condense(text)) for text in REPORTS[1:]]


def test_any_text_is_written_and_read_back():
    transformers = pytest.importorskip("transformers", reason="the rig needs transformers")
    tokenizer = make_tokenizer(transformers, REPORTS, size=300)
    text = "Größe 5 µV —\n3 spikes"
    ids = tokenizer(text)["input_ids"]
    assert ids[-1] == tokenizer.eos_token_id and tokenizer.decode(ids, skip_special_tokens=True) == text


def test_what_it_writes_is_a_model_that_answers_and_no_report_is_said(cohorts, tmp_path, caplog):
    pytest.importorskip("transformers", reason="the rig needs transformers")
    settings = {"out": str(tmp_path / "model"), "without": str(cohorts[1]), "minutes": 1e-6}
    with caplog.at_level(logging.INFO):
        main(TrainSummariser(cohort=str(cohorts[0]), width=32, layers=1, **settings))
    assert "1 steps on 3 reports" in caplog.text and "Marlow" not in caplog.text
    model = LocalModel(settings["out"], read_prompt(tmp_path / "model" / "prompt.txt"))
    assert model.both and sorted(number for number, _ in model.answers(REPORTS[:2])) == [0, 1]
