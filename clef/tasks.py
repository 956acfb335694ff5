"""The task store `tasks.parquet`: which session is a case or a control of which question.

| column     | type  | meaning                                                                      |
|------------|-------|------------------------------------------------------------------------------|
| task       | str   | the yes/no question                                                          |
| family     | str   | phenotype, medication, finding or label                                      |
| session_id | str   | at most one session per subject and task                                     |
| subject_id | int64 | the person                                                                   |
| label      | bool  | case (true) or control                                                       |
| split      | str   | train, val or test; or fold0, fold1 … in a store made with folds             |
| match_id   | str   | the matched set: one case and its controls; never in two splits or two folds |

File metadata (JSON in the key "clef.tasks"): `format`, `suite`, `protocol` (every setting, and what was left
out), `cohort` (fingerprint and name) and `split_hash` (checked on open, so a table edited by hand is noticed).
"""

import json
from pathlib import Path
from typing import Any

import polars as pl

from tokenizer.base.files import fingerprint
from tokenizer.base.tables import check_table, json_metadata, read_table, write_table
from tokenizer.sessions import SPLITS

FORMAT = 2
FAMILIES = ("phenotype", "medication", "finding", "label")
SCHEMA = {
    "task": pl.String,
    "family": pl.String,
    "session_id": pl.String,
    "subject_id": pl.Int64,
    "label": pl.Boolean,
    "split": pl.String,
    "match_id": pl.String,
}


def write_tasks(path: str | Path, tasks: pl.DataFrame, about: dict[str, Any]) -> None:
    """Check `tasks` and write them with `about` (suite, protocol, cohort) to `path`, whole or not at all."""
    check_tasks(tasks, Path(path).name)
    about = about | {"format": FORMAT, "split_hash": hash_of_splits(tasks)}
    write_table(path, tasks.select(*SCHEMA), {"clef.tasks": json.dumps(about)})


def read_tasks(path: str | Path) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Read and check a task store: the table and what its file says about it.

    Raises ValueError with one line if it is absent, not a task store, or was changed after it was built.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: there is no such task file; `python -m benchmark.build` writes one")
    tasks = read_table(path, "`python -m benchmark.build` writes task files")
    about = json_metadata(path, "clef.tasks")
    check_table(path, about.get("format"), FORMAT)
    check_tasks(tasks, path.name)
    if about.get("split_hash") != hash_of_splits(tasks):
        raise ValueError(f"{path.name}: its rows were changed after it was built; run benchmark.build again")
    return tasks, about


def check_tasks(tasks: pl.DataFrame, name: str = "tasks") -> None:
    """Raise ValueError (one line) if `tasks` breaks the contract in this module's docstring."""
    for column, dtype in SCHEMA.items():
        if column not in tasks.columns:
            raise ValueError(f"{name}: column {column!r} is missing; it has {', '.join(tasks.columns)}")
        if tasks[column].dtype != dtype:
            raise ValueError(f"{name}: column {column!r} is {tasks[column].dtype}, expected {dtype}")
        if empty := tasks[column].null_count():
            raise ValueError(f"{name}: column {column!r} is empty in {empty} of {len(tasks)} rows")
    _check_unique(tasks, name)
    _check_sets(tasks, name)
    odd = sorted(s for s in set(tasks["split"]) if s not in SPLITS and not is_fold(s))
    if odd:
        raise ValueError(f"{name}: split {odd[0]!r} is none of {', '.join(SPLITS)}, fold0, fold1 …")
    if len(kinds := {is_fold(s) for s in set(tasks["split"])}) > 1:
        raise ValueError(f"{name}: both splits and folds in one table; build it again with folds=0 or folds=N")
    # in folds, a person may stand in different folds of different tasks: each task has its own probes
    key = ["task", "subject_id"] if kinds == {True} else ["subject_id"]
    crossing = tasks.group_by(key).agg(pl.col("split").n_unique()).filter(pl.col("split") > 1)
    if len(crossing):
        raise ValueError(f"{name}: {len(crossing)} subjects stand in more than one split: a score would be leakage")


def _check_unique(tasks: pl.DataFrame, name: str) -> None:
    for column in ("session_id", "subject_id"):
        twice = tasks.filter(pl.struct("task", column).is_duplicated())
        if len(twice):
            first = twice.row(0, named=True)
            raise ValueError(f"{name}: {column} {first[column]!r} stands twice in task {first['task']!r}")


def _check_sets(tasks: pl.DataFrame, name: str) -> None:
    sets = tasks.group_by("task", "match_id").agg(pl.col("split").n_unique(), pl.col("label").sum(), n=pl.len())
    if len(bad := sets.filter(pl.col("split") > 1)):
        raise ValueError(f"{name}: matched set {bad['match_id'][0]!r} of task {bad['task'][0]!r} crosses splits")
    if len(bad := sets.filter((pl.col("label") != 1) | (pl.col("n") < 2))):
        raise ValueError(
            f"{name}: matched set {bad['match_id'][0]!r} of task {bad['task'][0]!r} is not one case with controls"
        )


def is_fold(split: str) -> bool:
    """Whether a split is one of fold0, fold1 …"""
    return split.startswith("fold") and split[4:].isdigit()


def hash_of_splits(tasks: pl.DataFrame) -> str:
    """A short name (16 hex digits) for who is trained on and who is scored: every row, in a fixed order."""
    return fingerprint(tasks.select(*SCHEMA).sort("task", "session_id").write_csv())
