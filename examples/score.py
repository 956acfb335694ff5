"""Score a model of your own beside ours, on the same questions about the same people.

Replace `my_model` by yours: it is given one session and returns one vector. Here it is a line of NumPy.

python examples/score.py [runs/demo]
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl

import benchmark
import tokenizer
from clef.embeddings import read_embeddings
from clef.tasks import read_tasks
from tokenizer.reading.read import read_row
from tokenizer.sessions import read_sessions


def my_model(session: tokenizer.Session) -> np.ndarray:
    """Line length of each channel: the mean step from one sample to the next, in µV on a log scale."""
    steps = np.abs(np.diff(session.signal[:, : round(session.seconds * 200)]))
    return np.log1p(steps.mean(1))


demo = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/demo")
tasks, _ = read_tasks(demo / "tasks.parquet")
tasks = tasks.filter(pl.col("family") == "finding")
table = read_sessions(demo / "cohort").filter(pl.col("session_id").is_in(tasks["session_id"].implode()))

vectors = np.stack([my_model(read_row(demo / "cohort", row)) for row in table.iter_rows(named=True)])
mine = (table["session_id"].to_list(), vectors)
scores = benchmark.score(tasks, {"mine": mine, "CLEF": read_embeddings(demo / "embeddings.parquet")})
means = scores.group_by("embedding").agg(pl.col("auroc").mean().round(3), tasks=pl.len()).sort("auroc")
print(f"findings in EEG, {len(table)} sessions; AUROC on people that neither has seen:\n{means}")
