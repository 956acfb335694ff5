"""A scikit-learn transformer: recordings -> session embeddings, as the first step of a pipeline.

    make_pipeline(clef.EEGEmbedder("runs/demo/align"), StandardScaler(), LogisticRegression()).fit(paths, labels)

Nothing is learned from the recordings, so there is nothing to fit: `fit` checks the settings alone.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags

from clef.model import Model, load
from clef.readout import readout
from clef.sources import Options, list_items, reading_config


class EEGEmbedder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Vectors (n, D) float32 of n sessions: `Model.embed` in scikit-learn's form.

    X is a list, a column of a table or an array with one session in each place: paths, tokenizer.Session, mne Raw, or
    arrays (channels, samples) with `channels` and `reading={"rate": …}`.

    model: a run folder, its model/, or a loaded `clef.Model` (on a GPU, say) · pool, head, norm, level, on_error,
    workers, channels: as in `Model.embed` · reading: fields of `ReadingConfig`, as {"rate": 128, "unit": "uV"}
    A pickled or cloned embedder holds its settings; a model named by its folder is read again when it is needed.
    With model=None it is clef-open, if it was made (docs/clef-open.md).
    """

    def __init__(
        self,
        model: "str | Path | Model | None" = None,
        *,
        pool: str | None = None,
        head: str | None = None,
        norm: str | None = None,
        level: bool | None = None,
        on_error: str = "raise",
        workers: int = 1,
        channels: Sequence[str] | None = None,
        reading: dict[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.pool = pool
        self.head = head
        self.norm = norm
        self.level = level
        self.on_error = on_error
        self.workers = workers
        self.channels = channels
        self.reading = reading

    def fit(self, X: Any, y: Any = None) -> "EEGEmbedder":
        """Check the settings, the model and that X holds what can be embedded; no recording is read."""
        self._opened()
        list_items(_sessions(X), Options(channels=self.channels, reading=reading_config(self.reading or {})))
        return self

    def transform(self, X: Any) -> np.ndarray:
        """One vector (D,) for each session of X: (n, D) float32. Raises ValueError as `Model.embed`."""
        sessions = _sessions(X)
        options = {"on_error": self.on_error, "workers": self.workers, "channels": self.channels}
        options |= {"pool": self.pool, "head": self.head, "norm": self.norm, "level": self.level}
        vectors = self._opened().embed(sessions, **options, **(self.reading or {}))
        if len(vectors) != len(sessions):
            raise ValueError(
                f"{len(sessions)} places of X hold {len(vectors)} sessions; expected one in each, so that rows and "
                f"labels agree; give the files of a folder, the sessions of a store or the epochs one by one"
            )
        return vectors

    @property
    def _n_features_out(self) -> int:
        return self._opened().width(
            "trained", readout(pool=self.pool, head=self.head, norm=self.norm, level=self.level)
        )

    def _opened(self) -> Model:
        """The model, read once for each value of the setting."""
        if isinstance(self.model, Model):
            return self.model
        named, opened = self.__dict__.get("_cache", (None, None))
        if opened is None or named != self.model:
            named, opened = self._cache = self.model, load(self.model)
        return opened

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in super().__getstate__().items() if key != "_cache"}

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit, tags.transformer_tags.preserves_dtype = False, []  # always float32
        tags.input_tags.one_d_array, tags.input_tags.two_d_array = True, False
        tags.input_tags.three_d_array = tags.input_tags.string = True
        return tags


def _sessions(X: Any) -> Any:
    """X with one session in each place; what has a single column, as tables do, is that column."""
    values = X.to_numpy() if hasattr(X, "to_numpy") else X
    if isinstance(values, np.ndarray) and values.dtype.kind in "OUT" and values.ndim == 2 and values.shape[1] == 1:
        return values[:, 0]
    if isinstance(values, str | Path) or not hasattr(values, "__len__"):
        raise ValueError(f"X is an object of type {type(X).__name__}; expected a list with one recording in each place")
    return values
