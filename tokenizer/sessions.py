"""The session table `sessions.parquet` of a cohort folder: one row per session.

| column       | type      | meaning                                                               |
|--------------|-----------|-----------------------------------------------------------------------|
| session_id   | str       | unique                                                                |
| subject_id   | int64     | the person, as in MEDS                                                |
| path         | str       | the recording, relative to the cohort folder or absolute              |
| start_time   | datetime? | start of the recording                                                |
| age          | f32?      | years, 0 to 130                                                       |
| sex          | str?      | "F" or "M"                                                            |
| site         | str?      | hospital or lab                                                       |
| setting      | str?      | routine, emu, icu or ambulatory                                       |
| split        | str       | train, val or test; one per subject, fixed when the cohort is written |
| reading      | str?      | how to read this file where the file does not say: a JSON object with |
|              |           | `rate` (Hz) and `unit` ("uV", "0.1uV", "mV", "V"), or how much of it  |
|              |           | is used: `most_seconds`                                               |

`tokenizer` needs only this table: it knows nothing of reports, records or Transformers.
"""

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

import polars as pl

from tokenizer.base.manifest import check_folder, member_digest, read_manifest, write_manifest
from tokenizer.base.tables import check_table, read_table, table_metadata, write_table

FORMAT = 2
OLDEST = 130
TABLE = "sessions.parquet"
SPLITS = ("train", "val", "test")
SETTINGS = ("routine", "emu", "icu", "ambulatory")
SCHEMA = {
    "session_id": pl.String,
    "subject_id": pl.Int64,
    "path": pl.String,
    "start_time": pl.Datetime("us"),
    "age": pl.Float32,
    "sex": pl.String,
    "site": pl.String,
    "setting": pl.String,
    "split": pl.String,
    "reading": pl.String,
}
REQUIRED = ("session_id", "subject_id", "path", "split")


def subject_number(site: str, subject: str, key: bytes | None = None) -> int:
    """The 63-bit `subject_id` of a person: a hash of site and local name under `key`, so that nobody can turn it back.

    Without a key whoever can guess the name can compute the number (HMAC-SHA-256 with, plain SHA-256 without).
    """
    # \0 stands in no name: ("A", "1x") and ("A1", "x") stay apart. 63 bits: MEDS has signed integers
    name = f"{site}\0{subject}".encode()
    digest = hmac.new(key, name, hashlib.sha256).digest() if key else hashlib.sha256(name).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def split_of(subject_id: int, seed: int = 0, train: float = 0.7, val: float = 0.1) -> str:
    """The split of a subject as a pure function of its id and `seed`: the same on every machine and every import."""
    # a hash and no draw from a generator: the order of subjects, or others added later, must not move anybody
    digest = hashlib.sha256(f"{seed}:{subject_id}".encode()).digest()
    draw = int.from_bytes(digest[:8], "big") / 2**64
    return "train" if draw < train else "val" if draw < train + val else "test"


def write_sessions(cohort: str | Path, sessions: pl.DataFrame) -> None:
    """Check `sessions` against the schema and write it to `cohort/sessions.parquet`."""
    cohort = Path(cohort)
    manifest = read_manifest(cohort, remedy_of(cohort))
    session_writer(sessions)(cohort / TABLE)
    if manifest:
        write_manifest(cohort, manifest | {TABLE: [member_digest(cohort / TABLE)]})


def session_writer(sessions: pl.DataFrame) -> Callable[[Path], None]:
    """Check `sessions` against the schema; what writes the table to a path."""
    table = sessions.with_columns(pl.lit(None, t).alias(c) for c, t in SCHEMA.items() if c not in sessions.columns)
    table = _without_nan(table.select(pl.col(c).cast(t) for c, t in SCHEMA.items()))
    check_sessions(table, TABLE)
    return lambda path: write_table(path, table, {"clef.format": str(FORMAT)})


def read_sessions(cohort: str | Path, split: str | None = None) -> pl.DataFrame:
    """Read and check the session table of a cohort folder; only the rows of `split` if one is named.

    Raises ValueError with one line if the folder or the table is not what the schema says.
    """
    path = Path(cohort) / TABLE
    if not path.is_file():
        raise ValueError(
            f"cohort={cohort}: no sessions.parquet in this folder; make a cohort with "
            f"`python -m clef.importers.folder` or `python -m clef.importers.synthetic`"
        )
    check_folder(Path(cohort), remedy_of(cohort))
    table = read_table(path, remedy_of(cohort))
    check_table(path, table_metadata(path).get("clef.format"), FORMAT)
    check_sessions(table, str(path))
    table = _without_nan(table)
    return table if split is None else table.filter(pl.col("split") == split)


def remedy_of(cohort: str | Path) -> str:
    """What to do about a cohort folder whose files are not as they were written."""
    return (
        f"restore it from a copy or import it again; changed on purpose: clef.cohort.seal({str(cohort)!r}) accepts it"
    )


def _without_nan(table: pl.DataFrame) -> pl.DataFrame:
    """An age that is not a number is unknown."""
    return table.with_columns(pl.col("age").fill_nan(None))


def check_sessions(table: pl.DataFrame, name: str) -> None:
    """Raise ValueError if `table` breaks the contract in this module's docstring."""
    for column, dtype in SCHEMA.items():
        if column not in table.columns:
            raise ValueError(f"{name}: column {column!r} is missing; it has {', '.join(table.columns)}")
        if table[column].dtype != dtype:
            raise ValueError(f"{name}: column {column!r} is {table[column].dtype}, expected {dtype}")
    for column in REQUIRED:
        if empty := table[column].null_count():
            raise ValueError(f"{name}: column {column!r} is empty in {empty} of {len(table)} rows; every row needs one")
    repeated = table.filter(pl.col("session_id").is_duplicated())["session_id"].unique().sort()
    if len(repeated):
        raise ValueError(
            f"{name}: session_id {repeated[0]!r} stands in more than one row "
            f"({len(repeated)} such ids); make session ids unique"
        )
    _check_values(table, name, "split", SPLITS)
    _check_values(table, name, "sex", ("F", "M"))
    _check_values(table, name, "setting", SETTINGS)
    _check_ages(table, name)
    crossing = table.group_by("subject_id").agg(pl.col("split").n_unique()).filter(pl.col("split") > 1)
    if len(crossing):
        raise ValueError(
            f"{name}: {len(crossing)} subjects have sessions in more than one split; "
            f"give all sessions of a subject the same split"
        )


def _check_values(table: pl.DataFrame, name: str, column: str, allowed: tuple[str, ...]) -> None:
    unknown = table.filter(pl.col(column).is_not_null() & ~pl.col(column).is_in(allowed))[column].unique().sort()
    if len(unknown):
        raise ValueError(f"{name}: column {column!r} holds {unknown[0]!r}, expected one of {', '.join(allowed)}")


def _check_ages(table: pl.DataFrame, name: str) -> None:
    odd = table.filter((pl.col("age").fill_nan(None) < 0) | (pl.col("age").fill_nan(None) > OLDEST))
    if len(odd):
        first = odd.row(0, named=True)
        raise ValueError(
            f"{name}: column 'age' holds {first['age']:g} (session {first['session_id']!r}; {len(odd)} such rows), "
            f"expected 0 to {OLDEST} years, or empty where it is unknown"
        )
