"""Tasks with permuted labels: a control on the benchmark itself, which has to score 0.5 on whatever embedding."""

import numpy as np
import polars as pl

from tokenizer.base.files import fingerprint


def permute_labels(tasks: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The same tasks with one member of every matched set, drawn by `seed`, as its case, whoever was it before.

    Sets, splits and sessions stay, so that all that a probe could use but the labels is as it was.
    """
    rows = tasks.sort("task", "match_id", "session_id")
    rng = np.random.default_rng(int(fingerprint("permuted labels", str(seed)), 16))
    rows = rows.with_columns(pl.Series("_draw", rng.random(len(rows))))
    first = pl.col("_draw") == pl.col("_draw").min().over("task", "match_id")
    return rows.with_columns(label=first).drop("_draw")
