"""The columns of a table that somebody else may have written: fitted to a schema where that loses nothing."""

import polars as pl

Schema = dict[str, pl.DataType]


def fit_columns(frame: pl.DataFrame, schema: Schema, required: tuple[str, ...], name: str) -> pl.DataFrame:
    """`frame` with the columns of `schema` in their order; absent ones are empty, others are left out.

    Raises ValueError (one line, `name` is the file's) if one that is `required` is absent or empty in a row, or holds
    another kind of value: a number is no text, a fraction no whole number.
    """
    for column in required:
        if column not in frame.columns:
            raise ValueError(f"{name}: column {column!r} is missing; the table has {', '.join(frame.columns)}")
        if empty := frame[column].null_count():
            raise ValueError(f"{name}: column {column!r} is empty in {empty} of {len(frame)} rows; every row needs one")
    return pl.DataFrame([_fitted(frame, column, wanted, name) for column, wanted in schema.items()])


def _fitted(frame: pl.DataFrame, column: str, wanted: pl.DataType, name: str) -> pl.Series:
    if column not in frame.columns or frame[column].dtype == pl.Null:
        return pl.Series(column, [None] * len(frame), wanted)
    have = frame[column].dtype
    try:
        if have == wanted or _loses_nothing(have, wanted):
            return frame[column].cast(wanted)
    except pl.exceptions.PolarsError:  # a number too large for its new type
        pass
    raise ValueError(f"{name}: column {column!r} is {have}, expected {wanted}; write it as that and try again")


def _loses_nothing(have: pl.DataType, wanted: pl.DataType) -> bool:
    if wanted.is_integer():
        return have.is_integer()
    if wanted.is_float():
        return have.is_numeric() or have == pl.Boolean
    if wanted.is_temporal():
        return have.is_temporal() and have in (pl.Date, pl.Datetime)
    return wanted == pl.String and have in (pl.Categorical, pl.Enum)
