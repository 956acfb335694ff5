"""Words for clinicians: pairs, people pointed out, false alarms."""

import numpy as np
import pytest

from benchmark.encoders.registry import ENCODERS
from benchmark.report.facts import Facts
from benchmark.report.words import cases_detected, in_words, matching_in_words, not_shown, right_alarms, rows_in_words
from benchmark.scores.statistics.auroc import auroc
from tests.benchmark.report.made import made_up


def test_guessing_detects_as_many_cases_as_it_raises_false_alarms():
    assert cases_detected(0.5, 0.1) == pytest.approx(0.1) and cases_detected(0.999, 0.1) > 0.99


def test_cases_detected_agree_with_a_simulation():
    rng = np.random.default_rng(0)
    label = np.arange(200_000) < 100_000
    scores = rng.standard_normal(len(label)) + 0.954 * label
    detected = (scores[label] > np.quantile(scores[~label], 0.9)).mean()
    assert cases_detected(float(auroc(label, scores)[0])) == pytest.approx(detected, abs=0.005)


def test_right_alarms_are_few_where_the_condition_is_rare():
    assert right_alarms(0.37, 0.1, 0.05) == pytest.approx(0.0185 / (0.0185 + 0.095))
    assert right_alarms(0.1, 0.1, 0.05) == pytest.approx(0.05)


def test_the_best_embedding_is_put_into_words():
    facts = Facts(made_up())
    pairs, threshold, reach = in_words(facts)
    best = f"{facts.best.auroc:.2f}"
    assert (
        pairs.startswith(f"ours has a mean AUROC of {best} over 12 tasks")
        and f"{float(best) * 100:.0f} of 100" in pairs
    )
    assert "10 of 100 controls" in threshold and "Its tasks reach from" in reach
    assert "alarms at the threshold above" in not_shown(facts)[0]


def test_one_task_is_no_range():
    lines = in_words(Facts(made_up(tasks=1)))
    assert "on the one task" in lines[0] and not any("reach" in line for line in lines)


def test_what_matching_took_away_needs_the_unmatched_twin():
    results = made_up({"ours": 1.0, "metadata": 0.1})
    alike, row = matching_in_words(Facts(results))
    assert alike.endswith("alike in age, sex and site.")
    assert f"The metadata row knows {ENCODERS['metadata'].what}. It gets" in row and "at random" not in row
    results.unmatched = made_up({"metadata": 0.9}).scored
    assert "when controls are drawn at random" in matching_in_words(Facts(results))[1]
    results.about["protocol"]["matched"] = False
    (line,) = matching_in_words(Facts(results))
    assert line.startswith("Controls are drawn at random")


def test_rows_of_ours_are_explained():
    rows = dict(rows_in_words(Facts(made_up())))
    assert rows == {name: ENCODERS[name].what for name in ("untrained", "bandpower")}
