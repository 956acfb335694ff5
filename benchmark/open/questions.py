"""The questions that are asked of the open data sets, and the task tables that ask them.

A question has two groups of people. The smaller is called the cases, and each of the larger is put, at random and
evenly, into the set of one of them: everybody is scored, and folds and bootstrap draws take whole sets. AUROC is the
same whichever group is called the cases.
"""

import dataclasses
from math import ceil

import polars as pl

from benchmark.tasksets.matching import draw_sets
from clef.tasks import SCHEMA

FAMILY = "label"
FOLD_CASES = 4
"""Fewer cases cannot be put into folds."""


@dataclasses.dataclass(frozen=True)
class Question:
    """One question of one data set.

    name: as in tables · column: of the labels · groups: its two values; or the number column whose median divides them
    among: column -> values of the recordings that are asked at all · blank_below: Hz; nothing below is looked at
    paired: both recordings of a person are asked, those who have both alone · counted: whether it is in the mean over
    all questions; one that repeats another is not
    """

    name: str
    dataset: str
    what: str
    column: str
    groups: tuple[str, str] | None = None
    among: tuple[tuple[str, tuple[str, ...]], ...] = ()
    blank_below: float = 0.0
    paired: bool = False
    counted: bool = True


PATIENTS = (("diagnosis", ("alzheimer", "frontotemporal")),)
CLOSED = (("state", ("EC",)),)
QUESTIONS = (
    Question("alzheimer", "ds004504", "Alzheimer's disease against healthy", "diagnosis", ("alzheimer", "healthy")),
    Question(
        *("frontotemporal", "ds004504", "frontotemporal dementia against healthy", "diagnosis"),
        ("frontotemporal", "healthy"),
    ),
    Question(
        *("alzheimer or frontotemporal", "ds004504", "Alzheimer's against frontotemporal dementia", "diagnosis"),
        ("alzheimer", "frontotemporal"),
    ),
    Question("mmse", "ds004504", "MMSE in the lower or the upper half of all patients", "mmse", among=PATIENTS),
    Question(
        *("depression", "mdd_husm", "depression against healthy, bins below 2 Hz blanked", "diagnosis"),
        *(("MDD", "healthy"), CLOSED, 2.0),
    ),
    Question(
        *("depression, all bins", "mdd_husm", "the same with all bins: amplifiers differ below 1 Hz", "diagnosis"),
        *(("MDD", "healthy"), CLOSED),
        counted=False,
    ),
    Question("adhd", "adhd_nasrabadi", "ADHD against control", "diagnosis", ("ADHD", "control")),
    Question(
        *("eyes open", "mdd_husm", "eyes open against closed, people with both", "state", ("EO", "EC")), paired=True
    ),
)


def task_of(question: Question, labels: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """A question as rows of a task table (clef.tasks) without folds; empty if one of its groups is.

    labels: as text, with `session_id` · sessions: session_id, subject_id of what was read.
    """
    table = labels.join(sessions.select("session_id", "subject_id"), on="session_id").sort("session_id")
    for column, values in question.among:
        table = table.filter(pl.col(column).is_in(values))
    table = _in_groups(question, table)
    if not table["first"].any() or table["first"].all():
        return pl.DataFrame(schema=SCHEMA)
    sets = _paired_sets(table) if question.paired else _sets(table)
    return sets.with_columns(task=pl.lit(question.name), family=pl.lit(FAMILY), split=pl.lit("test")).select(*SCHEMA)


def _in_groups(question: Question, table: pl.DataFrame) -> pl.DataFrame:
    """The rows that belong to a group, with `first`: whether to the first of the two."""
    if question.groups:
        of_two = table.filter(pl.col(question.column).is_in(question.groups))
        return of_two.with_columns(first=pl.col(question.column) == question.groups[0])
    number = pl.col(question.column).cast(pl.Float64, strict=False)
    known = table.filter(number.is_not_null())
    # many share the median: of the two ways to cut there, the one that divides people more evenly
    halves = [known.with_columns(first=cut) for cut in (number < number.median(), number <= number.median())]
    return min(halves, key=lambda half: abs(half["first"].mean() - 0.5) if len(half) else 0)


def _sets(table: pl.DataFrame) -> pl.DataFrame:
    """Everybody of the larger group in the set of somebody of the smaller."""
    few = bool(2 * table["first"].sum() <= len(table))
    people = table.with_columns(label=pl.col("first") == few)
    cases = people.filter("label")["session_id"].to_list()
    rounds = ceil((len(people) - len(cases)) / len(cases))
    sets = draw_sets(people, cases, rounds, seed=0)
    return sets.join(people.select("session_id", "subject_id"), on="session_id").rename({"case": "match_id"})


def _paired_sets(table: pl.DataFrame) -> pl.DataFrame:
    """A set for each person who is in both groups: the two recordings."""
    both = table.group_by("subject_id").agg(both=pl.col("first").n_unique() == 2).filter("both")
    kept = table.join(both, on="subject_id", how="semi").unique(["subject_id", "first"], maintain_order=True)
    return kept.with_columns(label=pl.col("first"), match_id=pl.col("subject_id").cast(pl.String))


def counts(task: pl.DataFrame) -> tuple[int, int]:
    """Cases and controls."""
    return int(task["label"].sum()), int((~task["label"]).sum())


def askable(task: pl.DataFrame, folds: int) -> str:
    """Why a question cannot be scored, or an empty text."""
    cases, controls = counts(task)
    least = max(FOLD_CASES, folds)
    return "" if cases >= least else f"{cases} against {controls}: at least {least} are needed for {folds} folds"
