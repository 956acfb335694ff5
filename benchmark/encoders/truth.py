"""Truth: the planted causes of a synthetic cohort as an embedding, a reference that no model is held against.

The ceiling of a task is what its causes allow with thousands of cases. This row is what the same causes give with the
labels there are: the distance between the two is the price of few labels, and the distance from an embedding to this
row is what the embedding lacks.
"""

from pathlib import Path

import numpy as np
import polars as pl

from benchmark.encoders.encoder import Encoder, Inputs, as_embeddings
from clef.cohort import Cohort
from clef.embeddings import Embeddings
from clef.importers.synthetic.ceilings import basis
from tokenizer.base.tables import read_table
from tokenizer.sessions import SCHEMA

REMEDY = "make the cohort again (`python -m clef.importers.synthetic`)"


def embed(inputs: Inputs) -> Embeddings:
    """The latents of every session on the basis that the ceilings use, (n, p). ValueError if no truth was planted."""
    table = read_truth(inputs.cohort)
    latents = {
        column.name: np.array(column.to_list(), str) if column.dtype == pl.String else column.to_numpy()
        for column in table.select(pl.exclude(*SCHEMA))
    }
    config = {"cohort": inputs.cohort.fingerprint, "kind": TRUTH.kind}
    return as_embeddings(table["session_id"].to_list(), basis(latents), TRUTH.name, config)


def has_truth(cohort: Cohort) -> bool:
    """Whether a cohort is synthetic and its planted causes are beside it."""
    return cohort.is_synthetic and _path(cohort).is_file()


def read_truth(cohort: Cohort) -> pl.DataFrame:
    """The planted causes, a row per session in the order of the session table. ValueError (one line) without them."""
    path = _path(cohort)
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file; only a synthetic cohort has its planted causes beside it")
    table, wanted = read_table(path, REMEDY), cohort.sessions.select("session_id")
    if "session_id" not in table.columns or len(missing := wanted.join(table, on="session_id", how="anti")):
        raise ValueError(f"{path}: it lacks sessions of the cohort ({len(missing)} of {len(wanted)}); {REMEDY}")
    return wanted.join(table, on="session_id", how="left", maintain_order="left")


def _path(cohort: Cohort) -> Path:
    return cohort.path / "truth" / "latents.parquet"


TRUTH = Encoder(
    "truth",
    "the true causes with the same labels: what the recordings of a synthetic cohort were drawn from",
    embed,
    kind="planted",
    role="reference",
    fitted_on_nobody=True,
    colour="#000000",
)
