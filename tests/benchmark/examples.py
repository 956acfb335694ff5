"""Tasks and embeddings with a known effect, shared by the tests of the benchmark."""

import numpy as np
import polars as pl

from clef.embeddings import Embeddings
from clef.tasks import SCHEMA


def make_tasks(n_tasks=4, sets=(40, 20, 60), seed=0):
    """Tasks over 400 people, (train, val, test) matched pairs each; session s17 is subject 17."""
    rng, rows = np.random.default_rng(seed), []
    pools = {"train": np.arange(200), "val": np.arange(200, 260), "test": np.arange(260, 400)}
    for task in range(n_tasks):
        for (split, pool), count in zip(pools.items(), sets, strict=True):
            drawn = rng.permutation(pool)[: 2 * count].reshape(-1, 2)
            for pair in drawn:
                for person, label in zip(pair, (True, False), strict=True):
                    rows.append((f"t{task}", "phenotype", f"s{person}", int(person), label, split, f"s{pair[0]}"))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def make_embeddings(tasks, effect, seed=0, width=64):
    """Noise, with the label of each task added to a coordinate of its own."""
    x = np.random.default_rng(seed).standard_normal((400, width))
    for i, task in enumerate(tasks["task"].unique().sort()):
        cases = tasks.filter((pl.col("task") == task) & pl.col("label"))["subject_id"].to_numpy()
        x[cases, i] += effect
    return Embeddings([f"s{i}" for i in range(400)], x.astype(np.float32), "e")
