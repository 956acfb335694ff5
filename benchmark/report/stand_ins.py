"""Differences of single tasks and means by label budget, until benchmark.scores.comparing has them."""

import numpy as np
import polars as pl
from scipy.special import ndtr

from benchmark.scores.comparing import per_task
from benchmark.scores.scoring import Scored


def task_differences(scored: Scored, a: str, b: str) -> pl.DataFrame:
    """[task, by, low, high, p, q, outcome]: the paired bootstrap's standard error, Benjamini and Hochberg's q."""
    i, j = scored.embeddings.index(a), scored.embeddings.index(b)
    by, spread = np.subtract(*per_task(scored)[:, [i, j]].T), (scored.replicates[:, i] - scored.replicates[:, j]).std(1)
    p = 2 * ndtr(-np.abs(by) / np.maximum(spread, 1e-9))
    order = np.argsort(-p)
    steps = p[order] * len(p) / np.arange(len(p), 0, -1)
    q = np.empty(len(p))
    q[order] = np.minimum(1, np.minimum.accumulate(steps))
    outcome = np.where(q >= 0.05, "tie", np.where(by > 0, "win", "loss"))
    ends = {"low": by - 1.96 * spread, "high": by + 1.96 * spread}
    return pl.DataFrame({"task": scored.tasks, "by": by} | ends | {"p": p, "q": q, "outcome": outcome})


def label_table(scored: Scored) -> pl.DataFrame:
    """[embedding, labels, auroc, lowest, highest]: means over tasks, the range over seeds."""
    means = scored.scores.group_by("embedding", "labels", "seed").agg(pl.col("auroc").mean())
    ends = {"auroc": pl.col("auroc").mean(), "lowest": pl.col("auroc").min(), "highest": pl.col("auroc").max()}
    return means.group_by("embedding", "labels").agg(**ends).sort("embedding", "labels")
