"""Every question asked of every row of vectors, by every probe, at every level; and of few labels."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from benchmark.tuab.levels import Predicted, Score, at_all_levels, mean_by, of_people
from benchmark.tuab.probes import PROBES, ProbeOutput, ProbeRows, run_probe
from benchmark.tuab.questions import Question
from clef.cohort import Cohort

OWN = "network"
"""What the probe of a row that brings its own is called."""
FEWEST = 2
"""People of each group that a draw of few labels has at least."""


@dataclasses.dataclass
class Vectors:
    """What one row of the table knows: vectors x (n, D), the session of each, and whether they are single windows."""

    name: str
    x: np.ndarray
    session_id: np.ndarray
    windows: bool = False
    seen: int | None = 0
    """How many people of the eval part its model saw; None: it does not say."""
    probe: Callable[[ProbeRows, int], ProbeOutput] | None = None
    """The one probe of a row that brings its own, as a network trained from scratch does."""


@dataclasses.dataclass
class QuestionScores:
    """What one probe says of one row and question; share and draw: of few labels, else 1 and 0."""

    question: str
    row: str
    probe: str
    scores: list[Score]
    chosen: dict[str, object]
    people: int
    """People whose labels it learned from, train and val."""
    share: float = 1.0
    draw: int = 0
    predictions: pl.DataFrame | None = None


def ask_all(
    questions: Sequence[Question], rows: Sequence[Vectors], cohort: Cohort, probes: Sequence[str] = PROBES
) -> Iterator[QuestionScores]:
    """With all labels: every question, row and probe that has both groups in train and in eval."""
    for question in questions:
        answers = answers_of(question, cohort)
        for vectors in rows:
            table = joined(vectors, answers)
            for probe in [OWN] if vectors.probe else probes:
                if asked := _ask(question, vectors, table, probe):
                    yield asked


def ask_few(
    questions: Sequence[Question], rows: Sequence[Vectors], cohort: Cohort, shares: Sequence[float], draws: int
) -> Iterator[QuestionScores]:
    """With a share of the people of train and val, drawn anew each time; no single windows.

    By the logistic probe, or the row's own.
    """
    for question in questions:
        answers = answers_of(question, cohort)
        for vectors in rows:
            own = vectors.probe is not None
            table = None if vectors.windows and not own else joined(vectors, answers)
            for share in shares if table else ():
                for draw in range(draws):
                    few = fewer(table, share, draw)
                    if few and (asked := _ask(question, vectors, few, OWN if own else "logistic", seed=draw)):
                        yield dataclasses.replace(asked, share=share, draw=draw, predictions=None)


def answers_of(question: Question, cohort: Cohort) -> dict[str, tuple[bool, int, str]]:
    """session_id -> answer, subject and split, of the sessions that have an answer."""
    known = question.answers(cohort).drop_nulls("answer").join(cohort.sessions, on="session_id")
    return {s: (y, p, split) for s, y, p, split in known.select("session_id", "answer", "subject_id", "split").rows()}


@dataclasses.dataclass
class Table:
    """Rows that a question can be asked of: what probes read, the session of each row, and which are scored (n,)."""

    rows: ProbeRows
    session: np.ndarray
    test: np.ndarray


def joined(vectors: Vectors, answers: Mapping[str, tuple[bool, int, str]]) -> Table:
    """The rows with an answer."""
    has = np.array([s in answers for s in vectors.session_id], bool)
    session = vectors.session_id[has]
    known = [answers[s] for s in session]
    y, subject = np.array([k[0] for k in known], bool), np.array([k[1] for k in known], np.int64)
    split = np.array([k[2] for k in known], "U5")
    rows = ProbeRows(vectors.x[has], y, subject, split == "train", split == "val")
    return Table(rows, session, split == "test")


def fewer(table: Table, share: float, draw: int) -> Table | None:
    """The same with the labels of a share of the people; None where that leaves fewer than two of a group."""
    rows = table.rows
    learnt = rows.train | rows.val
    people = np.unique(rows.subject[learnt])
    count = round(share * len(people))
    chosen = np.random.default_rng((draw, 11)).permutation(people)[:count]
    inside = np.isin(rows.subject, chosen)
    groups = [len(np.unique(rows.subject[learnt & inside & (rows.y == group)])) for group in (True, False)]
    if min(groups) < FEWEST:
        return None
    few = dataclasses.replace(rows, train=rows.train & inside, val=rows.val & inside)
    return dataclasses.replace(table, rows=few)


def _ask(question: Question, vectors: Vectors, table: Table, probe: str, seed: int = 0) -> QuestionScores | None:
    """One probe of one row; None if a group is missing in train or in eval, or the probe is not for windows."""
    if probe == "people":
        if vectors.windows:
            return None
        table = of_each_person(table)
    rows, test = table.rows, table.test
    learnt = rows.train | rows.val
    if any(rows.y[side].all() or not rows.y[side].any() for side in (learnt, test)):
        return None
    out = vectors.probe(rows, seed) if vectors.probe else run_probe(rows, probe, seed)
    tested = Predicted(rows.y[test], out.score[test], out.probability[test], table.session[test], rows.subject[test])
    if probe == "people":
        scores = [score] if (score := of_people(tested)) else []
    else:
        scores = at_all_levels(tested, vectors.windows)
    names = {"question": question.name, "row": vectors.name, "probe": probe}
    predictions = pl.DataFrame(
        names
        | {"session_id": tested.session.tolist(), "subject_id": tested.subject, "label": tested.y}
        | {"score": tested.score, "probability": tested.probability}
    )
    people = len(np.unique(rows.subject[learnt]))
    return QuestionScores(question.name, vectors.name, probe, scores, out.chosen, people, predictions=predictions)


def of_each_person(table: Table) -> Table:
    """The mean of each person's vectors; people with answers of both kinds are left out."""
    rows = table.rows
    share, people, first = mean_by(rows.y.astype(np.float64), rows.subject)
    place = np.searchsorted(people, rows.subject)
    x = np.stack([np.bincount(place, weights=column) for column in rows.x.T], 1) / np.bincount(place)[:, None]
    whole = (share == 0) | (share == 1)
    kept = [part[first][whole] for part in (rows.train, rows.val, table.session, table.test)]
    return Table(ProbeRows(x[whole], share[whole] == 1, people[whole], *kept[:2]), kept[2], kept[3])
