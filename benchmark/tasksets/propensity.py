"""Propensity to be a case: a logistic regression of case or not on what is to be matched, as a number to match on.

Rosenbaum and Rubin 1983; the caliper of 0.2 standard deviations of the logit is Austin's (2011), with the standard
deviation pooled over cases and candidates.

It is fitted within each split (or fold), on the rows that are matched there: balance is a property of these rows,
and a fit on other splits would leave theirs. Nothing leaks by it. The fit sees age, sex, site, setting and who is a
case, as exact matching does, and no embedding; all that the probe or its score gets of it is which controls stand in
the split's sets, never a number, and no row of one split has a say in the sets of another.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from benchmark.tasksets.covariates import covariates

CALIPER_SD = 0.2
RIDGE = 1.0  # keeps the weights finite where a site has cases alone
KNOTS = (25, 50, 75)  # percentiles of age at which its line may bend


def propensity(frame: pl.DataFrame, match_on: Sequence[str]) -> tuple[np.ndarray, float]:
    """Logit of the propensity (n,) of each row of `frame`, and the caliper in the same unit.

    `frame` has `label` and the columns of `match_on`, with cases and candidates among its rows. A missing value is a
    level of its own.
    """
    from sklearn.linear_model import LogisticRegression  # takes a second, which exact matching need not wait for

    x, case = design(frame, match_on), frame["label"].to_numpy()
    if not x.shape[1]:
        return np.zeros(len(case)), 1.0
    # made for many rows and few columns; the ridge leaves the intercept alone
    model = LogisticRegression(C=1 / RIDGE, solver="newton-cholesky").fit(x, case)
    logit = model.decision_function(x).round(6)  # the last bits differ between processors, and would part ties
    spread = np.sqrt((logit[case].var() + logit[~case].var()) / 2)
    return logit, max(CALIPER_SD * float(spread), 1e-6)  # rounding parts nobody where the logits are all alike


def design(frame: pl.DataFrame, match_on: Sequence[str]) -> np.ndarray:
    """Columns (n, p) of the regression: indicators, and age as a line that bends at its quartiles, in decades."""
    values = covariates(frame, match_on)
    columns = [x for name, x in values.items() if name != "age"]
    if "age" in values:
        age = values["age"]
        knots = np.nanpercentile(age, KNOTS)
        decades = np.nan_to_num((age[:, None] - np.array([np.nanmean(age), *knots])) / 10)
        columns += [decades[:, 0], *np.maximum(decades[:, 1:], 0).T]
    return np.column_stack(columns) if columns else np.empty((len(frame), 0))
