"""Everybody who belongs to a question is asked, in sets that folds can take whole."""

import polars as pl
import pytest

from benchmark.open.questions import QUESTIONS, askable, counts, task_of
from clef.tasks import check_tasks

BY_NAME = {question.name: question for question in QUESTIONS}


def people(**groups: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Labels and sessions of so many people of each diagnosis, with MMSE 10, 11, 12 …"""
    diagnoses = [name for name, n in groups.items() for _ in range(n)]
    ids = [f"s{i:03d}" for i in range(len(diagnoses))]
    labels = pl.DataFrame({"session_id": ids, "diagnosis": diagnoses, "mmse": [str(10 + i) for i in range(len(ids))]})
    return labels, pl.DataFrame({"session_id": ids, "subject_id": range(len(ids))})


@pytest.mark.parametrize("alzheimer,healthy", ((9, 6), (6, 9), (7, 7), (3, 17)))
def test_everybody_is_in_one_set_whichever_group_is_larger(alzheimer, healthy):
    task = task_of(BY_NAME["alzheimer"], *people(alzheimer=alzheimer, healthy=healthy, frontotemporal=5))
    check_tasks(task)
    assert len(task) == alzheimer + healthy and counts(task) == tuple(sorted((alzheimer, healthy)))
    sizes = task.group_by("match_id").len()["len"]
    assert sizes.max() - sizes.min() <= 1


def test_the_number_is_cut_at_the_median_of_those_who_are_asked():
    labels, sessions = people(alzheimer=6, healthy=20, frontotemporal=5)
    task = task_of(BY_NAME["mmse"], labels, sessions).join(labels, on="session_id")
    assert set(task["diagnosis"]) == {"alzheimer", "frontotemporal"} and counts(task) == (5, 6)
    low, high = task.filter("label")["mmse"], task.filter(~pl.col("label"))["mmse"]
    assert max(map(int, high)) < min(map(int, low)), "the upper half is the smaller: its people are the cases"


def test_a_pair_is_the_two_recordings_of_one_person():
    labels = pl.DataFrame({"session_id": list("abcde"), "state": ["EC", "EO", "EC", "EC", "EO"]})
    sessions = pl.DataFrame({"session_id": list("abcde"), "subject_id": [1, 1, 2, 3, 3]})
    task = task_of(BY_NAME["eyes open"], labels, sessions)
    assert sorted(task["session_id"]) == list("abde") and counts(task) == (2, 2)
    assert (task.group_by("match_id").agg(pl.col("subject_id").n_unique())["subject_id"] == 1).all()


def test_few_cases_are_said_and_not_scored():
    task = task_of(BY_NAME["alzheimer"], *people(alzheimer=3, healthy=9))
    assert askable(task, folds=5) == "3 against 9: at least 5 are needed for 5 folds"
    assert askable(task_of(BY_NAME["alzheimer"], *people(alzheimer=5, healthy=9)), folds=5) == ""
    assert not len(task_of(BY_NAME["alzheimer"], *people(healthy=9)))


def test_there_are_seven_questions():
    assert sum(question.counted for question in QUESTIONS) == 7
    assert len(BY_NAME) == len(QUESTIONS)
