"""Columns of vectors from columns of tables: numbers with their gaps marked, categories with a column for each."""

import numpy as np
import polars as pl


def number_columns(table: pl.DataFrame, train: np.ndarray) -> np.ndarray:
    """(n, 2 · columns): each number, or the mean over `train` rows (n,) where it is missing; and whether it is."""
    return np.concatenate([_marked(table[c].cast(pl.Float64).to_numpy(), train) for c in table.columns], axis=1)


def _marked(values: np.ndarray, train: np.ndarray) -> np.ndarray:
    missing = ~np.isfinite(values)
    mean = values[train & ~missing].mean() if (train & ~missing).any() else 0.0
    return np.stack([np.where(missing, mean, values), missing], axis=1)


def category_columns(values: pl.Series) -> np.ndarray:
    """(n, categories), a missing value being a category."""
    return values.fill_null("?").to_frame().to_dummies().to_numpy().astype(np.float64)
