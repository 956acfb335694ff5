"""The covariates of matching as numbers: age in years, and indicators of sex, site, setting and missing values."""

from collections.abc import Sequence

import numpy as np
import polars as pl

MATCH_ON = ("sex", "site", "setting", "age")


def covariates(frame: pl.DataFrame, columns: Sequence[str] = MATCH_ON) -> dict[str, np.ndarray]:
    """Name -> values (n,) of the session rows of `frame`; those that do not vary among them are left out.

    `age` is in years, NaN where unknown; the others are 0 or 1: `female`, `site A`, `setting emu`, and for missing
    values `age unknown`, `sex unknown` … A site named "unknown" shares the indicator of a missing one.
    """
    values: dict[str, np.ndarray] = {}
    for column in columns:
        if column == "age":
            values["age"] = frame["age"].cast(pl.Float64).fill_null(np.nan).to_numpy()
            values["age unknown"] = np.isnan(values["age"]).astype(np.float64)
        elif column == "sex":
            values["female"] = _indicator(frame["sex"].eq_missing("F"))
            values["sex unknown"] = _indicator(frame["sex"].is_null())
        else:
            known = frame[column].fill_null("unknown")
            values |= {f"{column} {level}": _indicator(known == level) for level in known.unique().sort()}
    return {name: x for name, x in values.items() if _varies(x)}


def _indicator(rows: pl.Series) -> np.ndarray:
    return rows.cast(pl.Float64).to_numpy()


def _varies(x: np.ndarray) -> bool:
    known = x[~np.isnan(x)]
    return bool(len(known)) and bool(known.min() < known.max())
