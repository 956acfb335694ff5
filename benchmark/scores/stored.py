"""The store `scores.parquet`: a row per task, embedding, label budget and seed (`SCORES` of benchmark.scores.scoring).

On a synthetic cohort a column `ceiling` is added. File metadata (JSON in the key "clef.scores"): `format`, what the
tasks' file says, means over tasks, each embedding's model and config, notes. Format 2, which had a logistic probe with
all labels alone, is read as that.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from benchmark.scores.comparing import mean_scores
from benchmark.scores.results import Results
from benchmark.scores.scoring import SCORES
from benchmark.scores.statistics.auroc import RESAMPLES
from clef.fold_embeddings import Store
from tokenizer.base.tables import check_table, json_metadata, read_table, write_table

FORMAT = 3
REMEDY = "write it again (`python -m benchmark.run`)"


def write_scores(path: str | Path, results: Results, stores: Mapping[str, Store]) -> None:
    """Write the scores of a run to `path`, whole or not at all; the metadata repeat what the tasks' file says."""
    ceilings = results.about["ceilings"]
    table = results.scored.scores.select(*SCORES)
    if ceilings:
        ceiling = pl.col("task").replace_strict(ceilings, default=None, return_dtype=pl.Float64)
        table = table.with_columns(ceiling=ceiling)
    about = {
        "format": FORMAT,
        "resamples": RESAMPLES,
        "synthetic": results.synthetic,
        "tasks": {k: results.about.get(k) for k in ("suite", "cohort", "protocol", "split_hash")},
        "means": [dataclasses.asdict(mean) for mean in mean_scores(results.scored)],
        "embeddings": {n: {"model": s.model, "config": s.config} for n, s in stores.items()},
        "notes": results.scored.notes,
    }
    write_table(path, table, {"clef.scores": json.dumps(about)})


def read_scores(path: str | Path) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Read and check a score store: the table and what its file says. Raises ValueError (one line) if it is none."""
    table, about = read_table(path, REMEDY), json_metadata(path, "clef.scores")
    check_table(path, about.get("format"), FORMAT)
    if str(about["format"]) == "2":
        table = _from_format_2(table)
    for column, dtype in SCORES.items():
        if table.schema.get(column) != dtype:
            raise ValueError(
                f"{path}: column {column!r} is {table.schema.get(column, 'missing')}, not {dtype}; {REMEDY}"
            )
    return table, about


def _from_format_2(table: pl.DataFrame) -> pl.DataFrame:
    """A table of format 2 in the columns of today: a logistic probe on all dimensions with all labels."""
    was = {"probe": "logistic", "labels": "all", "components": 0, "group": ""}
    table = table.rename({"probe": "protocol"}, strict=False)
    table = table.with_columns(pl.lit(value).cast(SCORES[name]).alias(name) for name, value in was.items())
    absent = [name for name in ("auprc", "balanced_accuracy", "brier", "ece", "smd") if name not in table.columns]
    table = table.with_columns(pl.lit(None, SCORES[name]).alias(name) for name in absent)
    return table.select(*[c for c in SCORES if c in table.columns], *[c for c in table.columns if c not in SCORES])
