"""The deletion test: it rewards the true attribution, punishes its opposite, and finds nothing in noise."""

import numpy as np
import pytest

from clef.explanations import occlusion
from clef.explanations.deletion import SHARES, delete, highest
from clef.explanations.targets import everything, probe_target, value
from tests.clef.explanations.small import random_probe, small_model, small_session


@pytest.fixture(scope="module")
def made():
    model = small_model()
    target, one = probe_target(model, random_probe(model, "codes")), small_session(model, seconds=200)
    return model, target, one


def test_the_true_attribution_falls_faster_than_random_and_its_opposite_slower(made):
    model, target, one = made
    truth = occlusion.on_tokens(model, target, one, 1, 1)
    right, wrong = delete(model, target, one, truth, 20), delete(model, target, one, -truth, 20)
    assert right.area > right.random_area + 0.5 * np.abs(truth).sum() * 0.2
    assert right.area > right.moved_area > wrong.area and wrong.area < wrong.random_area


def test_noise_is_no_better_than_random(made):
    model, target, one = made
    areas = [delete(model, target, one, np.random.default_rng(seed).normal(size=one.grid), 20) for seed in range(1, 13)]
    apart = np.array([test.area - test.random_area for test in areas])
    spread = np.std([(test.whole - test.random).mean(1) for test in areas])
    assert abs(apart.mean()) < 3 * spread / np.sqrt(len(apart))


def test_numbers_are_those_of_the_tokens_that_are_left(made):
    model, target, one = made
    truth = occlusion.on_tokens(model, target, one, 1, 1)
    test = delete(model, target, one, truth, 2)
    assert test.whole == pytest.approx(value(model, target, one)) and test.random.shape == (2, len(SHARES))
    counted = everything(one)[0].numpy()
    for share, left in zip(SHARES, test.guided, strict=True):
        assert left == pytest.approx(test.whole - truth[highest(truth, counted, share)].sum(), abs=1e-4)
    again = delete(model, target, one, truth, 2, controls=test)
    assert again.random is test.random and np.array_equal(again.guided, test.guided)


def test_ties_are_broken_by_place_and_only_counted_tokens_go():
    counted = np.array([[True, False, True], [True, True, False]])
    assert highest(np.zeros((2, 3)), counted, 0.5).tolist() == [[True, False, True], [False, False, False]]
    assert highest(np.arange(6.0).reshape(2, 3), counted, 0.25).tolist() == [[False] * 3, [False, True, False]]
