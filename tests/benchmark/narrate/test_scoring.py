"""Scores of narratives: equal to a hand computation; intervals that draw people; baselines that are what they say."""

import numpy as np
import pytest
import torch

from benchmark.narrate.baselines import code_means, commonest, nearest
from benchmark.narrate.page import Result, as_markdown, as_plain, verdicts
from benchmark.narrate.scoring import Way, counts_of, drawn_f1, score
from benchmark.texts.rouge import rouge_l
from tests.helpers import random_tokens

REFERENCES = ["Delta dominates, rising. The patient is awake.", "Alpha dominates.", "REM sleep. Theta dominates."]
TEXTS = ["Delta dominates, falling.", "Alpha dominates.", "Theta dominates, steady."]
SUBJECT = np.array([7, 7, 3])


def test_fact_f1_is_what_one_counts_by_hand():
    """Common: delta, alpha, theta dominant. Said: those, two trends. Expected: those, one trend, awake, REM."""
    (row,) = score([Way("mine", TEXTS, True)], REFERENCES, SUBJECT, 0)
    total = row.facts["all"]
    assert (total.common, total.said, total.expected, total.contradicted) == (3, 5, 6, 1)
    assert row.f1 == pytest.approx(2 * 3 / (5 + 6)) and row.facts["dominant band"].overlap.f1 == 1
    assert row.facts["trend"].overlap.f1 == row.facts["event"].overlap.f1 == 0
    assert row.rouge == pytest.approx(np.mean([rouge_l(r, t).f1 for r, t in zip(REFERENCES, TEXTS, strict=True)]))


def test_a_draw_of_everybody_once_is_the_score_and_people_are_drawn_as_wholes():
    counts = counts_of(REFERENCES, TEXTS)["all"]
    place = np.array([1, 1, 0])
    weights = np.array([[1, 1], [2, 0], [0, 2]])
    by_hand = [2 * 3 / 11, 2 * 1 / (2 + 2), 2 * 2 / (3 + 4)]
    assert drawn_f1(counts, place, weights) == pytest.approx(by_hand)


def test_a_model_is_above_a_baseline_only_if_the_interval_says_so():
    n = 40
    references = [REFERENCES[i % 3] for i in range(n)]
    half = [REFERENCES[i % 3] if i % 2 else TEXTS[i % 3] for i in range(n)]
    ways = [Way("good", references, True), Way("same", half, True), Way("base", half), Way("silent", [""] * n)]
    good, same, base, silent = score(ways, references, np.arange(n), 0)
    assert good.f1 == 1 and good.intervals["all"] == (1, 1) and silent.f1 == 0 and base.against == {}
    assert good.beats() == ["base", "silent"] and same.beats() == ["silent"]
    assert same.against["base"] == (0, (0, 0))
    assert verdicts([good, same, base, silent]) == [
        "**good: above all 2 baselines** (95 % interval of the difference in Fact-F1)",
        "**same: not above: base** (95 % interval of the difference in Fact-F1)",
    ]
    page = as_markdown(Result([good, base], {}, ["a note"]))
    assert "- a note" in page and "| good | 1.000 | 1.000–1.000 |" in page and "| good − base |" in page
    assert as_plain(Result([good, base], {}, []))["rows"][0]["against"]["base"]["difference"] == good.f1 - base.f1


def test_the_commonest_text_is_one_of_the_commonest_facts():
    texts = [
        "Alpha dominates.",
        "Alpha dominates.",
        "Delta dominates.",
        "Delta is the dominant band.",
        "Delta dominates!",
    ]
    assert commonest(texts) in texts[2:] and commonest(texts[:3]) == "Alpha dominates."


def test_the_nearest_is_found_by_angle_from_the_mean():
    known = np.array([[1.0, 0], [-1, 0], [0, 4]])
    asked = np.array([[3.0, 0.8], [-2, 1], [0, 40], [0, 2]])
    assert nearest(known, ["right", "left", "up"], asked) == ["right", "left", "up", "up"]


def test_code_means_are_those_of_the_stretch_and_of_the_one_before():
    source, codes = random_tokens(3, 20), torch.randn(11, 5, generator=torch.Generator().manual_seed(0))
    source.valid[1] = np.arange(20) < 14
    means = code_means(source, [(1, 2), (0, 0)], "minute", 1, codes).reshape(2, 2, 4, 5)
    rows = codes[torch.from_numpy(source.tokens[1].astype(np.int64))]  # (R, W, E)
    np.testing.assert_allclose(means[0, 0], rows[:, 12:14].mean(1), rtol=1e-5)
    np.testing.assert_allclose(means[0, 1], rows[:, 6:12].mean(1), rtol=1e-5)
    assert (means[1, 1] == 0).all()
