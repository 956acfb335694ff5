"""Gains on seen and on held-out concepts, with intervals that hold the truth."""

import numpy as np
import pytest

from benchmark.protocols.heldout import compare_heldout, heldout_of
from benchmark.scores.comparing import differences
from tests.benchmark.examples import make_scored

DEFINITIONS = {f"t{i}": {"codes": [f"ICD10CM//{'G' if i < 3 else 'I'}{i}0"]} for i in range(6)}
GROUPS = ["ICD10CM//G"]


def compared(scored, groups=GROUPS):
    return compare_heldout(scored, DEFINITIONS, groups, "aligned", "recon")


def test_a_gain_on_seen_concepts_alone_is_told_from_one_on_all():
    some = compared(make_scored({"aligned": [0.5] * 3 + [1.5] * 3, "recon": 0.5}, people=1500))
    assert some.tasks == (3, 3) and some.seen[1] > 0.1 and some.held_out[1] < 0 < some.held_out[2]
    assert some.difference[2] < 0, "held out gains less"
    every = compared(make_scored({"aligned": 1.5, "recon": 0.5}, people=1500))
    assert every.held_out[1] > 0.1 and every.difference[1] < 0 < every.difference[2]


def test_over_all_tasks_alike_the_interval_is_that_of_a_difference_of_means():
    scored = make_scored({"aligned": 1.2, "recon": 0.8}, tasks=4, people=800)
    one = {**DEFINITIONS, **{f"t{i}": {"codes": ["ICD10CM//G1"]} for i in range(3)}}
    result = compare_heldout(scored, one, GROUPS, "aligned", "recon")
    assert result.tasks == (1, 3)
    by = result.held_out[0] * 3 / 4 + result.seen[0] / 4
    assert by == pytest.approx(differences(scored)[0].by)


def test_95_percent_intervals_of_no_difference_hold_it():
    outside = 0
    for seed in range(100):
        result = compared(make_scored({"aligned": 1.0, "recon": 1.0}, people=300, seed=seed))
        outside += not result.difference[1] < 0 < result.difference[2]
    assert outside <= 11


def test_nothing_is_said_where_one_kind_has_no_task():
    scored = make_scored({"aligned": 1.0, "recon": 1.0})
    assert compared(scored, ["ATC//N03A"]) is None
    assert compared(scored, ["ICD10CM//"]) is None


def test_what_a_folder_says_is_read_with_care():
    assert heldout_of({"heldout_concepts": GROUPS}) == GROUPS
    assert heldout_of({}) == heldout_of({"heldout_concepts": 0.2}) == []
    assert np.size(heldout_of({"heldout_concepts": [1]})) == 0
