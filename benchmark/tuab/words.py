"""TUAB's questions asked in words alone, and whether the reports of train say the answer in the same words.

A class is the mean of its prompts' unit vectors, made a unit vector again; a session's score is its cosine to the
cases' words less that to the others', and it is called a case above zero. No label is used. `zero-shot` has EEG-CLIP's
prompts as published (arXiv 2503.16531, table 2), `zero-shot, templates` those of configs/search/prompts.yaml, for the
questions that have some.

A report that says "male" tells a model that was aligned with it what is asked of the EEG: so the words in which the two
sides of a question differ are looked for in the reports of train.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from benchmark.tuab.asking import QuestionScores, Table, Vectors, answers_of, joined
from benchmark.tuab.levels import Predicted, at_all_levels
from benchmark.tuab.probes import ProbeRows
from benchmark.tuab.questions import Question
from benchmark.tuab.report_space import ReportSpace
from clef.cohort import Cohort
from clef.search.prompts import Prompts, read_prompts
from clef.search.zero_shot import class_vectors, score

EEGCLIP_PROMPTS = {
    "pathological": Prompts(["This is an abnormal recording"], ["This is a normal recording"]),
    "age": Prompts(["The patient is over 50 years old"], ["The patient is under 50 years old"]),
    "sex": Prompts(["The patient is male"], ["The patient is female"]),
    "medication": Prompts(
        ["Anti-epileptic drugs were prescribed to the patient"],
        ["No anti-epileptic drugs were prescribed to the patient"],
    ),
}
TEMPLATES = {"pathological": ("abnormal", False), "age": ("age_above_50", False), "sex": ("female", True)}
"""Question -> its entry among our prompts, and whether that one's "yes" is the others' side here."""
LEAK = 0.05
"""Difference of the shares of reports from which on a word is said to tell the answer."""


def prompts_of(question: str) -> dict[str, Prompts]:
    """Name of the row's probe -> prompts."""
    both = {"zero-shot": EEGCLIP_PROMPTS[question]} if question in EEGCLIP_PROMPTS else {}
    if question in TEMPLATES:
        entry, turned = TEMPLATES[question]
        ours = read_prompts()[entry]
        both["zero-shot, templates"] = Prompts(*reversed(ours)) if turned else ours
    return both


def ask_in_words(
    questions: list[Question], rows: list[Vectors], models: Mapping[str, ReportSpace], cohort: Cohort
) -> Iterator[QuestionScores]:
    """Every question of every row whose model was aligned with reports; models: row -> how it meets words."""
    for question in questions:
        answers = answers_of(question, cohort)
        for vectors in rows:
            if (model := models.get(vectors.name)) is None:
                continue
            table = joined(vectors, answers)
            table, sessions = of_sessions(table, model.project(table.rows.x))
            for probe, prompts in prompts_of(question.name).items():
                yes, no = class_vectors(model, [prompts.present, prompts.absent])
                asked = _asked(question.name, vectors.name, probe, table, score(sessions, yes, no))
                if asked.scores:
                    yield asked


def of_sessions(table: Table, projected: np.ndarray) -> tuple[Table, np.ndarray]:
    """A row for each session, and its unit vector (n, P): the mean of what its rows are in the report space."""
    _, first, place = np.unique(table.session, return_index=True, return_inverse=True)
    sums = np.zeros((len(first), projected.shape[1]))
    np.add.at(sums, place, projected)
    rows = ProbeRows(*(getattr(table.rows, field.name)[first] for field in dataclasses.fields(ProbeRows)))
    unit = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return Table(rows, table.session[first], table.test[first]), unit.astype(np.float32)


def _asked(question: str, row: str, probe: str, table: Table, similarity: np.ndarray) -> QuestionScores:
    test, rows = table.test, table.rows
    score = similarity[test].astype(np.float64)
    probability = 0.5 + score / 4  # cosines differ by 2 at most; a case is called where the mean is above 0
    tested = Predicted(rows.y[test], score, probability, table.session[test], rows.subject[test])
    names = {"question": question, "row": row, "probe": probe}
    predictions = pl.DataFrame(
        names
        | {"session_id": tested.session.tolist(), "subject_id": tested.subject, "label": tested.y}
        | {"score": tested.score, "probability": tested.probability}
    )
    return QuestionScores(question, row, probe, at_all_levels(tested, False), {}, 0, predictions=predictions)


# ---- what reports say
@dataclasses.dataclass(frozen=True)
class Leak:
    """A word that only one side of a question has, and the shares of reports of train with it, of cases and others."""

    question: str
    word: str
    cases: float
    others: float


def leaks(question: Question, cohort: Cohort) -> list[Leak]:
    """The words of a question's prompts by which the reports of train tell its answer; empty without reports."""
    answers = answers_of(question, cohort)
    reports = {
        name: set(words(text))
        for name, text in cohort.reports.select("session_id", "text").drop_nulls().iter_rows()
        if name in answers and answers[name][2] != "test"
    }
    sides = [[used for name, used in reports.items() if answers[name][0] == side] for side in (True, False)]
    if not all(sides):
        return []
    shares = {
        word: [float(np.mean([word in used for used in side])) for side in sides] for word in telling(question.name)
    }
    return [Leak(question.name, word, *of) for word, of in shares.items() if abs(of[0] - of[1]) >= LEAK]


def telling(question: str) -> list[str]:
    """The words that the prompts of one side have and those of the other lack."""
    every = list(prompts_of(question).values())
    sides = [{w for p in every for text in p[i] for w in words(text)} for i in (0, 1)]
    return sorted(sides[0] ^ sides[1])


def words(text: str) -> list[str]:
    """Words of a text in lower case; a number stays one."""
    return re.findall(r"[a-z]{2,}|\d+", text.lower())
