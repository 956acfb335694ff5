"""Ceilings of the matched questions, and the small statistics they stand on."""

import numpy as np
import pytest

from benchmark.scores.statistics import auroc as of_the_benchmark
from benchmark.tasksets.matching import AGE_YEARS
from clef.importers.synthetic.ceilings import (
    auroc,
    ceilings,
    concept_labels,
    match,
    matching_strata,
    neighbours,
    ridge_logistic,
)


def test_ceilings_are_where_they_were_planted():
    best = dict(ceilings(seed=1, n=8000).select("code", "ceiling").iter_rows())
    for code in ("ICD10CM//I10", "ICD10CM//G43.909", "ICD10CM//E11.9", "ATC//C07AB02"):
        assert abs(best[code] - 0.5) < 0.06
    assert best["FINDING//focal_slowing"] > 0.93
    assert best["ATC//N05BA06"] > 0.85
    assert 0.75 < np.nanmean(list(best.values())) < 0.9


def test_auroc_is_the_benchmarks_with_ties_and_without():
    rng = np.random.default_rng(0)
    label = rng.random(300) < 0.4
    for score in (rng.standard_normal(300) + label, rng.integers(0, 4, 300) + label):
        assert auroc(score, label) == pytest.approx(
            of_the_benchmark.auroc(label, np.asarray(score, float))[0], abs=1e-12
        )


def test_matched_controls_share_the_stratum_and_nearly_the_age(population):
    visits, _, _ = population
    label, strata = visits["stroke"], matching_strata(visits)
    cases, controls = match(label, strata, visits["age"], np.random.default_rng(0), 9999)
    assert 0.8 * label.sum() < len(cases) <= label.sum() and len(set(controls)) == len(controls)
    assert label[cases].all() and not label[controls].any()
    for name in ("sex", "site", "setting"):
        assert (visits[name][cases] == visits[name][controls]).all()
    assert np.abs(visits["age"][cases] - visits["age"][controls]).max() <= AGE_YEARS
    assert len(match(label, strata, visits["age"], np.random.default_rng(0), 20)[0]) == 20


def test_neighbours_are_cases_and_no_controls(population):
    """As in the benchmark: another epilepsy is no control of an epilepsy, nor another drug of its chemical group."""
    visits, _, findings = population
    labels = concept_labels(visits, findings)
    others = neighbours(labels)
    focal, generalised = labels["ICD10CM//G40.209"], labels["ICD10CM//G40.309"]
    assert (others["ICD10CM//G40.309"] == (focal | generalised)).all() and (focal & ~generalised).sum() > 100
    assert (others["ATC//N03AX14"] == (labels["ATC//N03AX14"] | labels["ATC//N03AX09"])).all()
    assert not others["FINDING//seizure"].any() and (others["ICD10CM//G40"] == (focal | generalised)).all()
    strata, age = matching_strata(visits), visits["age"]
    cases, controls = match(generalised, strata, age, np.random.default_rng(0), 9999, others["ICD10CM//G40.309"])
    assert focal[cases].any() and not focal[controls].any() and len(cases) > 0.8 * generalised.sum()
    assert abs(np.mean(age[cases] - age[controls])) < 0.3, "no side of the caliper is favoured"


def test_the_regression_is_where_its_penalised_likelihood_is_flat():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((400, 5)).astype(np.float32)
    y = rng.random(400) < 1 / (1 + np.exp(-x @ np.array([1.0, -0.5, 0, 0, 0.3])))
    w = ridge_logistic(x, y, steps=20)
    gradient = x.T @ (y - 1 / (1 + np.exp(-x @ w))) - 5.0 * w
    # 400 float32 terms of order 1 are summed in some order: 2**-24 x 400 at the very worst, tens of it in between
    assert np.abs(gradient).max() < 400 * 2**-24 * 100
