"""Means over tasks and paired differences."""

import numpy as np
import polars as pl
import pytest

from benchmark.scores.comparing import differences, mean_scores
from benchmark.scores.scoring import score_tasks
from tests.benchmark.examples import make_embeddings, make_tasks


def test_means_over_tasks_of_the_same_people_are_not_more_certain():
    """Ten copies of a task say as much as one; ten tasks of other people say more."""
    one = make_tasks(1)
    copies = pl.concat([one.with_columns(task=pl.lit(f"t{i}")) for i in range(10)])
    embeddings = {"e": make_embeddings(one, 0.5, width=4)}
    single, ten = (mean_scores(score_tasks(t, embeddings))[0] for t in (one, copies))
    assert ten.high - ten.low == pytest.approx(single.high - single.low, rel=0.05)
    others = make_tasks(10, (40, 20, 20))
    apart = mean_scores(score_tasks(others, {"e": make_embeddings(others, 0.5, width=16)}))[0]
    assert apart.high - apart.low < 0.7 * (single.high - single.low) * np.sqrt(3)


def test_differences_are_paired():
    tasks = make_tasks(6)
    good, noise = make_embeddings(tasks, 2.0), make_embeddings(tasks, 0.0)
    scored = score_tasks(tasks, {"noise": noise, "same": make_embeddings(tasks, 2.0), "good": good})
    found = {(d.better, d.worse): d for d in differences(scored)}
    assert found["same", "noise"].holds and found["same", "noise"].wins == 6
    tie = found.get(("same", "good")) or found["good", "same"]
    assert tie.by == tie.low == tie.high == 0 and not tie.holds
