"""Windows, sessions, people: the unit that a score counts, never mixed.

A session's log-odds and probability are the means of its windows', a person's those of their sessions. AUROC is of the
log-odds; a case is called where the probability is above one half.
A person whose sessions have different answers (a normal recording and a later abnormal one) is in neither group at the
level of people, and how many there are is said.
"""

import dataclasses

import numpy as np

from benchmark.scores.statistics.auroc import auroc, auroc_interval, set_weights, subject_draws
from benchmark.scores.statistics.metrics import balanced_accuracy

LEVELS = ("window", "session", "person")


@dataclasses.dataclass
class Score:
    """A score of the eval part at one level; low, high: its 95 % interval, people resampled."""

    level: str
    cases: int
    controls: int
    auroc: float
    low: float
    high: float
    balanced_accuracy: float
    mixed: int = 0
    """People left out for answers of both kinds."""


@dataclasses.dataclass
class Predicted:
    """What a probe predicts of rows (n,), beside what they are: label, log-odds, probability, session and subject."""

    y: np.ndarray
    score: np.ndarray
    probability: np.ndarray
    session: np.ndarray
    subject: np.ndarray


def scored(level: str, rows: Predicted, mixed: int = 0) -> Score | None:
    """AUROC from log-odds, never from calls, and balanced accuracy; None unless both groups are there."""
    y, subject = rows.y, rows.subject
    if y.all() or not y.any():
        return None
    value = float(auroc(y, rows.score)[0])
    people, place = np.unique(subject, return_inverse=True)
    each = np.arange(len(people))
    weights = set_weights(subject_draws(len(people), seed=0), each, each)[:, place]
    least = min(len(np.unique(subject[y])), len(np.unique(subject[~y])))
    low, high = auroc_interval(value, auroc(y, rows.score, weights=weights), least)
    called = balanced_accuracy(y, rows.probability > 0.5, np.ones(len(y)))
    return Score(level, int(y.sum()), int((~y).sum()), value, low, high, called, mixed)


def mean_by(values: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean of values (n,) in each group: (g,), the groups, and the first row (g,) of each."""
    groups, first, place = np.unique(group, return_index=True, return_inverse=True)
    return np.bincount(place, weights=values) / np.bincount(place), groups, first


def at_all_levels(rows: Predicted, windows: bool) -> list[Score]:
    """Scores of rows that are windows, or sessions, and of what they belong to."""
    scores = [scored("window", rows)] if windows else []
    sessions = grouped(rows, rows.session)
    return [one for one in (*scores, scored("session", sessions), of_people(sessions)) if one is not None]


def grouped(rows: Predicted, group: np.ndarray) -> Predicted:
    """A row for each group: the means of what is predicted of it, and label, session and subject of its first row."""
    score, _, first = mean_by(rows.score, group)
    probability, _, _ = mean_by(rows.probability, group)
    return Predicted(rows.y[first], score, probability, rows.session[first], rows.subject[first])


def of_people(sessions: Predicted) -> Score | None:
    """The score of people, from their sessions."""
    share, _, _ = mean_by(sessions.y.astype(np.float64), sessions.subject)
    whole = (share == 0) | (share == 1)
    people = grouped(sessions, sessions.subject)
    kept = Predicted(*(getattr(people, field.name)[whole] for field in dataclasses.fields(Predicted)))
    return scored("person", kept, int((~whole).sum()))
