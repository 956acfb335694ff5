"""Acquisition: how a recording was made, as far as the recording shows it.

The level at 0.25–1 Hz minus that at 2–4 Hz (the high-pass filter), the noise floor, what the mains left, and the
sampling rate. It is no pure control: slow waves, drowsiness and sweat move the first of them too, so a score above 0.5
may be the amplifier or the person, and what it says is that four numbers without a model go so far.
"""

import numpy as np
import polars as pl

from benchmark.encoders.columns import number_columns
from benchmark.encoders.encoder import Encoder, Inputs, as_embeddings
from clef.embeddings import Embeddings


def embed(inputs: Inputs) -> Embeddings:
    """How each session of the cohort was recorded, (n, 8): four numbers, each with a mark where it is missing."""
    sessions, columns = inputs.cohort.sessions, [pl.col("slow", "floor", "mains"), pl.col("rate").log1p()]
    measured = inputs.signal.select("session_id", *columns)
    table = sessions.join(measured, on="session_id", how="left", maintain_order="left")
    numbers = table.select("slow", "floor", "mains", "rate")
    vectors = number_columns(numbers, np.asarray(table["split"] == "train"))
    config = {"cohort": inputs.cohort.fingerprint, "kind": ACQUISITION.kind}
    return as_embeddings(table["session_id"].to_list(), vectors, ACQUISITION.name, config)


ACQUISITION = Encoder(
    "acquisition",
    "slow drift, noise floor, mains and sampling rate: how the amplifier was set, with some EEG in the slow drift",
    embed,
    kind="acquisition",
    role="baseline",
    fitted_on_nobody=True,
    nuisance=True,
    colour="#c0a878",
)
