"""Scores of texts against references, with intervals that draw subjects anew.

Facts of all stretches are counted together (`benchmark.texts.fact_score`), F1 = 2 common / (said + expected). An
interval holds the middle 95 % of 1,000 draws of as many subjects with replacement; a difference is taken within a draw.

Shapes: n stretches · S subjects.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.scores.statistics.auroc import interval
from benchmark.texts.fact_score import FactScore, fact_scores
from benchmark.texts.overlap import Overlap
from benchmark.texts.rouge import rouge_l

RESAMPLES = 1000
Interval = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Way:
    """Texts (n,) that a model or a baseline has for all stretches; "" says nothing."""

    name: str
    texts: list[str]
    is_model: bool = False


@dataclasses.dataclass(frozen=True)
class Row:
    """A way's scores.

    facts: `all` and every point -> counts · intervals: of their F1 · rouge: mean F1 of ROUGE-L · bertscore: mean F1
    against: baseline -> difference in F1 of all facts, and its interval; of models alone
    """

    name: str
    is_model: bool
    facts: dict[str, FactScore]
    intervals: dict[str, Interval]
    rouge: float
    bertscore: float | None
    against: dict[str, tuple[float, Interval]]

    @property
    def f1(self) -> float:
        """Fact-F1 over all points."""
        return self.facts["all"].overlap.f1

    def beats(self) -> list[str]:
        """The baselines over which the interval of the difference lies above 0."""
        return [name for name, (_, (low, _)) in self.against.items() if low > 0]

    def as_plain(self) -> dict[str, Any]:
        """Everything as plain values."""
        facts = {
            point: dataclasses.asdict(score) | score.overlap._asdict() | {"interval": list(self.intervals[point])}
            for point, score in self.facts.items()
        }
        against = {name: {"difference": value, "interval": list(ends)} for name, (value, ends) in self.against.items()}
        return {"name": self.name, "model": self.is_model, "facts": facts, "rouge_l": self.rouge} | {
            "bertscore": self.bertscore,
            "against": against,
        }


def score(
    ways: Sequence[Way],
    references: Sequence[str],
    subject: NDArray[np.int_],
    seed: int,
    bertscores: dict[str, list[Overlap]] | None = None,
) -> list[Row]:
    """A row for each way; `subject` (n,): whose each stretch is, any integers."""
    _, subject = np.unique(subject, return_inverse=True)
    subjects = int(subject.max()) + 1
    weights = np.random.default_rng((seed, 7)).multinomial(subjects, np.full(subjects, 1 / subjects), RESAMPLES)
    counts = {way.name: counts_of(references, way.texts) for way in ways}
    draws = {name: {point: drawn_f1(each, subject, weights) for point, each in points.items()}
             for name, points in counts.items()}  # fmt: skip
    rows = []
    for way in ways:
        facts = {point: FactScore(*map(int, each.sum(0))) for point, each in counts[way.name].items()}
        intervals = {point: interval(each) for point, each in draws[way.name].items()}
        rouge = float(np.mean([rouge_l(r, t).f1 for r, t in zip(references, way.texts, strict=True)]))
        mean = float(np.mean([s.f1 for s in bertscores[way.name]])) if bertscores else None
        rows.append(Row(way.name, way.is_model, facts, intervals, rouge, mean, {}))
    baselines = [row for row in rows if not row.is_model]
    return [dataclasses.replace(row, against=_against(row, baselines, draws)) if row.is_model else row for row in rows]


def _against(row: Row, baselines: list[Row], draws: dict[str, dict[str, NDArray]]) -> dict[str, tuple[float, Interval]]:
    mine = draws[row.name]["all"]
    return {other.name: (row.f1 - other.f1, interval(mine - draws[other.name]["all"])) for other in baselines}


def counts_of(references: Sequence[str], texts: Sequence[str]) -> dict[str, NDArray[np.int_]]:
    """`all` and every point -> (n, 4): common, said, expected and contradicted facts of each pair."""
    each = [fact_scores([r], [t]) for r, t in zip(references, texts, strict=True)]
    return {point: np.array([dataclasses.astuple(scores[point]) for scores in each]) for point in each[0]}


def drawn_f1(counts: NDArray[np.int_], subject: NDArray[np.int_], weights: NDArray[np.int_]) -> NDArray[np.floating]:
    """F1 of each draw: counts (n, 4), subject (n,) of 0 to S − 1, weights (draws, S) -> (draws,)."""
    sums = np.zeros((weights.shape[1], 4))
    np.add.at(sums, subject, counts)
    common, said, expected, _ = (weights @ sums).T
    return 2 * common / np.maximum(said + expected, 1)
