"""Tables that people write by hand with pandas, polars or pyarrow: every usual form is read, the rest is one line."""

import logging

import numpy as np
import polars as pl
import pytest

from clef.embeddings import Embeddings, read_embeddings, write_embeddings
from clef.fold_embeddings import read_fold_embeddings

NAMES = ["a", "b", "c"]
VECTORS = np.array([[0.5, -1, 2, 0.25], [1, 2, 3, 4], [-8, 0, 0.125, 1]])


def write(path, **columns):
    """A table of another program: polars without metadata, in the physical form of the given columns."""
    columns = {"session_id": NAMES, "embedding": VECTORS} | columns
    pl.DataFrame({name: values for name, values in columns.items() if values is not None}).write_parquet(path)
    return path


def lists(inner, values=VECTORS):
    return pl.Series([list(map(float, row)) for row in values], dtype=pl.List(inner))


@pytest.mark.parametrize("inner", [pl.Float16, pl.Float32, pl.Float64])
def test_lists_and_fixed_sizes_of_every_precision_are_read(tmp_path, inner):
    for column in (lists(inner), pl.Series(VECTORS.tolist(), dtype=pl.Array(inner, 4))):
        store = read_embeddings(write(tmp_path / "mine.parquet", embedding=column))
        assert store.vectors.dtype == np.float32 and store.session_id == NAMES
        np.testing.assert_array_equal(store.vectors, VECTORS)
        assert (store.name, store.model, store.config, store.trained_on) == ("mine", "", {}, {})


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(NAMES)])
def test_names_of_few_values_are_texts(tmp_path, dtype):
    assert read_embeddings(write(tmp_path / "e.parquet", session_id=pl.Series(NAMES, dtype=dtype))).session_id == NAMES


def test_whole_numbers_are_read(tmp_path):
    """An archive that names its sessions by number; codes that were counted."""
    path = write(tmp_path / "e.parquet", session_id=[1007, 3, 21], embedding=pl.Series([[1], [2], [3]]))
    store = read_embeddings(path)
    assert store.session_id == ["1007", "3", "21"] and store.vectors.tolist() == [[1], [2], [3]]


