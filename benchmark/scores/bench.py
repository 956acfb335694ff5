"""The bench: one task scored for every embedding, seed and label budget, with the bootstrap's replicates."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from benchmark.scores.predictions import Predictions
from benchmark.scores.probing.budgets import ALL, INNER_FOLDS, MIN_VAL_CASES, make_draw
from benchmark.scores.probing.choice import GRID, Fitted, fit_probes
from benchmark.scores.probing.stacks import Draw
from benchmark.scores.probing.whitening import WIDTHS
from benchmark.scores.spaces import Spaces
from benchmark.scores.statistics.auroc import auroc, auroc_interval, set_weights, subject_draws
from benchmark.scores.statistics.metrics import (
    average_precision_in_folds,
    balanced_accuracy,
    brier_score,
    calibration_error,
)
from benchmark.tasksets.weights import member_weights
from clef.fold_embeddings import Store
from clef.tasks import is_fold

READOUTS = {
    "logistic": "L2 logistic regression, C·d in 1e{0:.0f}…1e{1:.0f}",
    "ridge": "ridge regression onto ±1, C·d in 1e{0:.0f}…1e{1:.0f}",
    "mlp": "perceptron of two layers, Adam 1e-4, 5 epochs, 10 % warm-up",
}
PROTOCOL = (
    "{0}; standardised, all d dimensions or {1} whitened principal components (unlabelled training rows); chosen by "
    f"balanced loss on val if it has {MIN_VAL_CASES} cases and all labels are used, else on {INNER_FOLDS} inner folds "
    "of matched sets; refitted on train + val; a case weighs 1, its k controls 1/k"
)
FEW_RESAMPLES = 200  # for budgets below the largest: their standard error alone is needed, and to a few per cent
MOST_VALUES = 30_000_000  # float64 values of task rows that stand in memory at once, about 240 MB
Key = tuple[int, str]
"""A seed and a label budget."""


@dataclasses.dataclass
class TaskScores:
    """One task: a row of scores per embedding, seed and budget, and what only the largest budget has.

    replicates: (seeds, embeddings, R), paired · predictions: of seed 0, where it is among the seeds
    """

    rows: list[dict[str, Any]]
    replicates: np.ndarray
    predictions: Predictions | None


@dataclasses.dataclass
class Table:
    """One task as arrays (n,): label, set weights, matched sets from 0 on, split, and which rows are scored."""

    part: pl.DataFrame
    y: np.ndarray
    weight: np.ndarray
    group: np.ndarray
    split: np.ndarray
    scored: np.ndarray

    @classmethod
    def of(cls, part: pl.DataFrame) -> "Table":
        split, y = part["split"].to_numpy(), part["label"].to_numpy()
        group = np.unique(part["match_id"].to_numpy(), return_inverse=True)[1]
        scored = np.ones(len(y), bool) if is_fold(str(split[0])) else split == "test"
        return cls(part, y, member_weights(y, group), group, split, scored)

    def rounds(self) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
        """What is scored at a time: its name, and rows (n,) bool that are scored, of train and of val."""
        if not self.scored.all():
            yield "test", self.scored, self.split == "train", self.split == "val"
            return
        for name in np.unique(self.split):
            yield str(name), self.split == name, self.split != name, np.zeros(len(self.y), bool)


@dataclasses.dataclass
class Outcome:
    """One embedding under one seed and budget: values (n,) of the scored rows, and the choices of each fold."""

    scores: np.ndarray
    probability: np.ndarray
    called: np.ndarray
    chosen: list[Fitted]
    draws: list[Draw]

    @classmethod
    def blank(cls, n: int) -> "Outcome":
        return cls(np.zeros(n), np.zeros(n), np.zeros(n, bool), [], [])


class Bench:
    """What all tasks share: the embeddings in the spaces that probes read, the bootstrap's draws, and the protocol."""

    def __init__(
        self,
        stores: Mapping[str, Store],
        tasks: pl.DataFrame,
        resamples: int,
        probe: str = "logistic",
        budgets: tuple[str, ...] = (ALL,),
    ):
        self.stores, self.probe, self.budgets = stores, probe, budgets
        self.column = {s: i for i, s in enumerate(tasks["subject_id"].unique().sort())}
        self.draws = subject_draws(len(self.column), 0, resamples)
        readout = READOUTS[probe].format(*np.log10([GRID[0], GRID[-1]]))
        self.protocol = PROTOCOL.format(readout, " or ".join(map(str, reversed(WIDTHS))))

    def score_task(self, part: pl.DataFrame, seeds: list[int], spaces: Spaces | None = None) -> TaskScores:
        """Scores of every embedding on one task, `part` of the task table, under each seed and label budget.

        spaces: of the whole task table, on whose unlabelled training rows the whitening is fitted; default: of `part`.
        """
        table = Table.of(part)
        spaces = spaces or Spaces(self.stores, part)
        outcomes = self._outcomes(table, seeds, spaces)
        weights = self._bootstrap(table)
        rows, replicates = [], np.full((len(seeds), len(self.stores), len(weights)), np.nan)
        same: dict[int, np.ndarray] = {}
        for (seed, budget), each in outcomes.items():
            for e, (name, outcome) in enumerate(zip(self.stores, each, strict=True)):
                main = budget == self.budgets[-1]
                some = weights if main else weights[:FEW_RESAMPLES]
                # where nothing was left to a seed, the outcome is one and the same, and so are its replicates
                if id(outcome) not in same:
                    same[id(outcome)] = self._auroc(table, outcome, some)
                if main:
                    replicates[seeds.index(seed), e] = same[id(outcome)]
                of_row = {"embedding": name, "labels": budget, "seed": seed, "probe": self.probe}
                of_row["width"] = spaces.width(self.stores[name], part["task"][0])
                rows.append(of_row | self._row(table, outcome, same[id(outcome)]))
        return TaskScores(rows, replicates, self._predictions(table, outcomes) if 0 in seeds else None)

    def _outcomes(self, table: Table, seeds: list[int], spaces: Spaces) -> dict[Key, list[Outcome]]:
        """The outcome of every embedding for each seed and budget that the task has training cases for."""
        rounds = list(table.rounds())
        draws = [self._draws(table, train, val, seeds) for _, _, train, val in rounds]
        keys = [key for key in draws[0] if all(key in of_round for of_round in draws)]
        blank: dict[Key, list[Outcome]] = {key: [] for key in keys}
        if not keys:
            return {}
        n, sources = len(table.y), {key: self._source(key, draws) for key in keys}
        wanted = [key for key in keys if sources[key] == key]
        for names in self._batches(n, spaces, table.part["task"][0]):
            fresh = {key: [Outcome.blank(n) for _ in names] for key in wanted}
            for (name, out, _, _), of_round in zip(rounds, draws, strict=True):
                readings = [spaces.of(self.stores[store], table.part, name, out) for store in names]
                fitted = fit_probes(readings, table.y, table.weight, [of_round[key] for key in wanted], self.probe)
                for e, of_embedding in enumerate(fitted):
                    for key, one in zip(wanted, of_embedding, strict=True):
                        _take(fresh[key][e], one, of_round[key], out)
            for key in keys:
                blank[key] += fresh[sources[key]]
        return blank

    def _draws(self, table: Table, train: np.ndarray, val: np.ndarray, seeds: list[int]) -> dict[Key, Draw]:
        made = {}
        for seed in seeds:
            for budget in self.budgets:
                draw = make_draw(table.y, train, val, table.group, budget, seed)
                made |= {(seed, budget): draw} if draw else {}
        return made

    def _source(self, key: Key, draws: list[dict[Key, Draw]]) -> Key:
        """The first key whose draws are the same: val chooses alike under every seed, unless the probe draws too."""
        if self.probe == "mlp" or any(of_round[key].chosen_on != "val" for of_round in draws):
            return key
        return next(other for other in draws[0] if other[1] == key[1])

    def _batches(self, n: int, spaces: Spaces, task: str) -> Iterator[list[str]]:
        """Names of embeddings that are fitted side by side: as many as memory takes."""
        batch, values = [], 0
        for name, store in self.stores.items():
            size = n * spaces.width(store, task)
            if batch and values + size > MOST_VALUES:
                yield batch
                batch, values = [], 0
            batch, values = [*batch, name], values + size
        yield batch

    def _bootstrap(self, table: Table) -> np.ndarray:
        """Weights (R, n) of the scored rows, the same for every embedding: that is what makes differences paired."""
        subject = np.array([self.column[s] for s in table.part["subject_id"]])[table.scored]
        group = np.unique(table.group[table.scored], return_inverse=True)[1]
        return set_weights(self.draws, subject, group) * table.weight[table.scored]

    def _auroc(self, table: Table, outcome: Outcome, weights: np.ndarray) -> np.ndarray:
        s = table.scored
        return auroc(table.y[s], outcome.scores[s], np.unique(table.split[s], return_inverse=True)[1], weights)

    def _row(self, table: Table, outcome: Outcome, replicates: np.ndarray) -> dict[str, Any]:
        s = table.scored
        y, weight, fold = table.y[s], table.weight[s], np.unique(table.split[s], return_inverse=True)[1]
        value = float(auroc(y, outcome.scores[s], fold, weight[None])[0])
        low, high = auroc_interval(value, replicates, int(y.sum()))
        cases = np.mean([table.y[draw.fit].sum() for draw in outcome.draws])
        controls = np.mean([(~table.y[draw.fit]).sum() for draw in outcome.draws])
        folded = is_fold(str(table.split[0]))
        cs = [one.c for one in outcome.chosen if one.c is not None]
        return {
            "task": table.part["task"][0],
            "family": table.part["family"][0],
            "auroc": value,
            "low": low,
            "high": high,
            "auprc": average_precision_in_folds(y, outcome.scores[s], weight, fold),
            "balanced_accuracy": balanced_accuracy(y, outcome.called[s], weight),
            "brier": brier_score(y, outcome.probability[s], weight),
            "ece": calibration_error(y, outcome.probability[s], weight),
            "cases": int(y.sum()),
            "controls": int((~y).sum()),
            "train_cases": round(cases),
            "train_controls": round(controls),
            "c": float(np.median(cs)) if cs else None,
            "components": Counter(one.components for one in outcome.chosen).most_common(1)[0][0],
            "chosen_on": outcome.chosen[0].chosen_on,
            "scored_on": f"{len(outcome.chosen)} folds" if folded else "test",
            "unit": "session, one per subject",
            "protocol": self.protocol,
        }

    def _predictions(self, table: Table, outcomes: dict[Key, list[Outcome]]) -> Predictions | None:
        main = outcomes.get((0, self.budgets[-1]))
        if main is None:
            return None
        s = table.scored
        numbers = [np.unique(of[s], return_inverse=True)[1] for of in (table.group, table.split)]
        named = [table.part[column].to_numpy()[s] for column in ("session_id", "subject_id")]
        values = [np.stack([getattr(one, what)[s] for one in main]) for what in ("scores", "probability")]
        return Predictions(*named, table.y[s], table.weight[s], *numbers, *values)


def _take(outcome: Outcome, fitted: Fitted, draw: Draw, out: np.ndarray) -> None:
    """Keep of a fitted probe what it says of the rows of its own round, and what was chosen for it."""
    outcome.scores[out], outcome.probability[out] = fitted.scores[out], fitted.probability[out]
    outcome.called[out] = fitted.called[out]
    outcome.chosen.append(fitted)
    outcome.draws.append(draw)
