"""Curves: calibration, label efficiency, balance."""

import dataclasses

import numpy as np
import polars as pl
import pytest

from benchmark.report.checks import imbalances
from benchmark.report.curves import BINS, balance_figure, calibration_figure, calibration_points, labels_figure
from benchmark.report.facts import Facts
from tests.benchmark.report.made import made_up


@pytest.fixture(scope="module")
def facts():
    return Facts(made_up())


def test_honest_probabilities_lie_on_the_diagonal():
    rng = np.random.default_rng(0)
    probability = rng.random(20_000)
    points = calibration_points(probability, rng.random(20_000) < probability, np.ones(20_000))
    assert len(points) == BINS and np.abs(points[:, 0] - points[:, 1]).max() < 0.04


def test_a_set_of_four_controls_weighs_as_much_as_its_case():
    label = np.arange(500) % 5 == 0
    points = calibration_points(np.full(500, 0.5), label, np.where(label, 1.0, 0.25))
    assert np.average(points[:, 1]) == pytest.approx(0.5, abs=0.01)


def test_figures_are_svg_and_the_same_every_time(facts):
    for draw in (calibration_figure, labels_figure, lambda f: balance_figure(imbalances(f))):
        once = draw(facts)
        assert once.startswith("<svg") and once == draw(facts)


def test_what_is_not_known_is_not_drawn(facts):
    table = facts.scored.scores.filter(pl.col("labels") == "all")
    results = dataclasses.replace(facts.results, scored=dataclasses.replace(facts.scored, scores=table, predictions={}))
    bare = Facts(results)
    assert calibration_figure(bare) is None and labels_figure(bare) is None and balance_figure([]) is None