def test_extra_columns_are_left_and_said(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        store = read_embeddings(write(tmp_path / "mine.parquet", age=[1, 2, 3], remark=NAMES))
    assert store.vectors.shape == (3, 4)
    (line,) = caplog.messages
    assert "mine.parquet" in line and "age, remark" in line and "whom its model was trained on" in line


def test_a_file_of_ours_says_nothing_of_the_kind(tmp_path, caplog):
    write_embeddings(tmp_path / "e.parquet", Embeddings(NAMES, VECTORS, "ours"))
    with caplog.at_level(logging.INFO):
        assert read_embeddings(tmp_path / "e.parquet").name == "ours"
    assert not caplog.messages


def test_metadata_written_by_hand_are_taken(tmp_path):
    frame = pl.DataFrame({"session_id": NAMES, "embedding": VECTORS})
    about = '{"name": "mine", "trained_on": {"train": []}}'
    frame.write_parquet(tmp_path / "e.parquet", metadata={"clef.embeddings": about})
    store = read_embeddings(tmp_path / "e.parquet")
    assert (store.name, store.trained_on) == ("mine", {"train": []})


def test_folds_written_by_hand_have_the_name_of_their_folder(tmp_path):
    (tmp_path / "mine").mkdir()
    for fold in range(2):
        write(tmp_path / "mine" / f"fold{fold}.parquet")
    assert read_fold_embeddings(tmp_path / "mine").name == "mine"


SPOILT = VECTORS.copy()
SPOILT[1, 2] = np.nan
WRONG = {
    "no name": ({"session_id": None, "session": NAMES}, "'session_id' is missing; did you mean 'session'"),
    "no vector": ({"embedding": None, "embeddings": VECTORS}, "'embedding' is missing; did you mean 'embeddings'"),
    "a column per number": (
        {"embedding": None} | {f"d{i}": [0.0, 1, 2] for i in range(768)},
        "'embedding' is missing; it has session_id, d0, d1, d2, d3, d4, d5, d6 and 761 more",
    ),
    "NaN": ({"embedding": SPOILT}, "'embedding': embeddings hold NaN or infinity in 1 of 3 rows .first: session 'b'."),
    "too large": (
        {"embedding": VECTORS * 1e300},
        "'embedding': embeddings hold NaN or infinity .or numbers too large for float32. in 3 of 3 rows",
    ),
    "twice": ({"session_id": ["a", "b", "b"]}, "'session_id': a session_id stands in more than one row .first: 'b'."),
    "widths": (
        {"embedding": [[1.0, 2], [1, 2, 3], [1, 2]]},
        "'embedding' holds vectors of different width: 2 numbers, but in 1 of 3 rows others .first: session 'b', 3.",
    ),
    "no number": ({"embedding": pl.Series([[], [], []], dtype=pl.List(pl.Float32))}, "'embedding' holds lists without"),
    "a hole": ({"embedding": [[1.0, None], [1, 2], [1, 2]]}, "'embedding' lacks 1 numbers within its lists"),
    "an empty row": ({"embedding": [[1.0, 2], None, [1, 2]]}, "'embedding' is empty in 1 of 3 rows"),
    "an empty name": ({"session_id": ["a", None, "c"]}, "'session_id' is empty in 1 of 3 rows"),
    "nested": ({"embedding": [[[1.0]], [[2.0]], [[3.0]]]}, "'embedding' is a list of something else than numbers"),
    "planes": ({"embedding": np.zeros((3, 2, 2))}, "'embedding' is a list of something else than numbers"),
    "texts": ({"embedding": [str(row) for row in VECTORS]}, "'embedding' is text"),
    "bytes": ({"embedding": [row.tobytes() for row in VECTORS]}, "'embedding' is bytes"),
    "structs": ({"embedding": [{"x": 1.0}] * 3}, "'embedding' is a table of its own"),
    "numbers": ({"embedding": [1.0, 2.0, 3.0]}, "'embedding' is one number per row"),
    "names of bytes": ({"session_id": [b"a", b"b", b"c"]}, "'session_id' is bytes"),
    "names of fractions": ({"session_id": [1.0, 2.0, 3.0]}, "'session_id' is one number per row .Float64.; expected"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_scored_is_one_line_with_file_and_column(tmp_path, case):
    columns, reason = WRONG[case]
    with pytest.raises(ValueError, match=f"^mine.parquet: column {reason}") as caught:
        read_embeddings(write(tmp_path / "mine.parquet", **columns))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_a_table_without_rows_is_one_line(tmp_path):
    path = write(tmp_path / "mine.parquet", session_id=[], embedding=[])
    with pytest.raises(ValueError, match=r"^mine\.parquet: the table has no rows"):
        read_embeddings(path)


def test_what_pyarrow_writes(tmp_path):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    numbers = (pa.float16(), pa.float32(), pa.float64())
    columns = [pa.array(list(VECTORS.astype(t.to_pandas_dtype())), kind) for t in numbers
               for kind in (pa.list_(t), pa.large_list(t), pa.list_(t, 4))]  # fmt: skip
    columns += [pa.FixedShapeTensorArray.from_numpy_ndarray(VECTORS)]
    names = [pa.array(NAMES), pa.array(NAMES, pa.large_string()), pa.array(NAMES).dictionary_encode()]
    for i, column in enumerate(columns):
        parquet.write_table(pa.table({"session_id": names[i % 3], "embedding": column}), tmp_path / "e.parquet")
        store = read_embeddings(tmp_path / "e.parquet")
        assert store.session_id == NAMES, column.type
        np.testing.assert_array_equal(store.vectors, VECTORS)


def test_what_pandas_writes(tmp_path):
    pd, path = pytest.importorskip("pandas"), tmp_path / "e.parquet"
    table = pd.DataFrame({"session_id": NAMES, "embedding": list(VECTORS)})
    for frame in (table, table.astype({"session_id": "category"}), table.set_index("session_id"), table.iloc[::-1]):
        frame.to_parquet(path)
        assert sorted(read_embeddings(path).session_id) == NAMES
