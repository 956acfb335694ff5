"""Judgements: what is in the bound passes, what is out of it fails, and few people do not decide."""

import numpy as np
import pytest

from tools.benchmark_checks.judging import Check, judge_mean, judge_share, markdown


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ([0.49, 0.5, 0.51], "passed"),
        ([0.53, 0.54, 0.55], "FAILED"),
        ([0.4, 0.5, 0.6], "too few people to check"),
        ([0.45, 0.55, 0.62], "too few people to check"),  # outside, and within what chance does
        ([0.7, 0.8, 0.9], "FAILED"),
        ([0.5], "too few people to check"),
    ],
)
def test_a_mean_over_tasks(values, outcome):
    assert judge_mean("metadata", values, 0.5, 0.02).outcome == outcome


def test_a_mean_says_what_was_measured():
    check = judge_mean("signed", [-0.01, 0.01, 0.03], 0.0, 0.005)
    assert (check.measured, check.bound) == ("+0.0100 ± 0.0115", "within ±0.005")
    assert check.remark == "3 tasks, -0.010 to +0.030"


@pytest.mark.parametrize(
    ("hits", "of", "outcome"),
    [
        (950, 1000, "passed"),
        (931, 1000, "passed"),
        (929, 1000, "FAILED"),
        (990, 1000, "FAILED"),
        (95, 100, "too few repetitions to check"),
        (60, 100, "FAILED"),
    ],
)
def test_a_share_of_repetitions(hits, of, outcome):
    check = judge_share("coverage", hits, of, 0.93, 0.97)
    assert check.outcome == outcome and check.bound == "93 to 97 %" and check.measured == f"{100 * hits / of:.1f} %"


def test_the_table():
    lines = markdown([Check("a", "1", "2", "passed"), Check("b", "1", "2", "FAILED", "why")]).splitlines()
    assert len(lines) == 4 and {line.count("|") for line in lines} == {6}
    assert lines[-1] == "| b | 1 | 2 | FAILED | why |" and np.all([line[0] == "|" for line in lines])
