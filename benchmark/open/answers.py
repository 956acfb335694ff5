"""Answers: the AUROC of every row on every question, paired differences by person, and their means over questions.

Rows of one data set share its bootstrap draws, so differences between rows and means over its questions are paired by
person. The people of two data sets are others, so the draws of each are put into an order of its own before means over
data sets are taken: in one order they would move together, which people who have never met do not.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from scipy.special import stdtrit

from benchmark.open.questions import Question, askable, counts
from benchmark.scores.scoring import score_tasks
from benchmark.scores.statistics.auroc import auroc_interval
from clef.embeddings import Embeddings

Interval = tuple[float, float, float]
"""Value, and its 95 % interval."""


@dataclasses.dataclass
class Answer:
    """One question answered by all rows, or the reason why not.

    auroc: row -> mean over seeds · replicates: row -> (R,), paired · dimensions: row -> width of its vectors
    """

    question: Question
    cases: int
    controls: int
    seconds: float | None
    refused: str = ""
    auroc: dict[str, float] = dataclasses.field(default_factory=dict)
    replicates: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    dimensions: dict[str, int] = dataclasses.field(default_factory=dict)
    protocol: str = ""
    split_hash: str = ""

    def of(self, row: str) -> Interval:
        """AUROC of a row with its interval."""
        value = self.auroc[row]
        return value, *auroc_interval(value, self.replicates[row], self.cases)


def answer(
    asked: Sequence[tuple[Question, pl.DataFrame]],
    rows: Mapping[str, Embeddings],
    seconds: float | None,
    folds: int,
    seeds: int,
) -> list[Answer]:
    """The questions of one data set that are asked of the same vectors, in order.

    asked: each with its task table · rows: name -> vectors of the sessions. Who has seen whom was checked before.
    """
    answers = [Answer(q, *counts(task), seconds, askable(task, folds)) for q, task in asked]
    tables = [task for (_, task), one in zip(asked, answers, strict=True) if not one.refused]
    if not tables:
        return answers
    scored = score_tasks(pl.concat(tables), rows, folds=folds, seeds=seeds, allow_overlap=True)
    means = scored.scores.group_by("task", "embedding").agg(
        pl.col("auroc").mean(), pl.col("width", "protocol", "cases", "controls").first(), pl.col("split_hash").min()
    )
    for one in answers:
        of_task = means.filter(pl.col("task") == one.question.name)
        if not len(of_task):
            one.refused = one.refused or next((n for n in scored.notes if repr(one.question.name) in n), "not scored")
            continue
        at = scored.tasks.index(one.question.name)
        one.auroc = dict(of_task.select("embedding", "auroc").iter_rows())
        one.dimensions = dict(of_task.select("embedding", "width").iter_rows())
        one.replicates = {name: scored.replicates[at, i] for i, name in enumerate(scored.embeddings)}
        one.cases, one.controls, one.protocol, one.split_hash = of_task.select(
            "cases", "controls", "protocol", "split_hash"
        ).row(0)
    return answers


# ---- means and differences
def counted(answers: Sequence[Answer]) -> list[Answer]:
    """The answers that means are taken over."""
    return [one for one in answers if one.auroc and one.question.counted]


def mean_of(answers: Sequence[Answer], row: str) -> Interval:
    """Mean AUROC of a row over the counted questions, with its interval."""
    values, replicates = _pooled(answers, {row: 1.0})
    return values, *auroc_interval(values, replicates, _sets(answers))


def difference(answers: Sequence[Answer], better: str, worse: str) -> Interval:
    """Mean AUROC of one row minus that of another over questions, with the interval for other people."""
    value, replicates = _pooled(answers, {better: 1.0, worse: -1.0})
    half = float(stdtrit(2 * max(_sets(answers) - 1, 1), 0.975) * np.nanstd(replicates))
    return value, value - half, value + half


def best_of(answers: Sequence[Answer], rows: Sequence[str]) -> str:
    """The row with the highest mean over the counted questions."""
    return max(rows, key=lambda row: np.mean([one.auroc[row] for one in counted(answers)]))


def retention(one: Answer, original: str, rebuilt: str) -> tuple[float | None, float | None, float | None]:
    """(AUROC − 0.5) of one row as a share of that of another, with its interval; None where the other may be chance."""
    above, below = one.auroc[rebuilt] - 0.5, one.auroc[original] - 0.5
    draws = one.replicates[original] - 0.5
    if below <= 0:
        return None, None, None
    if np.nanpercentile(draws, 2.5) <= 0:
        return above / below, None, None
    low, high = np.nanpercentile((one.replicates[rebuilt] - 0.5) / draws, [2.5, 97.5])
    return above / below, float(low), float(high)


def _pooled(answers: Sequence[Answer], signs: Mapping[str, float]) -> tuple[float, np.ndarray]:
    """Mean over the answers of rows with signs: its value and its replicates (R,)."""
    orders: dict[str, np.ndarray] = {}
    values, replicates = [], []
    for one in answers:
        draws = sum(sign * one.replicates[row] for row, sign in signs.items())
        seed = len(orders)
        order = orders.setdefault(one.question.dataset, np.random.default_rng(seed).permutation(len(draws)))
        values.append(sum(sign * one.auroc[row] for row, sign in signs.items()))
        replicates.append(draws[order])
    return float(np.mean(values)), np.mean(replicates, axis=0)


def _sets(answers: Sequence[Answer]) -> int:
    """Matched sets of different people: the most that a question of each data set has, added up."""
    most: dict[str, int] = {}
    for one in answers:
        most[one.question.dataset] = max(most.get(one.question.dataset, 0), one.cases)
    return sum(most.values())
