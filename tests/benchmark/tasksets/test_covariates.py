"""Covariates: numbers, with missing values as levels of their own."""

import numpy as np
import polars as pl

from benchmark.tasksets.covariates import covariates


def test_each_level_and_each_missing_value_has_its_indicator():
    frame = pl.DataFrame(
        {"age": [20.0, None, 60.0], "sex": ["F", "M", None], "site": ["A", "B", "B"], "setting": ["emu"] * 3}
    )
    values = covariates(frame)
    assert list(values) == ["female", "sex unknown", "site A", "site B", "age", "age unknown"]  # one setting: no say
    assert values["female"].tolist() == [1, 0, 0] and values["site B"].tolist() == [0, 1, 1]
    assert np.isnan(values["age"][1]) and values["age unknown"].tolist() == [0, 1, 0]
    assert list(covariates(frame, ["site"])) == ["site A", "site B"]
    assert covariates(frame.with_columns(age=pl.lit(None), sex=pl.lit(None, pl.String), site=pl.lit("A"))) == {}
