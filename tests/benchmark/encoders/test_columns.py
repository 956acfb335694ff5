"""Columns of vectors."""

import numpy as np
import polars as pl

from benchmark.encoders.columns import category_columns, number_columns


def test_a_gap_is_filled_from_train_and_marked():
    table = pl.DataFrame({"a": [1.0, None, 3.0, 9.0], "b": [None, None, None, 2]})
    columns = number_columns(table, np.array([True, True, True, False]))
    assert columns[:, 0].tolist() == [1, 2, 3, 9] and columns[:, 1].tolist() == [0, 1, 0, 0]
    assert columns[:, 2].tolist() == [0, 0, 0, 2], "no train row knows it"


def test_an_unknown_category_is_one_of_its_own():
    assert category_columns(pl.Series("sex", ["F", None, "M"])).sum(0).tolist() == [1, 1, 1]
