"""Who is compared: pools of equal size, and nobody whom a run has seen."""

import numpy as np
import polars as pl
import pytest

from benchmark.protocols.alignment import check_unseen, draw_people
from clef.embeddings import Embeddings, hash_subjects


@pytest.fixture
def sessions():
    """30 people of train with two sessions each, 12 of test with one, one of val."""
    rows = [(f"a{i}-{visit}", i, "train") for i in range(30) for visit in range(2)]
    rows += [(f"b{i}", 100 + i, "test") for i in range(12)] + [("c", 200, "val")]
    return pl.DataFrame(rows, ["session_id", "subject_id", "split"], orient="row")


def test_pools_have_equally_many_subjects_with_all_their_sessions(sessions):
    drawn = draw_people(sessions, 0, seed=0)
    assert len(drawn["unseen"]) == 12 and len(drawn["seen"]) == 24
    fewer, shuffled = (draw_people(table, 5, seed=0) for table in (sessions, sessions.reverse()))
    assert len(fewer["unseen"]) == 5 and len(fewer["seen"]) == 10
    assert {who: sorted(some) for who, some in fewer.items()} == {who: sorted(some) for who, some in shuffled.items()}
    assert fewer != draw_people(sessions, 5, seed=1)


def trained_on(name, **subjects):
    return Embeddings(["a0-0"], np.zeros((1, 2), np.float32), name, trained_on=hash_subjects(subjects))


@pytest.mark.parametrize(("seen", "counts"), [({"train": [100, 101]}, 2), ({"train": [0], "val": [111]}, 1)])
def test_a_run_that_has_seen_people_of_test_is_refused(sessions, seen, counts):
    with pytest.raises(ValueError, match=f"greedy: trained or selected on {counts} of the 12 subjects of split test"):
        check_unseen([trained_on("greedy", **seen)], sessions)


def test_a_run_that_does_not_say_is_named(sessions):
    runs = [trained_on("a", train=[0, 1], val=[200]), trained_on("b")]
    assert check_unseen(runs, sessions) == ["b: its folder does not say whom it was trained on"]
