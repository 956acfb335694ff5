"""Band power, what a plain spectrum knows: mean and sd over valid frames of the level in six bands, per channel."""

from typing import Any

import numpy as np
import polars as pl

from benchmark.encoders.encoder import Encoder, Inputs, as_embeddings
from benchmark.encoders.signal import used_bands
from clef.embeddings import Embeddings


def embed(inputs: Inputs) -> Embeddings:
    """Band power of every session whose recording could be read, (n, 2 · bands · 19)."""
    return band_vectors(inputs.signal, {"cohort": inputs.cohort.fingerprint}, inputs.blank_below)


def band_vectors(measured: pl.DataFrame, about: dict[str, Any], blank_below: float = 0.0) -> Embeddings:
    """Mean and sd (dB) per band and channel, (n, 2 · bands · 19), of a table with `level` and `sd` (signal.MEASURED).

    A missing channel takes the mean of the session's own channels in that band: it adds nothing of other people.
    Raises ValueError if no recording could be read.
    """
    read = measured.filter(pl.col("level").is_not_null())
    if not len(read):
        raise ValueError("no recording of the cohort could be read, so there is no bandpower")
    bands = len(used_bands(blank_below))
    parts = [_filled(np.array(read[c].to_list()).reshape(len(read), bands, 19)) for c in ("level", "sd")]
    config = about | {"kind": BANDPOWER.kind, "blank_below": blank_below, "bands": list(used_bands(blank_below))}
    name = BANDPOWER.name if blank_below <= 0 else f"{BANDPOWER.name} above {blank_below:g} Hz"
    vectors = np.concatenate([p.reshape(len(read), -1) for p in parts], 1)
    return as_embeddings(read["session_id"].to_list(), vectors, name, config)


def _filled(levels: np.ndarray) -> np.ndarray:
    """Levels (n, bands, 19) with missing channels (NaN) at the mean of the others."""
    return np.where(np.isnan(levels), np.nanmean(levels, axis=2, keepdims=True), levels)


BANDPOWER = Encoder(
    "bandpower",
    "level and variability in six bands per channel, what a plain spectrum knows",
    embed,
    kind="bandpower",
    role="baseline",
    fitted_on_nobody=True,
    colour="#444444",
)
