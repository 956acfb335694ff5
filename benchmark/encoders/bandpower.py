"""Band power, what a plain spectrum knows: a clinician's quantitative EEG as a vector.

`benchmark.encoders.quantities` says what is measured, and `feature_names()` which column is what.
"""

import dataclasses
from typing import Any

import numpy as np
import polars as pl

from benchmark.encoders.encoder import Encoder, Inputs, as_embeddings
from benchmark.encoders.quantities import feature_names, used_bands
from clef.embeddings import Embeddings


def embed(inputs: Inputs) -> Embeddings:
    """Quantities of every session whose recording could be read, (n, D)."""
    about = {"cohort": inputs.cohort.fingerprint}
    if inputs.reference == "recorded":
        return band_vectors(inputs.signal, about, inputs.blank_below)
    made = band_vectors(inputs.signal, about | {"reference": inputs.reference}, inputs.blank_below)
    return dataclasses.replace(made, name=f"{made.name}, {inputs.reference} reference")


def band_vectors(measured: pl.DataFrame, about: dict[str, Any], blank_below: float = 0.0) -> Embeddings:
    """Quantities as vectors (n, D), of a table with `session_id` and `quantities` (signal.MEASURED).

    D is the number of `feature_names(blank_below)`. Raises ValueError if no recording could be read.
    """
    read = measured.filter(pl.col("quantities").is_not_null())
    if not len(read):
        raise ValueError("no recording of the cohort could be read, so there is no bandpower")
    config = about | {"kind": BANDPOWER.kind, "blank_below": blank_below, "bands": list(used_bands(blank_below))}
    name = BANDPOWER.name if blank_below <= 0 else f"{BANDPOWER.name} above {blank_below:g} Hz"
    vectors = np.array(read["quantities"].to_list())
    assert vectors.shape[1] == len(feature_names(blank_below))
    return as_embeddings(read["session_id"].to_list(), vectors, name, config)


BANDPOWER = Encoder(
    "bandpower",
    "quantitative EEG: level, share and variability in six bands, alpha peak, asymmetry, gradient, spectral edges",
    embed,
    kind="bandpower",
    role="baseline",
    fitted_on_nobody=True,
    colour="#444444",
)
