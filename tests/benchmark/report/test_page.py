"""The page: what it says, and that it needs nothing beside it."""

import pytest

from benchmark.encoders.registry import ENCODERS
from benchmark.report.page import write_report
from benchmark.scores.results import Results
from benchmark.scores.scoring import score_tasks
from tests.benchmark.examples import make_embeddings, make_tasks


@pytest.fixture(scope="module")
def scored():
    tasks = make_tasks(2)
    stores = {"ours & theirs": make_embeddings(tasks, 2.0), "known": make_embeddings(tasks, 0.0)}
    return score_tasks(tasks, stores, resamples=20)


def page(tmp_path, results):
    return " ".join(write_report(tmp_path, results).read_text(encoding="utf-8").split())


def test_the_page_is_of_one_piece_and_escapes_names(scored, tmp_path):
    text = page(tmp_path, Results(scored, {"suite": "demo"}))
    assert text.count("<svg") == 2 and "ours &amp; theirs" in text
    for loading in ("<script", "<link", 'src="http', "@import", "url(http"):
        assert loading not in text


def test_synthetic_data_are_called_so(scored, tmp_path):
    assert "<strong>Synthetic data.</strong>" in page(tmp_path, Results(scored, {}, synthetic=True))
    assert "<strong>Synthetic data.</strong>" not in page(tmp_path, Results(scored, {}))


def test_a_row_that_matching_takes_from_is_explained(scored, tmp_path):
    nuisance = ENCODERS["metadata"]
    text = page(tmp_path, Results(scored, {}, unmatched=scored, encoders={"known": nuisance}))
    assert f"<strong>The known row</strong> knows {nuisance.what}. It gets" in text
    assert "when controls are drawn at random" in text and "known, unmatched controls" in text
    text = page(tmp_path, Results(scored, {}, encoders={"known": nuisance}))
    assert "The known row" in text and "when controls are drawn at random" not in text
    assert "knows age" not in page(tmp_path, Results(scored, {}, encoders={"known": ENCODERS["codes"]}))


def test_the_page_says_in_words_what_was_shown(scored, tmp_path):
    text = page(tmp_path, Results(scored, {}, encoders={"known": ENCODERS["untrained"]}))
    assert "<h2>Verdict</h2>" in text and "ours &amp; theirs 0." in text
    assert "is above the best control (known 0." in text and "next: train again" in text
    assert text.index("Verdict") < text.index("Mean over tasks")
