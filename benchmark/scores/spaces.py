"""The spaces of a task: each embedding's vectors, standardised and whitened on people whom the task does not score.

With splits the moments and axes come from the train and val sessions of the whole task table, once per embedding. With
folds they come from all sessions of the table but those of the people scored in that fold. Cross-fitted embeddings have
another array for each fold, and so another whitening: a fold's people are read in the space of the model that has not
seen them, and so are those the probe learns from.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl

from benchmark.encoders.encoder import TaskEmbeddings
from benchmark.scores.probing.whitening import Space, Whitening, draw_rows, fit_whitening
from clef.embeddings import Embeddings
from clef.fold_embeddings import Store, of_fold


class Spaces:
    """The embeddings of one task table in the spaces that probes read."""

    def __init__(self, stores: Mapping[str, Store], table: pl.DataFrame):
        single = [of_fold(s, fold) for s in stores.values() for fold in getattr(s, "folds", ("",))]
        self.row = {id(store): {s: i for i, s in enumerate(store.session_id)} for store in single}
        self.people = table.select("session_id", "subject_id", "split").unique("session_id").sort("session_id")
        of_subject = table.group_by("subject_id").agg(pl.col("split").n_unique())
        self.same_splits = bool((of_subject["split"] == 1).all())
        """Whether everybody is in one split or fold in all tasks: then a whitening serves all of them."""
        self._kept: dict[tuple[int, str], Whitening] = {}

    def of(self, store: Store, part: pl.DataFrame, name: str, out: np.ndarray) -> list[Space]:
        """The spaces of one embedding for the rows of one task.

        part: the task's rows · name: the split or fold that is scored · out: (n,) bool, its rows.
        """
        single = of_fold(store, name)
        vectors = _vectors(single, part["task"][0])
        x = vectors[self._rows(single, part["session_id"])]
        return self._whitening(single, vectors, part, name, out).spaces(x)

    def width(self, store: Store, task: str) -> int:
        """Columns of an embedding, as one task is asked of it."""
        return _vectors(of_fold(store, "fold0"), task).shape[1]

    def _whitening(
        self, single: Embeddings, vectors: np.ndarray, part: pl.DataFrame, name: str, out: np.ndarray
    ) -> Whitening:
        if (id(single), name) in self._kept:
            return self._kept[id(single), name]
        if self.same_splits:
            pool = self.people.filter(pl.col("split") != name)
        else:
            scored = part.filter(pl.Series(out))["subject_id"]
            pool = self.people.filter(~pl.col("subject_id").is_in(scored.implode()))
        sessions = pool["session_id"]
        fitted = fit_whitening(vectors[self._rows(single, sessions.gather(draw_rows(len(sessions))))])
        if self.same_splits and vectors is single.vectors:
            self._kept[id(single), name] = fitted
        return fitted

    def _rows(self, single: Embeddings, sessions: pl.Series) -> np.ndarray:
        place = self.row[id(single)]
        return np.array([place[s] for s in sessions])


def _vectors(single: Embeddings, task: str) -> np.ndarray:
    """Vectors (n, D) of a store; some depend on the task that is asked of them."""
    return single.of_task(task) if isinstance(single, TaskEmbeddings) else single.vectors
