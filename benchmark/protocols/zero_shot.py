"""Zero-shot: questions answered by words alone, beside probes on the same people.

A concept is a vector of words; a session's score is its inner product with it. Nobody's label is used, so there is no
training set; what is scored are the scored rows of the task, with their matched controls, and every probe of the same
task is paired with it.
"""

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl

from benchmark.protocols.runs import AlignedRun
from benchmark.scores.comparing import per_task
from benchmark.scores.predictions import Predictions
from benchmark.scores.scoring import Scored
from benchmark.scores.statistics.auroc import auroc, logit_interval
from benchmark.scores.statistics.covariance import mean_covariance
from benchmark.scores.statistics.delong import delong
from clef.search.prompts import Prompts
from clef.search.zero_shot import class_vectors, question, score

NORMAL = 1.959964
"""The normal quantile of 0.975."""


def answer(run: AlignedRun, tasks: Iterable[str], prompts: Mapping[str, Prompts]) -> dict[str, dict[str, float]]:
    """Task -> session_id -> score, for the tasks of findings that have prompts: nearness to yes less that to no.

    Raises ValueError if the run was aligned without reports.
    """
    sessions, scores = run.sessions_in("report"), {}
    for task in tasks:
        if (name := task.removeprefix("FINDING//")) in prompts and name != task:
            scores[task] = dict(zip(run.pooled.session_id, ask(run, sessions, prompts, name).tolist(), strict=True))
    return scores


def ask(run: AlignedRun, sessions: np.ndarray, prompts: Mapping[str, Prompts], name: str) -> np.ndarray:
    """Scores (n,) of sessions (n, P) in the report space for the question `name` of `prompts`."""
    return score(sessions, *question(run.model, prompts, name))


def ask_opposites(run: AlignedRun, sessions: np.ndarray, prompts: Prompts) -> np.ndarray:
    """Scores (n,) of sessions (n, P) for a question with two answers of equal standing, as older or younger than 50."""
    return score(sessions, *class_vectors(run.model, [prompts.present, prompts.absent]))


def score_zero_shot(scored: Scored, answers: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Scored:
    """The tasks that every row of `answers` answers: probes as they were scored, and zero-shot rows beside them.

    answers: row -> task -> session_id -> score, higher where the concept is likelier
    Raises ValueError if there is no task that all answer, or a scored session without an answer.
    """
    tasks = [
        task for task in scored.tasks if task in scored.predictions and all(task in row for row in answers.values())
    ]
    if not tasks or not answers:
        raise ValueError("zero-shot: no task has words in every model; the tasks of findings have")
    predictions = {task: _with_answers(scored.predictions[task], task, answers) for task in tasks}
    is_asked = pl.col("task").is_in(tasks)
    probes = scored.scores.filter(is_asked)
    rows = [_rows(probes.filter(pl.col("embedding") == scored.embeddings[0]), name, predictions, i)
            for i, name in enumerate(answers, len(scored.embeddings))]  # fmt: skip
    subjects = len(np.unique(np.concatenate([part.subject_id for part in predictions.values()])))
    embeddings = [*scored.embeddings, *answers]
    none = np.full((len(tasks), len(embeddings), 0), np.nan)
    table = pl.concat([probes, *rows])
    return Scored(table, tasks, embeddings, none, [], subjects, scored.main, predictions)


def _with_answers(
    part: Predictions, task: str, answers: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> Predictions:
    """The predictions of the probes of one task, with the answers of every row below them."""
    missing = [s for row in answers.values() for s in part.session_id if s not in row[task]]
    if missing:
        raise ValueError(f"zero-shot: {len(missing)} scored sessions have no answer (first: {missing[0]!r})")
    words = np.array([[row[task][s] for s in part.session_id] for row in answers.values()], np.float64)
    return dataclasses.replace(part, scores=np.concatenate([part.scores, words]))


def _rows(like: pl.DataFrame, name: str, predictions: dict[str, Predictions], i: int) -> pl.DataFrame:
    """Score rows of the embedding number `i`, in the form of another's `like` them; what a probe has, they have not."""
    value = {
        task: float(auroc(part.label, part.scores[i], np.zeros_like(part.fold), part.weight[None])[0])
        for task, part in predictions.items()
    }
    empty = {"low", "high", "auprc", "balanced_accuracy", "brier", "ece", "c", "components"} & set(like.columns)
    return like.with_columns(
        pl.lit(name).alias("embedding"),
        pl.col("task").replace_strict(value, return_dtype=pl.Float64).alias("auroc"),
        *(pl.lit(None, like.schema[column]).alias(column) for column in sorted(empty)),
        *([pl.lit("zero-shot").alias("probe")] if "probe" in like.columns else []),
    )


@dataclasses.dataclass(frozen=True)
class Share:
    """How much of the way from 0.5 to a ceiling a mean AUROC goes, with its 95 % interval."""

    share: float
    low: float
    high: float


def share_of_ceiling(scored: Scored, name: str, ceiling: str) -> Share | None:
    """(AUROC of `name` - 0.5) / (AUROC of `ceiling` - 0.5), of means over tasks; None if the ceiling knows nothing.

    The interval is of the ratio r by Fieller's pivot, linearised: the standard error of a - r·b over b.
    """
    a, b = (scored.embeddings.index(each) for each in (name, ceiling))
    means = per_task(scored).mean(0) - 0.5
    if means[b] <= 0.02:
        return None
    share = float(means[a] / means[b])
    _, covariance = mean_covariance([scored.predictions[task] for task in scored.tasks])
    contrast = np.zeros(len(means))
    contrast[a], contrast[b] = 1.0, contrast[b] - share
    half = covariance.quantile * covariance.se(contrast) / means[b]
    return Share(share, share - half, share + half)


def person_question(label: np.ndarray, scores: np.ndarray) -> tuple[float, float, float]:
    """AUROC with its 95 % interval of scores (n,) for labels (n,) of n different people, who are not matched."""
    test = delong(label, scores[None])
    value, se = float(test.auroc[0]), float(np.sqrt(test.covariance[0, 0]))
    return value, *logit_interval(value, se, float(min(label.sum(), (~label).sum())), NORMAL)
