"""Session names and vectors from the columns `session_id` and `embedding` of a table, whoever wrote it.

pandas, polars and pyarrow store the same vectors as lists, large lists, fixed-size arrays or tensors, of float16, 32
or 64, and names as texts, large texts or categories. All of these are taken. What is none of them is a ValueError of
one line that names file and column.
"""

import difflib

import numpy as np
import polars as pl

COLUMNS = ("session_id", "embedding")
HELP = "docs/embeddings.md shows how to write one by hand"
SHOWN = 8  # columns of a table that a message lists: of a vector with a column per number there are hundreds


def check_columns(frame: pl.DataFrame, name: str) -> None:
    """Raise ValueError unless the table of the file `name` has both columns, and rows."""
    for column in COLUMNS:
        if column not in frame.columns:
            raise ValueError(f"{name}: column {column!r} is missing; {_nearest(column, frame.columns)}; {HELP}")
    if not len(frame):
        raise ValueError(f"{name}: the table has no rows; expected one per session")


def read_names(column: pl.Series, name: str) -> list[str]:
    """Unique session names (n,) from the column `session_id`.

    Whole numbers are read as text, 7 as "7": an archive that names its sessions by number has these names in its
    tables, too. Other types are refused, since 7.0 or a time could be written in several ways.
    """
    if column.dtype.is_integer() or isinstance(column.dtype, pl.Categorical | pl.Enum):
        column = column.cast(pl.String)
    if column.dtype != pl.String:
        raise ValueError(f"{name}: column 'session_id' is {_spoken(column.dtype)}; expected texts or whole numbers")
    if empty := column.null_count():
        raise ValueError(f"{name}: column 'session_id' is empty in {empty} of {len(column)} rows; name every session")
    if column.is_duplicated().any():
        first = column.filter(column.is_duplicated())[0]
        raise ValueError(
            f"{name}: column 'session_id': a session_id stands in more than one row (first: {first!r}); keep one "
            f"embedding per session: average its windows"
        )
    return column.to_list()


def read_vectors(column: pl.Series, names: list[str], name: str) -> np.ndarray:
    """Vectors (n, D) float32 of the sessions `names` from the column `embedding`, all of one width and finite."""
    column = column.ext.storage() if isinstance(column.dtype, pl.BaseExtension) else column
    inner = column.dtype.inner if isinstance(column.dtype, pl.List | pl.Array) else None
    if inner is None or not (inner.is_float() or inner.is_integer()):
        raise ValueError(
            f"{name}: column 'embedding' is {_spoken(column.dtype)}; expected a list of numbers in every row, as "
            f"list(vectors) of an array (n, D); {HELP}"
        )
    if empty := column.null_count():
        raise ValueError(f"{name}: column 'embedding' is empty in {empty} of {len(column)} rows; leave these rows out")
    column = _one_width(column, names, name) if isinstance(column.dtype, pl.List) else column
    if not (width := column.dtype.shape[0]):
        raise ValueError(f"{name}: column 'embedding' holds lists without a number")
    values = column.explode(empty_as_null=False).cast(pl.Float64 if inner == pl.Float64 else pl.Float32)
    if missing := values.null_count():
        raise ValueError(f"{name}: column 'embedding' lacks {missing} numbers within its lists; fill them in")
    return _finite(values.to_numpy().reshape(len(names), width), names, name)


def _one_width(column: pl.Series, names: list[str], name: str) -> pl.Series:
    """Lists of one width as fixed-size arrays."""
    widths = column.list.len()
    usual = int(widths.mode().sort()[-1])
    if len(odd := (widths != usual).arg_true()):
        raise ValueError(
            f"{name}: column 'embedding' holds vectors of different width: {usual} numbers, but in {len(odd)} of "
            f"{len(names)} rows others (first: session {names[odd[0]]!r}, {widths[odd[0]]}); make them alike"
        )
    return column.list.to_array(usual)


def _finite(values: np.ndarray, names: list[str], name: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        vectors = values.astype(np.float32, copy=False)
    finite = np.isfinite(vectors).all(1)
    if finite.all():
        return vectors
    first = np.flatnonzero(~finite)[0]
    large = " (or numbers too large for float32)" if np.isfinite(values[first]).all() else ""
    raise ValueError(
        f"{name}: column 'embedding': embeddings hold NaN or infinity{large} in {(~finite).sum()} of {len(names)} rows "
        f"(first: session {names[first]!r}); a probe on them would be meaningless; leave these rows out"
    )


def _nearest(column: str, columns: list[str]) -> str:
    """What the table may have meant instead of `column`."""
    if near := difflib.get_close_matches(column, [c for c in columns if c not in COLUMNS], n=1, cutoff=0.5):
        return f"did you mean {near[0]!r}? Rename it"
    has = ", ".join(columns[:SHOWN]) + (f" and {len(columns) - SHOWN} more" if len(columns) > SHOWN else "")
    return f"it has {has or 'none'}"


def _spoken(dtype: pl.DataType) -> str:
    """A type in words, and as polars calls it."""
    if isinstance(dtype, pl.List | pl.Array):
        return f"a list of something else than numbers ({dtype})"
    words = {pl.String: "text", pl.Binary: "bytes", pl.Struct: "a table of its own", pl.Object: "Python objects"}
    word = words.get(dtype.base_type(), "one number per row" if dtype.is_numeric() else "")
    return f"{word} ({dtype})" if word else str(dtype)
